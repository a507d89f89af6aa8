use strict;
use warnings;
use Test::More tests => 1;

is(`perl postage.pl DE`, "490\n", 'postage at home');
