use strict;
use warnings;
use Test::More tests => 1;

like(`perl print.pl 7`, qr/^7/, 'whole amounts');
