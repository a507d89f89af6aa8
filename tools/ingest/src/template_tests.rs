use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::template;

#[test]
fn what_varies_is_replaced_and_what_names_code_stays() {
    for (message, expected) in [
        ("'NoneType' object has no attribute '_meta'", "'NoneType' object has no attribute '_meta'"),
        ("8 != 1", "<*> != <*>"),
        ("User 'alice smith' not found", "User <*> not found"),
        ("User 'alice' not found", "User <*> not found"),
        ("No module named 'shop.cart'", "No module named 'shop.cart'"),
        ("cannot open /var/lib/app/3/x.db: busy", "cannot open <path>: busy"),
        ("cannot open C:\\data\\x.db", "cannot open <path>"),
        ("GET https://api.example.com/v1/users/7?x=1 failed after 2.5s", "GET <url> failed after <*>"),
        ("connect to db-3.internal:5432 refused", "connect to <host> refused"),
        ("connect to 10.0.0.7:5432 refused", "connect to <host> refused"),
        ("mail to bob@example.com bounced", "mail to <email> bounced"),
        ("expired at 2024-05-01T10:00:00Z", "expired at <time>"),
        ("object at 0x7f1c2d3e4f50", "object at <*>"),
        ("request 550e8400-e29b-41d4-a716-446655440000 failed", "request <*> failed"),
        ("commit a3f9c2e17b not found", "commit <*> not found"),
        ("values [1, 2, 3] are wrong", "values [<*>] are wrong"),
        ("expected:<-1073741824> but was:<-2147483648>", "expected:<<*>> but was:<<*>>"),
        ("can't adapt type 'Decimal'", "can't adapt type 'Decimal'"),
        ("it's late and it's dark 7", "it's late and it's dark <*>"),
        ("", ""),
    ] {
        assert_eq!(template(message), expected, "{message:?}");
    }
}

/// Messages with `{}` in place of the variable parts.
const MESSAGES: &[&str] = &[
    "order {} could not be placed",
    "timeout while calling {} in the payment step",
    "cannot read {}",
    "failed: {} is unknown to the registry",
    "retry of {}, giving up",
];

fn stable(kind: &str, values: impl Strategy<Value = String>) {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let a = values.new_tree(&mut runner).unwrap().current();
    for message in MESSAGES {
        assert!(!template(&message.replace("{}", &a)).contains(&a), "{kind}: {a} stays in {message}");
    }
    for message in MESSAGES {
        let reference = template(&message.replace("{}", &a));
        runner
            .run(&values, |b| {
                prop_assert_eq!(
                    &template(&message.replace("{}", &b)),
                    &reference,
                    "{} {:?} and {:?}",
                    kind,
                    a,
                    b
                );
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn templates_do_not_depend_on_values() {
    stable("number", "[1-9][0-9]{0,8}(\\.[0-9]{1,3})?");
    stable("address", "0x[0-9a-f]{4,16}");
    stable("uuid", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
    stable("hash", "[0-9a-f]{7,19}[0-9][0-9a-f]{20}");
    stable("quoted value", "'[a-z]{1,8} [0-9a-z ,;!]{1,20}'");
    stable("path", "/[a-z]{1,8}(/[a-z0-9_]{1,8}){1,4}\\.[a-z]{2,3}");
    stable("host", "[a-z]{2,8}-[0-9]{1,3}\\.(prod|stage)\\.(internal|local)(:[0-9]{2,5})?");
    stable("time", "20[0-9]{2}-(0[1-9]|1[0-2])-[0-2][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{3})?Z");
    stable("e-mail", "[a-z]{1,8}(\\.[a-z]{1,8})?@[a-z]{2,8}\\.(com|org)");
    stable("duration", "[1-9][0-9]{0,4}(\\.[0-9])?( ?(ms|s|seconds|min))");
    stable("url", "https?://[a-z]{2,8}\\.[a-z]{2,3}(/[a-z0-9]{1,6}){0,3}(\\?[a-z]=[0-9]{1,4})?");
}
