use insta::assert_snapshot;

use super::super::{find, one, sketch};
use crate::text::TextLines;

#[test]
fn inner_exceptions() {
    let trace = one(
        "Unhandled exception. System.InvalidOperationException: cannot place order\n ---> System.NullReferenceException: Object reference not set to an instance of an object.\n   at Shop.Orders.Cart.Total() in C:\\src\\Shop\\Orders\\Cart.cs:line 12\n   at Shop.Orders.OrderService.Place(Cart cart) in /src/Shop/Orders/OrderService.cs:line 40\n   --- End of inner exception stack trace ---\n   at Shop.Orders.OrderService.Place(Cart cart) in /src/Shop/Orders/OrderService.cs:line 44\n   at Microsoft.AspNetCore.Mvc.Infrastructure.ActionMethodExecutor.Execute(Object controller)\nAborted\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
DotNet 1-7
System.InvalidOperationException: cannot place order
 * /src/Shop/Orders/OrderService.cs:44 Shop.Orders.OrderService Place
   - Microsoft.AspNetCore.Mvc.Infrastructure.ActionMethodExecutor Execute
System.NullReferenceException: Object reference not set to an instance of an object.
 * C:\src\Shop\Orders\Cart.cs:12 Shop.Orders.Cart Total
 * /src/Shop/Orders/OrderService.cs:40 Shop.Orders.OrderService Place
"#);
}

#[test]
fn async_state_machines_and_generics() {
    let trace = one(
        "System.ArgumentException: bad key (Parameter 'key')\n   at System.Collections.Generic.Dictionary`2.get_Item(TKey key)\n   at Shop.Api.Controllers.OrderController.<PlaceAsync>d__4.MoveNext()\n--- End of stack trace from previous location ---\n   at System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw()\n   at Shop.Repo`1.Find[T](String id, Func`2 by)\n   at Shop.Thing..ctor(Int32 n)\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
DotNet 1-7
System.ArgumentException: bad key (Parameter 'key')
   - System.Collections.Generic.Dictionary`2 get_Item
 * - Shop.Api.Controllers.OrderController PlaceAsync
   - System.Runtime.ExceptionServices.ExceptionDispatchInfo Throw
 * - Shop.Repo`1 Find
 * - Shop.Thing .ctor
"#);
}

#[test]
fn behind_a_logger() {
    let trace = one(
        "fail: Shop.Worker[0]\n      Unhandled\n      Shop.ShopException: down\n         at Shop.Worker.Run() in /src/Worker.cs:line 3\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
DotNet 3-4
Shop.ShopException: down
 * /src/Worker.cs:3 Shop.Worker Run
"#);
}

#[test]
fn prose_is_no_frame() {
    assert!(find(&TextLines::new("  at Foo.Bar() it breaks\n"), 10).is_empty());
    assert!(find(&TextLines::new("it breaks\n   at Foo.Bar()\n"), 10).is_empty());
}
