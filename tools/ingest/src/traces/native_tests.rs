use insta::assert_snapshot;

use super::super::{one, sketch};

#[test]
fn gdb() {
    let trace = one(
        "Program received signal SIGSEGV, Segmentation fault.\n0x0000555555555131 in parse_header (buf=0x0, n=3) at src/parse.c:12\n12\t  return buf[n];\n(gdb) bt\n#0  0x0000555555555131 in parse_header (buf=0x0, n=3) at src/parse.c:12\n#1  0x00005555555551a0 in Server::run (this=0x7ffe) at src/server.cpp:40\n#2  __libc_start_main () from /lib/x86_64-linux-gnu/libc.so.6\n#3  0x0000555555555060 in _start ()\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Native 1-8
SIGSEGV: Segmentation fault
 * src/parse.c:12 - parse_header
 * src/server.cpp:40 - Server::run
   - - __libc_start_main
   - - _start
"#);
}

#[test]
fn address_sanitizer_takes_the_first_stack() {
    let trace = one(
        "=================================================================\n==1234==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010 at pc 0x4f8a bp 0x7ffd sp 0x7ffc\nREAD of size 4 at 0x602000000010 thread T0\n    #0 0x4f8a in Cart::total(int) const /src/cart.cc:12:5\n    #1 0x4f9b in main /src/main.cc:3:10\n    #2 0x7f12 in __libc_start_main (/lib/x86_64-linux-gnu/libc.so.6+0x21b96)\n\n0x602000000010 is located 0 bytes inside of 4-byte region\nfreed by thread T0 here:\n    #0 0x49 in free (/src/a.out+0x49)\n    #1 0x4f in Cart::clear() /src/cart.cc:8:3\n\nSUMMARY: AddressSanitizer: heap-use-after-free /src/cart.cc:12:5 in Cart::total(int) const\n==1234==ABORTING\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Native 2-13
AddressSanitizer: heap-use-after-free: heap-use-after-free on address 0x602000000010 at pc 0x4f8a bp 0x7ffd sp 0x7ffc
 * /src/cart.cc:12:5 - Cart::total
 * /src/main.cc:3:10 - main
   - - __libc_start_main
"#);
}

#[test]
fn undefined_behaviour_and_threads() {
    assert_snapshot!(sketch(&one("src/math.c:7:12: runtime error: signed integer overflow: 2147483647 + 1 cannot be represented in type 'int'\nrest\n")), @r#"
Native 1-1
UndefinedBehaviorSanitizer: signed integer overflow: 2147483647 + 1 cannot be represented in type 'int'
 * src/math.c:7:12 - -
"#);
    assert_snapshot!(sketch(&one("==================\nWARNING: ThreadSanitizer: data race (pid=77)\n  Write of size 4 at 0x7b04 by thread T1:\n    #0 inc src/race.c:5:10 (a.out+0x4a)\n    #1 run src/race.c:9:3 (a.out+0x4b)\n\n  Previous write of size 4 at 0x7b04 by main thread:\n    #0 main src/race.c:15:3 (a.out+0x4c)\n\nSUMMARY: ThreadSanitizer: data race src/race.c:5:10 in inc\n==================\n")), @r#"
Native 2-10
ThreadSanitizer: data race: data race (pid=77)
 * src/race.c:5:10 - inc
 * src/race.c:9:3 - run
"#);
}

#[test]
fn aborts() {
    assert_snapshot!(sketch(&one("server: src/queue.c:88: int pop(struct queue *): Assertion `q->len > 0' failed.\nAborted (core dumped)\n")), @r#"
Native 1-1
SIGABRT: Assertion `q->len > 0' failed
 * src/queue.c:88 - pop
"#);
    assert_snapshot!(sketch(&one("terminate called after throwing an instance of 'std::out_of_range'\n  what():  vector::_M_range_check\nAborted\n")), @r#"
Native 1-2
std::out_of_range: vector::_M_range_check
"#);
    assert_snapshot!(sketch(&one("double free or corruption (out)\nAborted\n")), @r#"
Native 1-1
SIGABRT: double free or corruption (out)
"#);
}
