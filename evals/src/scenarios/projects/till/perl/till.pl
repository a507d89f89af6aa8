# Adds up an order: perl till.pl total QUANTITY CENTS COUNTRY | label NAME
use strict;
use warnings;
use lib 'lib';
use Till;

my ($command, @rest) = @ARGV;
if ($command eq 'total') {
    my $amount = Till::discounted(Till::net($rest[0], $rest[1]));
    print Till::money($amount + Till::postage($rest[2])), "\n";
} elsif ($command eq 'label') {
    print Till::label($rest[0]), "\n";
}
