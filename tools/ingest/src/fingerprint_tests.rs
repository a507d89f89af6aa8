use proptest::prelude::*;

use crate::parse;

fn value(text: &str) -> String {
    parse(text.as_bytes()).fingerprint.value
}

/// A crash in which every variable part is a parameter.
#[derive(Debug, Clone)]
struct Crash {
    prefix: String,
    lines: [u32; 3],
    id: u64,
    address: u64,
    uuid: String,
    seconds: u32,
    host: String,
    quoted: String,
}

fn python(c: &Crash) -> String {
    let [a, b, d] = c.lines;
    format!(
        "2024-05-01 10:00:{:02} ERROR request failed on {}\nTraceback (most recent call last):\n  File \"{p}/shop/views.py\", line {a}, in checkout\n    cart.total()\n  File \"{p}/shop/cart.py\", line {b}, in total\n    price(x)\n  File \"{p}/shop/pricing.py\", line {d}, in price\n    raise PriceError(m)\nshop.errors.PriceError: no price for order {} of '{}' at 0x{:x} (request {}, {}ms, host {}:8080)\n",
        c.seconds % 60,
        c.host,
        c.id,
        c.quoted,
        c.address,
        c.uuid,
        c.seconds,
        c.host,
        p = c.prefix,
    )
}

fn java(c: &Crash) -> String {
    let [a, b, d] = c.lines;
    format!(
        "java.lang.IllegalStateException: order {} of \"{}\" is gone after {}ms, see {}/data.bin\n\tat org.acme.Cart.total(Cart.java:{a})\n\tat org.acme.Shop$1.run(Shop.java:{b})\n\tat java.base/java.lang.Thread.run(Thread.java:{d})\n",
        c.id, c.quoted, c.seconds, c.prefix,
    )
}

fn javascript(c: &Crash) -> String {
    let [a, b, d] = c.lines;
    format!(
        "TypeError: Cannot read properties of undefined (reading 'price')\n    at total (https://{}/static/main.js?v={}:{a}:{b})\n    at checkout ({}/src/checkout.ts:{d}:7)\n",
        c.host, c.id, c.prefix,
    )
}

fn rust(c: &Crash) -> String {
    format!(
        "thread 'worker-{}' panicked at {}/src/cart.rs:{}:5:\nindex out of bounds: the len is {} but the index is {}\nnote: run with `RUST_BACKTRACE=1`\n",
        c.seconds, c.prefix, c.lines[0], c.id, c.seconds
    )
}

fn crashes() -> impl Strategy<Value = Crash> {
    (
        "/(app|home/[a-z]{2,6}|srv/[a-z]{2,6}/releases/[0-9]{8,14})",
        [1_u32..9000, 1..9000, 1..9000],
        any::<u64>(),
        any::<u64>(),
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}",
        1_u32..100_000,
        "[a-z]{2,8}-[0-9]{1,3}\\.prod\\.internal",
        "[a-z]{1,6} [0-9]{1,4}",
    )
        .prop_map(|(prefix, lines, id, address, uuid, seconds, host, quoted)| Crash {
            prefix,
            lines,
            id,
            address,
            uuid,
            seconds,
            host,
            quoted,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn lines_paths_ids_and_values_do_not_matter(a in crashes(), b in crashes()) {
        for (name, render) in [("python", python as fn(&Crash) -> String), ("java", java), ("javascript", javascript), ("rust", rust)] {
            let (first, second) = (value(&render(&a)), value(&render(&b)));
            prop_assert!(!first.is_empty(), "{}", name);
            prop_assert_eq!(first, second, "{}\n{}\n{}", name, render(&a), render(&b));
        }
    }
}

fn traceback(kind: &str, message: &str, functions: &[&str]) -> String {
    let frames: String =
        functions.iter().map(|f| format!("  File \"/app/shop/{f}.py\", line 3, in {f}\n    x()\n")).collect();
    format!("Traceback (most recent call last):\n{frames}{kind}: {message}\n")
}

#[test]
fn other_causes_have_other_fingerprints() {
    let texts = [
        traceback("KeyError", "'price'", &["main", "cart"]),
        traceback("KeyError", "'price'", &["main", "order"]),
        traceback("ValueError", "'price'", &["main", "cart"]),
        traceback("AttributeError", "'Cart' object has no attribute 'total'", &["main", "cart"]),
        traceback("AttributeError", "'Cart' object has no attribute 'lines'", &["main", "cart"]),
        traceback("TypeError", "cart is not a list", &["main", "cart"]),
        traceback("TypeError", "cart is not a tuple", &["main", "cart"]),
    ];
    let values: std::collections::BTreeSet<String> = texts.iter().map(|text| value(text)).collect();
    assert_eq!(values.len(), texts.len());
    assert!(!values.contains(""));
}

#[test]
fn another_root_cause_behind_the_same_wrapper_differs() {
    let wrapped = |cause: &str| {
        format!(
            "org.acme.ServiceException: request failed\n\tat org.acme.Service.call(Service.java:1)\nCaused by: {cause}\n\tat org.acme.Db.read(Db.java:9)\n"
        )
    };
    assert_ne!(
        value(&wrapped("java.lang.NullPointerException")),
        value(&wrapped("java.io.IOException: closed"))
    );
}

#[test]
fn nothing_distinctive_has_no_fingerprint() {
    for text in [
        "The page is slow since yesterday.",
        "",
        "Traceback (most recent call last):\nAssertionError: 8 != 1\n",
        "Traceback (most recent call last):\nAssertionError: 3 != 2 : 3 queries executed, 2 expected\n",
    ] {
        assert_eq!(value(text), "", "{text}");
    }
}

#[test]
fn recursion_depth_does_not_matter() {
    let deep = |n: usize| {
        traceback(
            "RecursionError",
            "maximum recursion depth exceeded",
            &["main", "walk"].iter().copied().chain(std::iter::repeat_n("visit", n)).collect::<Vec<_>>(),
        )
    };
    assert_eq!(value(&deep(5)), value(&deep(300)));
}

#[test]
fn symbols_start_at_the_crash_and_leave_out_tests_and_libraries() {
    let ticket = parse(b"Traceback (most recent call last):\n  File \"tests/test_cart.py\", line 1, in test_it\n  File \"shop/cart.py\", line 2, in total\n  File \"/v/lib/python3.11/site-packages/attr/x.py\", line 3, in lib\n  File \"shop/price.py\", line 4, in price\nshop.errors.PriceError: none\n");
    assert_eq!(ticket.fingerprint.symbols, ["price.price", "cart.total"]);
    assert_eq!(ticket.fingerprint.exception.as_deref(), Some("PriceError"));
    assert_eq!(ticket.fingerprint.template.as_deref(), Some("none"));
}

#[test]
fn assertions_through_a_shared_helper_are_told_apart_by_their_tests() {
    let failing = |test: &str| {
        format!(
            "FAIL: {test} (a.tests.CartTests.{test})\n----\nTraceback (most recent call last):\n  File \"tests/a/tests.py\", line 9, in {test}\n    self.assertTotals(1)\n  File \"shop/test/cases.py\", line 3, in check\n    self.assertEqual(a, b)\nAssertionError: 8 != 1\n"
        )
    };
    assert_ne!(value(&failing("test_one")), value(&failing("test_two")));
    assert_ne!(value(&failing("test_lang_645")), value(&failing("test_lang_646")));
    let helper_alone = "Traceback (most recent call last):\n  File \"shop/test/cases.py\", line 3, in check\n    self.assertEqual(a, b)\nAssertionError: 8 != 1\n";
    assert_eq!(value(helper_alone), "");
}
