use insta::assert_snapshot;

use super::super::{one, sketch};

#[test]
fn panic_with_signal_and_second_goroutine() {
    let trace = one(
        "panic: runtime error: invalid memory address or nil pointer dereference [recovered]\n\tpanic: again\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48f2a1]\n\ngoroutine 1 [running]:\npanic({0x1, 0x2})\n\t/usr/local/go/src/runtime/panic.go:884 +0x212\ngithub.com/acme/shop/cart.(*Cart).Total(0xc0000, {0x1, 0x2})\n\t/app/cart/cart.go:21 +0x1d\nmain.main()\n\t/app/main.go:5 +0x20\ncreated by net/http.(*Server).Serve in goroutine 3\n\t/usr/local/go/src/net/http/server.go:2969 +0x36c\n\ngoroutine 7 [chan receive, 5 minutes]:\nmain.wait()\n\t/app/wait.go:3 +0x1\nexit status 2\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Go 1-17
panic: runtime error: invalid memory address or nil pointer dereference
   /usr/local/go/src/runtime/panic.go:884 - panic
 * /app/cart/cart.go:21 github.com/acme/shop/cart (*Cart).Total
 * /app/main.go:5 main main
   /usr/local/go/src/net/http/server.go:2969 net/http (*Server).Serve
"#);
}

#[test]
fn panic_while_serving() {
    let trace = one(
        "2024/05/01 10:00:00 http: panic serving 10.0.0.1:5123: boom\ngoroutine 34 [running]:\nnet/http.(*conn).serve.func1()\n\t/usr/local/go/src/net/http/server.go:1801 +0x147\nmain.handler.func2(0x1)\n\tgithub.com/acme/shop/main.go:12 +0x1d\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Go 2-6
panic: boom
   /usr/local/go/src/net/http/server.go:1801 net/http (*conn).serve.func1
 * github.com/acme/shop/main.go:12 main handler.func2
"#);
}

#[test]
fn deadlock_and_data_race() {
    let trace = one(
        "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [semacquire]:\nsync.runtime_Semacquire(0xc0)\n\t/usr/local/go/src/runtime/sema.go:62 +0x25\nmain.main()\n\t/src/x/main.go:9 +0x3b\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Go 1-7
fatal error: all goroutines are asleep - deadlock!
   /usr/local/go/src/runtime/sema.go:62 sync runtime_Semacquire
 * /src/x/main.go:9 main main
"#);
    let race = one(
        "==================\nWARNING: DATA RACE\nRead at 0x00c000 by goroutine 7:\n  main.read()\n      /src/x/main.go:12 +0x3e\n\nPrevious write at 0x00c000 by main goroutine:\n  main.write()\n      /src/x/main.go:20 +0x3e\n==================\n",
    );
    assert_snapshot!(sketch(&race), @r#"
Go 2-10
DATA RACE: Read at 0x00c000 by goroutine 7
 * /src/x/main.go:12 main read
"#);
}
