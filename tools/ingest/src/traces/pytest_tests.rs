use insta::assert_snapshot;

use super::super::{one, sketch};

#[test]
fn long_style() {
    let trace = one(r#"=================================== FAILURES ===================================
_____________________________ TestCart.test_total ______________________________

self = <tests.test_cart.TestCart object at 0x7f1c>

    def test_total(self):
        cart = Cart()
>       assert cart.total() == 5

tests/test_cart.py:12: 
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ 

self = <shop.cart.Cart object at 0x7f1d>

    def total(self):
>       return sum(self.lines)
E       TypeError: unsupported operand type(s) for +: 'int' and 'str'

shop/cart.py:33: TypeError
=========================== short test summary info ============================
FAILED tests/test_cart.py::TestCart::test_total - TypeError: unsupported oper...
"#);
    assert_snapshot!(sketch(&trace), @r#"
Python 2-19
TypeError: unsupported operand type(s) for +: 'int' and 'str'
 * shop/cart.py:33 - total | return sum(self.lines)
 * tests/test_cart.py:12 - test_total | assert cart.total() == 5
"#);
}

#[test]
fn bare_assert_has_no_type() {
    let trace = one(r#"_________________________________ test_add _________________________________

    def test_add():
>       assert add(1, 1) == 3
E       assert 2 == 3
E        +  where 2 = add(1, 1)

test_add.py:4: AssertionError
"#);
    assert_snapshot!(sketch(&trace), @r#"
Python 1-8
AssertionError: assert 2 == 3⏎ +  where 2 = add(1, 1)
 * test_add.py:4 - test_add | assert add(1, 1) == 3
"#);
}

#[test]
fn short_style() {
    let trace =
        one(r#"____________________________ ERROR collecting tests/test_x.py ____________________________
tests/test_x.py:3: in <module>
    from shop import nothing
shop/__init__.py:9: in load
    raise ImportError("x")
E   ImportError: cannot import name 'nothing' from 'shop'
"#);
    assert_snapshot!(sketch(&trace), @r#"
Python 1-6
ImportError: cannot import name 'nothing' from 'shop'
 * shop/__init__.py:9 - load | raise ImportError("x")
 * tests/test_x.py:3 - <module> | from shop import nothing
"#);
}
