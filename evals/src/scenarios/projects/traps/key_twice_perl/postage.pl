# Postage by country: perl postage.pl COUNTRY | list
use strict;
use warnings;

my @POSTAGE = (
    DE => 490,
    FR => 1190,
    AT => 890,
);
my %postage = @POSTAGE;
my ($country) = @ARGV;
if ($country eq 'list') {
    print join("\n", @POSTAGE[grep { $_ % 2 == 0 } 0 .. $#POSTAGE]), "\n";
} else {
    print $postage{$country}, "\n";
}
