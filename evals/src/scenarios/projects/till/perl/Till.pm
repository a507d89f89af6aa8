package Till;
use strict;
use warnings;

sub net {
    my ($quantity, $cents) = @_;
    return $quantity * $cents;
}

sub discounted {
    my ($amount) = @_;
    return $amount - int($amount / 10) if $amount >= 10000;
    return $amount;
}

my %POSTAGE = (DE => 490, AT => 890);

sub postage {
    my ($country) = @_;
    return $POSTAGE{$country} || 1490;
}

sub money {
    my ($amount) = @_;
    return sprintf('%d.%02d', int($amount / 100), $amount % 100);
}

sub label {
    my ($name) = @_;
    return substr($name, 0, 12);
}

1;
