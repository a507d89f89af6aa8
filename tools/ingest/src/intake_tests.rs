use millwright_model::{Language, TicketFormat};

use super::*;

#[test]
fn prose_alone_is_a_ticket() {
    let ticket = parse(b"Saving an order loses its discount since Tuesday.\n\nIt worked before. Steps:\n\n1. Open an order with a discount\n2. Press save\n");
    assert_eq!(ticket.format, TicketFormat::Text);
    assert_eq!(ticket.title, "Saving an order loses its discount since Tuesday.");
    assert_eq!(ticket.symptom, "Saving an order loses its discount since Tuesday.\nIt worked before. Steps:\nOpen an order with a discount\nPress save".replace("\nPress save", ""));
    assert!(
        ticket.traces.is_empty()
            && ticket.errors.is_empty()
            && ticket.notes.is_empty()
            && ticket.fingerprint.value.is_empty()
    );
}

#[test]
fn markdown_with_everything() {
    let ticket = parse(
        br#"# Checkout fails with a discount

Hi, since the last deploy our customers cannot pay.

Release: 2024.5.1
Environment: production

```python
def total(cart):
    return cart.lines[0].price
```

> Traceback (most recent call last):
>   File "/app/shop/cart.py", line 12, in total
>     return cart.lines[0].price
> IndexError: list index out of range

The log says:

2024-05-01 10:00:00,100 INFO shop: start
2024-05-01 10:00:01,100 ERROR shop: payment failed for order 7

Thanks for looking into it!
"#,
    );
    assert_eq!(ticket.title, "Checkout fails with a discount");
    assert_eq!(
        ticket.symptom,
        "Checkout fails with a discount\nHi, since the last deploy our customers cannot pay.\nThe log says:\nThanks for looking into it!"
    );
    assert_eq!(ticket.traces.len(), 1);
    assert_eq!(ticket.traces[0].language, Language::Python);
    assert_eq!(ticket.traces[0].span.map(|s| (s.start, s.end)), Some((13, 16)));
    let messages: Vec<&str> = ticket.errors.iter().map(|e| e.message.as_str()).collect();
    assert_eq!(messages, ["list index out of range", "shop: payment failed for order 7"]);
    assert_eq!(
        ticket.code,
        ["return cart.lines[0].price", "def total(cart):\n    return cart.lines[0].price"]
    );
    assert_eq!(ticket.log_spans.iter().map(|s| (s.start, s.end)).collect::<Vec<_>>(), [(20, 21)]);
    assert_eq!(ticket.context.release.as_deref(), Some("2024.5.1"));
    assert_eq!(ticket.context.environment.as_deref(), Some("production"));
}

#[test]
fn a_test_report() {
    let ticket = parse(
        br#"[shop] AssertionError: 8 != 1 (in shop/cart.py)

FAIL: test_total (shop.tests.CartTests.test_total)
The total leaves out cancelled lines
----------------------------------------------------------------------
Traceback (most recent call last):
  File "tests/shop/tests.py", line 4, in test_total
    self.assertEqual(cart.total(), 1)
AssertionError: 8 != 1

----------------------------------------------------------------------
Ran 1 test in 0.001s
"#,
    );
    assert_eq!(ticket.title, "[shop] AssertionError: 8 != 1 (in shop/cart.py)");
    assert_eq!(ticket.symptom, "The total leaves out cancelled lines");
    assert_eq!(ticket.errors.len(), 1, "{:?}", ticket.errors);
    assert_eq!(ticket.errors[0].kind.as_deref(), Some("AssertionError"));
    assert_eq!(ticket.failing_tests.len(), 1);
    assert_eq!(ticket.code, ["self.assertEqual(cart.total(), 1)"]);
    assert!(!ticket.fingerprint.value.is_empty());
}

#[test]
fn every_language_in_one_ticket() {
    let ticket = parse(
        b"first\n\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x\n\njava.lang.Error: y\n\tat a.B.c(B.java:1)\n\nTypeError: z\n    at f (/app/a.js:1:2)\n\npanic: w\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:5 +0x20\n\nthread 'main' panicked at src/main.rs:4:5:\nv\n\nSystem.Exception: u\n   at A.B.C() in /src/C.cs:line 3\n\n/app/a.rb:1:in `f': t (ArgumentError)\n\tfrom /app/b.rb:2:in `g'\n\nPHP Fatal error:  Uncaught Error: s in /app/a.php:1\nStack trace:\n#0 /app/b.php(2): f()\n#1 {main}\n  thrown in /app/a.php on line 1\n\nProgram received signal SIGSEGV, Segmentation fault.\n#0  0x01 in f (x=1) at src/f.c:12\n#1  0x02 in main () at src/main.c:3\n",
    );
    let got: Vec<(Language, &str)> =
        ticket.traces.iter().map(|t| (t.language, t.exceptions[0].kind.as_str())).collect();
    assert_eq!(
        got,
        [
            (Language::Python, "ValueError"),
            (Language::Jvm, "java.lang.Error"),
            (Language::JavaScript, "TypeError"),
            (Language::Go, "panic"),
            (Language::Rust, "panic"),
            (Language::DotNet, "System.Exception"),
            (Language::Ruby, "ArgumentError"),
            (Language::Php, "Error"),
            (Language::Native, "SIGSEGV"),
        ]
    );
    assert_eq!(ticket.symptom, "");
}

#[test]
fn what_could_not_be_read_is_said() {
    assert_eq!(parse(b"").notes, ["The ticket is empty."]);
    let named = parse_named(b"not json", Some("event.JSON"));
    assert!(named.notes[0].contains("no known payload"), "{:?}", named.notes);
}
