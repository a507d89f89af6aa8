use insta::assert_snapshot;

use super::super::{find, one, sketch};
use crate::text::TextLines;

#[test]
fn plain_traceback_with_carets() {
    let trace = one(r#"It broke:
Traceback (most recent call last):
  File "/app/shop/cart.py", line 41, in checkout
    total = price(items)
            ^^^^^^^^^^^^
  File "/app/shop/pricing.py", line 7, in price
    return sum(i["price"] for i in items)
  File "/usr/lib/python3.11/json/decoder.py", line 12, in <genexpr>
KeyError: 'price'

Any ideas?
"#);
    assert_snapshot!(sketch(&trace), @r#"
Python 2-9
KeyError: 'price'
   /usr/lib/python3.11/json/decoder.py:12 - <genexpr>
 * /app/shop/pricing.py:7 - price | return sum(i["price"] for i in items)
 * /app/shop/cart.py:41 - checkout | total = price(items)
"#);
}

#[test]
fn chained_exceptions_surface_first() {
    let trace = one(r#"Traceback (most recent call last):
  File "db.py", line 3, in query
    raise DriverError("gone")
lib.DriverError: gone

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "app.py", line 9, in main
    query()
  File "db.py", line 5, in query
    raise AppError("no database") from e
app.errors.AppError: no database

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "app.py", line 11, in main
    log(1/0)
ZeroDivisionError: division by zero
"#);
    assert_snapshot!(sketch(&trace), @r#"
Python 1-20
ZeroDivisionError: division by zero
 * app.py:11 - main | log(1/0)
app.errors.AppError: no database
 * db.py:5 - query | raise AppError("no database") from e
 * app.py:9 - main | query()
lib.DriverError: gone
 * db.py:3 - query | raise DriverError("gone")
"#);
}

#[test]
fn exception_group_with_its_members() {
    let trace = one(r#"  + Exception Group Traceback (most recent call last):
  |   File "/app/main.py", line 3, in run
  |     raise ExceptionGroup("many", errors)
  | ExceptionGroup: many (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/app/main.py", line 8, in first
    |     int("x")
    | ValueError: invalid literal for int() with base 10: 'x'
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "/app/main.py", line 12, in second
    |     {}["k"]
    | KeyError: 'k'
    +------------------------------------
after"#);
    assert_snapshot!(sketch(&trace), @r#"
Python 1-15
ExceptionGroup: many (2 sub-exceptions)
 * /app/main.py:3 - run | raise ExceptionGroup("many", errors)
ValueError: invalid literal for int() with base 10: 'x'
 * /app/main.py:8 - first | int("x")
KeyError: 'k'
 * /app/main.py:12 - second | {}["k"]
"#);
}

#[test]
fn syntax_error_has_a_frame_without_a_function() {
    let trace = one(r#"Traceback (most recent call last):
  File "manage.py", line 2, in <module>
    import shop
  File "/srv/shop/__init__.py", line 3
    def f(:
          ^
SyntaxError: invalid syntax
"#);
    assert_snapshot!(sketch(&trace), @r#"
Python 1-7
SyntaxError: invalid syntax
 * /srv/shop/__init__.py:3 - - | def f(:
 * manage.py:2 - <module> | import shop
"#);
}

#[test]
fn every_line_behind_a_stamp() {
    let trace = one(r#"2024-05-01 10:00:00,120 ERROR [7] shop: Traceback (most recent call last):
2024-05-01 10:00:00,121 ERROR [7] shop:   File "/app/a.py", line 1, in f
2024-05-01 10:00:00,121 ERROR [7] shop:     g()
2024-05-01 10:00:00,122 ERROR [7] shop: RuntimeError: boom
2024-05-01 10:00:01,000 INFO [7] shop: next request
"#);
    assert_snapshot!(sketch(&trace), @r#"
Python 1-4
RuntimeError: boom
 * /app/a.py:1 - f | g()
"#);
}

#[test]
fn quoted_indented_and_fenced() {
    for margin in ["> ", "    ", "> > ", "\t", "web_1  | "] {
        let text: String = [
            "Traceback (most recent call last):",
            "  File \"a.py\", line 1, in f",
            "    g()",
            "ValueError: x",
            "",
        ]
        .iter()
        .map(|line| format!("{margin}{line}\n"))
        .collect();
        let trace = one(&format!("Hello\n{text}\nbye\n"));
        let exception = &trace.exceptions[0];
        assert_eq!((exception.kind.as_str(), exception.message.as_str()), ("ValueError", "x"), "{margin:?}");
        assert_eq!(exception.frames[0].context_line.as_deref(), Some("g()"), "{margin:?}");
    }
    let fenced = one(
        "```\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x\n```\nThanks\n",
    );
    assert_eq!(fenced.exceptions[0].message, "x");
}

#[test]
fn indentation_lost_in_a_web_form() {
    let trace = one(r#"Traceback (most recent call last):
File "/app/a.py", line 10, in f
return g(x)
File "/app/b.py", line 20, in g
raise ValueError("bad")
ValueError: bad
"#);
    assert_snapshot!(sketch(&trace), @r#"
Python 1-6
ValueError: bad
 * /app/b.py:20 - g | raise ValueError("bad")
 * /app/a.py:10 - f | return g(x)
"#);
}

#[test]
fn message_of_an_assertion_goes_on_over_blank_lines() {
    let trace = one(r#"Traceback (most recent call last):
  File "tests/test_a.py", line 10, in test_a
    self.assertEqual([1], [2])
AssertionError: Lists differ: [1] != [2]

First differing element 0:
1
2

- [1]
+ [2]

----------------------------------------------------------------------
Ran 1 test in 0.001s
"#);
    assert_snapshot!(sketch(&trace), @r#"
Python 1-11
AssertionError: Lists differ: [1] != [2]⏎⏎First differing element 0:⏎1⏎2⏎⏎- [1]⏎+ [2]
 * tests/test_a.py:10 - test_a | self.assertEqual([1], [2])
"#);
}

#[test]
fn a_cut_middle_does_not_end_the_trace() {
    let trace = one(r#"Traceback (most recent call last):
  File "a.py", line 1, in f
    g()
  File "b.py", line 2, in g
    self.nod
[... cut ...]
elf.render(context)
  File "c.py", line 3, in h
    k()
TypeError: late
"#);
    assert_snapshot!(sketch(&trace), @r#"
Python 1-10
TypeError: late
 * c.py:3 - h | k()
 * b.py:2 - g | self.nod
 * a.py:1 - f | g()
"#);
}

#[test]
fn no_frame_at_all() {
    assert_snapshot!(sketch(&one("Traceback (most recent call last):\nAssertionError: 8 != 1\n")), @r#"
Python 1-2
AssertionError: 8 != 1
"#);
}

#[test]
fn faulthandler_prints_innermost_first() {
    let trace = one(r#"Fatal Python error: Segmentation fault

Current thread 0x00007f9c (most recent call first):
  File "/app/native.py", line 5 in call
  File "/app/main.py", line 9 in <module>
"#);
    assert_snapshot!(sketch(&trace), @r#"
Python 1-5
Fatal Python error: Segmentation fault
 * /app/native.py:5 - call
 * /app/main.py:9 - <module>
"#);
}

#[test]
fn several_traces_in_one_text() {
    let block = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\nValueError: x\n\nthen\n\n";
    let text = block.repeat(3);
    let lines = TextLines::new(&text);
    assert_eq!(find(&lines, 100).len(), 3);
    assert_eq!(find(&lines, 2).len(), 2);
}

#[test]
fn a_cause_whose_traceback_was_cleared() {
    let trace = one(r#"FAIL: test_x (a.B.test_x)
----------------------------------------------------------------------
app.errors.FieldError: Unsupported lookup.

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "tests/a.py", line 8, in test_x
    self.fail()
AssertionError: not found
"#);
    assert_snapshot!(sketch(&trace), @r#"
Python 3-10
AssertionError: not found
 * tests/a.py:8 - test_x | self.fail()
app.errors.FieldError: Unsupported lookup.
"#);
}
