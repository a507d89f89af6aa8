use insta::assert_snapshot;

use super::super::{one, sketch};

#[test]
fn old_quotes() {
    let trace = one(
        "/app/lib/cart.rb:12:in `total': undefined method `price' for nil:NilClass (NoMethodError)\n\n    item.price\n        ^^^^^^\n\tfrom /app/lib/cart.rb:5:in `block in each'\n\tfrom /usr/local/bundle/gems/rack-2.2/lib/rack.rb:9:in `call'\n\tfrom bin/run:3:in `<main>'\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Ruby 1-7
NoMethodError: undefined method `price' for nil:NilClass
 * /app/lib/cart.rb:12 - total
 * /app/lib/cart.rb:5 - block in each
   /usr/local/bundle/gems/rack-2.2/lib/rack.rb:9 - call
 * bin/run:3 - <main>
"#);
}

#[test]
fn new_quotes_with_a_cause() {
    let trace = one(
        "/app/lib/shop.rb:20:in 'Shop::Cart#checkout': checkout failed (Shop::Error)\n\tfrom /app/main.rb:2:in '<main>'\n/app/lib/shop.rb:18:in 'Integer#/': divided by 0 (ZeroDivisionError)\n\tfrom /app/lib/shop.rb:18:in 'Shop::Cart#checkout'\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Ruby 1-4
Shop::Error: checkout failed
 * /app/lib/shop.rb:20 Shop::Cart checkout
 * /app/main.rb:2 - <main>
ZeroDivisionError: divided by 0
 * /app/lib/shop.rb:18 Integer /
 * /app/lib/shop.rb:18 Shop::Cart checkout
"#);
}

#[test]
fn rails_log() {
    let trace = one(
        "[a1b2] ActiveRecord::RecordNotFound (Couldn't find User with 'id'=7):\n\napp/controllers/users_controller.rb:12:in `show'\napp/views/x.html.erb:3:in `block in _app_views_x'\n\nrest\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Ruby 1-4
ActiveRecord::RecordNotFound: Couldn't find User with 'id'=7
 * app/controllers/users_controller.rb:12 - show
 * app/views/x.html.erb:3 - block in _app_views_x
"#);
}

#[test]
fn rspec() {
    let trace = one(
        "  1) Cart adds up\n     Failure/Error: cart.add(nil)\n\n     ArgumentError:\n       no item given\n     # ./lib/cart.rb:3:in `add'\n     # ./spec/cart_spec.rb:12:in `block (2 levels) in <top (required)>'\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Ruby 4-7
ArgumentError: no item given
 * ./lib/cart.rb:3 - add
 * ./spec/cart_spec.rb:12 - block (2 levels) in <top (required)>
"#);
}
