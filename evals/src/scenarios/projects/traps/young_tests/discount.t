use strict;
use warnings;
use lib 'lib';
use Test::More tests => 1;
use Till;

is(Till::discounted(20000), 18000, 'large orders');
