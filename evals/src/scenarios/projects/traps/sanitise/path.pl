# The path of a report: perl path.pl NAME
use strict;
use warnings;

my ($name) = @ARGV;
# Reports lie in one folder.
print "reports/$name\n";
