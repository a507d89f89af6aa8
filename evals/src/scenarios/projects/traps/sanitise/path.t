use strict;
use warnings;
use Test::More tests => 1;

is(`perl path.pl may`, "reports/may\n", 'a plain name');
