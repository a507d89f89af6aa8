use strict;
use warnings;
use lib 'lib';
use Test::More;
use Till;

is(Till::net(3, 150), 450, 'net of several pieces');
is(Till::discounted(9000), 9000, 'no discount on small orders');
is(Till::postage('DE'), 490, 'postage at home');
is(Till::postage('AT'), 890, 'postage abroad');
is(Till::money(1200), '12.00', 'whole amounts');
is(Till::money(1005), '10.05', 'amounts keep their zero');
is(Till::label('Constantinople'), 'Constantinop', 'labels are cut');
done_testing();
