# Prints an amount: perl print.pl AMOUNT [--digits=N]
use strict;
use warnings;

my %chosen;
my ($amount, @words) = @ARGV;
for my $word (@words) {
    $chosen{digits} = $1 if $word =~ /^--digits=(\d+)$/;
}
# Cents are printed unless something else is asked for.
my $digits = $chosen{digits} // 2;
printf "%.${digits}f\n", $amount;
