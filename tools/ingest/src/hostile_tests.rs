use proptest::prelude::*;

use super::*;

/// A text with a trace of every language family, test output and a log.
const SEED: &str = "FAIL: test_x (a.B.test_x)\n----\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\n    ^^^\nValueError: x\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"b.py\", line 2, in g\nKeyError: 'é'\n\njava.lang.Error: y\n\tat a.B.c(B.java:1)\nCaused by: a.X: z\n\tat a.B.d(B.java:2)\n\t... 3 more\n\nTypeError: z\n    at f (/app/a.js:1:2) {\n  [cause]: Error: q\n      at g (/a.js:1:1)\n}\nf@https://x/y.js:1:2\n\npanic: w\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:5 +0x20\n\nthread 'main' panicked at src/main.rs:4:5:\nv\nstack backtrace:\n   0: a::b\n             at ./src/a.rs:1:2\n\nSystem.Exception: u ---> A.B: c\n   at A.B.C() in /src/C.cs:line 3\n   --- End of inner exception stack trace ---\n   at A.B.D()\n\n/app/a.rb:1:in `f': t (ArgumentError)\n\tfrom /app/b.rb:2:in `g'\n\nPHP Fatal error:  Uncaught Error: s in /app/a.php:1\nStack trace:\n#0 /app/b.php(2): f()\n#1 {main}\n\nNext E: r in /b.php:3\nStack trace:\n#0 {main}\n\n==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n    #0 0x4f in f /src/c.cc:1:2\n  + Exception Group Traceback (most recent call last):\n  |   File \"a.py\", line 1, in f\n  | ExceptionGroup: m (1 sub-exception)\n  +-+---- 1 ----\n    | Traceback (most recent call last):\n    |   File \"a.py\", line 1, in f\n    | ValueError: x\n    +----\n____ T.test ____\n>   x\nE   assert 1\nt.py:1: AssertionError\n  \u{25CF} a \u{203A} b\n  1 failing\n  1) a\n--- FAIL: TestA (0.0s)\n";

fn survives(bytes: &[u8]) {
    let mut ticket = parse(bytes);
    map_frames(
        &mut ticket,
        &RepoFiles::new(["a.py", "src/a.rs", "a/B.java", ""].iter().map(|path| (*path).to_owned())),
    );
    let lines = ticket.text.lines().count().max(1);
    for span in ticket.traces.iter().filter_map(|t| t.span).chain(ticket.log_spans.iter().copied()) {
        assert!(
            span.start >= 1 && span.start <= span.end && span.end as usize <= lines + 1,
            "{span:?} of {lines}"
        );
    }
    assert!(ticket.traces.iter().all(|trace| !trace.exceptions.is_empty()));
    let text = String::from_utf8_lossy(bytes);
    let one = signature(&text);
    assert!(one.matches(&one).is_same() || one.is_empty(), "a failure is itself: {one:?}");
}

#[test]
fn truncation_at_any_byte() {
    for at in 0..=SEED.len() {
        survives(&SEED.as_bytes()[..at]);
    }
}

#[test]
fn beginning_at_any_line() {
    let mut rest = SEED;
    while let Some((_, next)) = rest.split_once('\n') {
        survives(next.as_bytes());
        rest = next;
    }
}

#[test]
fn nesting_bombs() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"exception\":{\"values\":[", "]}}")] {
        survives(open.repeat(100_000).as_bytes());
        survives(format!("{}1{}", open.repeat(50_000), close.repeat(50_000)).as_bytes());
        survives(format!("{}1{}", open.repeat(40), close.repeat(40)).as_bytes());
    }
}

#[test]
fn one_thing_repeated() {
    for unit in [
        "Traceback (most recent call last):\n",
        "  at ",
        "\tat a.b(C.java:1)\n",
        "#0 ",
        "'",
        "(",
        "goroutine 1 [running]:\n",
        "> ",
        "\"a\": ",
        "E   \n",
        "Caused by: ",
        "@http",
        "panicked at '",
        ":in `",
        "1) x\n  1 failing\n",
        "____ x ____\n",
        "\u{25CF} a\n",
        "--- FAIL: T\n",
        "Next \nStack trace:\n#0 {main}\n",
    ] {
        survives(unit.repeat(20_000).as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        survives(&bytes);
    }

    #[test]
    fn arbitrary_json(text in "[\\[{]([\\[\\]{}:,\"0-9]|\"exception\"|\"values\"|\"alerts\"|\"labels\"|\"title\"|\"body\"|\"stacktrace\"|\"frames\"){0,200}") {
        survives(text.as_bytes());
    }

    #[test]
    fn bytes_of_a_ticket_changed(at in proptest::collection::vec((0..SEED.len(), any::<u8>()), 1..20)) {
        let mut bytes = SEED.as_bytes().to_vec();
        for (place, byte) in at {
            bytes[place] = byte;
        }
        survives(&bytes);
    }

    #[test]
    fn lines_of_a_ticket_shuffled(order in Just(SEED.lines().collect::<Vec<_>>()).prop_shuffle()) {
        survives(order.join("\n").as_bytes());
    }
}
