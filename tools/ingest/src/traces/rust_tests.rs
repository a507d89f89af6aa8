use insta::assert_snapshot;

use super::super::{one, sketch};

#[test]
fn new_style_without_backtrace() {
    let trace = one(
        "thread 'main' panicked at src/main.rs:4:5:\nassertion `left == right` failed: totals\n  left: 1\n right: 2\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\nrest\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Rust 1-5
panic: assertion `left == right` failed: totals⏎  left: 1⏎ right: 2
 * src/main.rs:4:5 - -
"#);
}

#[test]
fn new_style_with_backtrace() {
    let trace = one(
        "thread 'cart::tests::adds' (12345) panicked at crates/shop/src/cart.rs:33:9:\nindex out of bounds: the len is 3 but the index is 7\nstack backtrace:\n   0: rust_begin_unwind\n             at /rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/library/std/src/panicking.rs:645:5\n   1: core::panicking::panic_fmt\n             at /rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/library/core/src/panicking.rs:72:14\n   2: shop::cart::Cart::line\n             at ./crates/shop/src/cart.rs:33:9\n   3: shop::main::{{closure}}\n             at ./crates/shop/src/main.rs:9:5\n   4: <alloc::boxed::Box<F,A> as core::ops::function::FnOnce<Args>>::call_once\n             at /rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/library/alloc/src/boxed.rs:2015:9\nnote: Some details are omitted\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Rust 1-13
panic: index out of bounds: the len is 3 but the index is 7
   /rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/library/std/src/panicking.rs:645:5 - rust_begin_unwind
   /rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/library/core/src/panicking.rs:72:14 core::panicking core::panicking::panic_fmt
 * ./crates/shop/src/cart.rs:33:9 shop::cart::Cart shop::cart::Cart::line
 * ./crates/shop/src/main.rs:9:5 shop::main shop::main::{{closure}}
   /rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/library/alloc/src/boxed.rs:2015:9 - <alloc::boxed::Box<F,A> as core::ops::function::FnOnce<Args>>::call_once
"#);
}

#[test]
fn old_style_over_several_lines() {
    let trace = one(
        "thread 'tests::x' panicked at 'assertion failed: `(left == right)`\n  left: `1`,\n right: `2`', src/lib.rs:3:5\nnote: run with `RUST_BACKTRACE=1`\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Rust 1-4
panic: assertion failed: `(left == right)`⏎  left: `1`,⏎ right: `2`
 * src/lib.rs:3:5 - -
"#);
}

#[test]
fn backtrace_without_places() {
    let trace = one(
        "thread 'main' panicked at 'boom', src/main.rs:2:5\nstack backtrace:\n   0:     0x55d - std::panicking::begin_panic_handler::h0123456789abcdef\n   1:     0x55e - shop::run::h0123456789abcdee\n   2:     0x55f - main\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Rust 1-5
panic: boom
   - std::panicking std::panicking::begin_panic_handler
 * src/main.rs:2:5 shop shop::run
   - - main
"#);
}

#[test]
fn anyhow_report() {
    let trace = one(
        "Error: cannot read settings\n\nCaused by:\n    0: cannot open shop.toml\n    1: No such file or directory (os error 2)\n\nStack backtrace:\n   0: shop::settings::read\n             at ./src/settings.rs:12:20\n   1: shop::main\n             at ./src/main.rs:3:5\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Rust 1-11
Error: cannot read settings
 * ./src/settings.rs:12:20 shop::settings shop::settings::read
 * ./src/main.rs:3:5 shop shop::main
: cannot open shop.toml
: No such file or directory (os error 2)
"#);
}
