/*! Causes that no replay shows: configuration, dependencies, data, and external systems. */

use millwright_model::{CauseKind, Verdict};
use millwright_testkit::model_server::ModelReply;
use serde_json::json;

use crate::play::{Expected, Incident, both, cites, noise};

fn stands() -> ModelReply {
    ModelReply::review("stands", 0.9)
}

fn expected(kind: CauseKind, commit: Option<usize>, says: &'static str) -> Expected {
    Expected {
        verdict: Verdict::Probable,
        kind: Some(kind),
        commit,
        says,
        refuted: Vec::new(),
        missing: None,
    }
}

#[tokio::test]
async fn configuration_a_time_out_below_the_slowest_answer() {
    let proxy = |ms: u32| format!("upstream: billing\ntimeout_ms: {ms}\nretries: 0\n");
    let incident = Incident {
        ticket: "Invoices fail at month's end\n\n504 from the proxy for big customers; small ones work.\n",
        commits: vec![
            (
                "Begin",
                vec![
                    ("deploy/proxy.yaml", proxy(30_000)),
                    ("billing/invoice.py", "def total(rows):\n    return sum(rows)\n".into()),
                ],
            ),
            noise(1),
            ("Harmonise the proxies", vec![("deploy/proxy.yaml", proxy(3_000))]),
            noise(2),
        ],
        logs: Some(
            "2026-01-31T22:00:00Z INFO billing invoice for 4711 took 8200 ms\n2026-01-31T22:00:01Z ERROR proxy 504 upstream billing timed out after 3000 ms\n",
        ),
        dialogue: vec![
            vec![
                ("log_search", json!({ "text": "timed out" })),
                ("git_file", json!({ "path": "deploy/proxy.yaml" })),
            ],
            vec![("git_show", json!({ "commit": "{c:3}" }))],
            vec![(
                "conclude",
                json!({
                    "outcome": "cause", "kind": "configuration", "confidence": 0.85, "commit": "{c:3}",
                    "statement": "The proxy's time-out was cut to 3 s, below what big invoices take.",
                    "locations": [{ "path": "deploy/proxy.yaml", "start_line": 2, "end_line": 2 }],
                    "evidence": cites(&[("{E::deploy/proxy.yaml}", "timeout_ms: 3000"), ("{E:app.log#L2}", "timed out after 3000 ms")]),
                }),
            )],
        ],
        review: stands(),
        test_one: None,
    };
    both(incident, expected(CauseKind::Configuration, Some(3), "cut to 3 s")).await;
}

#[tokio::test]
async fn configuration_a_flag_that_was_turned_on() {
    let flags = |on: bool| format!("{{\n  \"new_tax_engine\": {on},\n  \"dark_mode\": true\n}}\n");
    let code = "def tax(order, flags):\n    if flags['new_tax_engine']:\n        return new_tax(order)\n    return old_tax(order)\n";
    let incident = Incident {
        ticket: "Taxes are rounded differently since this morning\n",
        commits: vec![
            ("Begin", vec![("flags.json", flags(false)), ("shop/tax.py", code.into())]),
            noise(1),
            noise(2),
            ("Enable things for everybody", vec![("flags.json", flags(true))]),
        ],
        logs: None,
        dialogue: vec![
            vec![
                ("git_grep", json!({ "pattern": "new_tax_engine" })),
                ("git_file", json!({ "path": "flags.json" })),
            ],
            vec![(
                "conclude",
                json!({
                    "outcome": "cause", "kind": "configuration", "confidence": 0.8, "commit": "{c:4}",
                    "statement": "The flag new_tax_engine was turned on for everybody.",
                    "evidence": cites(&[("{E::flags.json}", "\"new_tax_engine\": true")]),
                }),
            )],
        ],
        review: stands(),
        test_one: None,
    };
    both(incident, expected(CauseKind::Configuration, Some(4), "turned on for everybody")).await;
}

#[tokio::test]
async fn a_dependency_that_was_raised() {
    let pins = |version: &str| format!("flask==3.0.0\nurllib3=={version}\n");
    let incident = Incident {
        ticket: "TLS to the old warehouse fails\n\nssl.SSLError: UNSUPPORTED_PROTOCOL when talking to warehouse.internal\n",
        commits: vec![
            (
                "Begin",
                vec![
                    ("requirements.txt", pins("1.26.18")),
                    ("warehouse/client.py", "import urllib3\n\nPOOL = urllib3.PoolManager()\n".into()),
                ],
            ),
            ("Raise urllib3", vec![("requirements.txt", pins("2.2.1"))]),
            noise(1),
            (
                "Format the client",
                vec![("warehouse/client.py", "import urllib3\n\n\nPOOL = urllib3.PoolManager()\n".into())],
            ),
        ],
        logs: None,
        dialogue: vec![
            vec![
                ("git_log", json!({ "paths": ["requirements.txt"] })),
                ("git_show", json!({ "commit": "{c:2}" })),
                ("git_show", json!({ "commit": "{c:4}" })),
            ],
            vec![("git_file", json!({ "path": "requirements.txt" }))],
            vec![(
                "conclude",
                json!({
                    "outcome": "cause", "kind": "dependency", "confidence": 0.8, "commit": "{c:2}",
                    "statement": "urllib3 was raised to 2.2.1, which speaks no TLS below 1.2 any more.",
                    "evidence": cites(&[("{E::requirements.txt}", "urllib3==2.2.1")]),
                    "hypotheses": [{ "statement": "The client's code was changed", "status": "refuted",
                                     "evidence": cites(&[("{E:git:{c:4}}", "Format the client")]) }],
                    "missing": ["the protocol that the warehouse's server speaks"],
                }),
            )],
        ],
        review: stands(),
        test_one: None,
    };
    let expected = Expected {
        refuted: vec!["The client's code was changed"],
        missing: Some("the protocol that the warehouse's server speaks"),
        ..expected(CauseKind::Dependency, Some(2), "urllib3 was raised")
    };
    both(incident, expected).await;
}

#[tokio::test]
async fn data_that_nobody_had_expected() {
    let incident = Incident {
        ticket: "Import stops at row 3\n\nValueError: invalid literal for int() with base 10: '1,200'\n",
        commits: vec![
            (
                "Begin",
                vec![
                    ("shop/load.py", "def amount(row):\n    return int(row['amount'])\n".into()),
                    ("data/prices.csv", "sku,amount\na,100\nb,200\n".into()),
                ],
            ),
            noise(1),
            ("Prices of March", vec![("data/prices.csv", "sku,amount\na,100\nb,\"1,200\"\n".into())]),
            noise(2),
        ],
        logs: None,
        dialogue: vec![
            vec![
                ("git_grep", json!({ "pattern": "int(row" })),
                ("git_file", json!({ "path": "data/prices.csv" })),
            ],
            vec![("git_blame", json!({ "path": "data/prices.csv", "start_line": 3 }))],
            vec![(
                "conclude",
                json!({
                    "outcome": "cause", "kind": "data", "confidence": 0.9, "commit": "{c:3}",
                    "statement": "A price with a thousands separator came in with the data of March; the loader takes plain digits.",
                    "locations": [{ "path": "data/prices.csv", "start_line": 3, "end_line": 3 }],
                    "evidence": cites(&[("{E::data/prices.csv}", "b,\"1,200\""), ("{E:ticket:}", "'1,200'")]),
                }),
            )],
        ],
        review: stands(),
        test_one: None,
    };
    both(incident, expected(CauseKind::Data, Some(3), "thousands separator")).await;
}

#[tokio::test]
async fn two_causes_that_need_each_other() {
    let cache = |ttl: u32| format!("ttl_s = {ttl}\n");
    let incident = Incident {
        ticket: "Prices are stale after a change, for a whole day\n",
        commits: vec![
            (
                "Begin",
                vec![
                    ("cache.toml", cache(60)),
                    (
                        "shop/price.py",
                        "def change(sku, price):\n    save(sku, price)\n    purge(sku)\n".into(),
                    ),
                ],
            ),
            ("Purge less", vec![("shop/price.py", "def change(sku, price):\n    save(sku, price)\n".into())]),
            noise(1),
            ("Cache longer", vec![("cache.toml", cache(86_400))]),
        ],
        logs: None,
        dialogue: vec![
            vec![("git_file", json!({ "path": "cache.toml" })), ("git_show", json!({ "commit": "{c:2}" }))],
            vec![(
                "board",
                json!({ "hypotheses": [
                { "statement": "The purge was removed", "status": "supported", "evidence": ["{E:git:{c:2}}"] },
                { "statement": "The cache lives longer", "status": "supported", "evidence": ["{E::cache.toml}"] },
            ] }),
            )],
            vec![(
                "conclude",
                json!({
                    "outcome": "cause", "kind": "code_change", "confidence": 0.75, "commit": "{c:2}",
                    "statement": "Two changes together: prices are no longer purged when they change, and the cache now lives a day.",
                    "evidence": cites(&[("{E:git:{c:2}}", "purge(sku)"), ("{E::cache.toml}", "ttl_s = 86400")]),
                    "hypotheses": [
                        { "statement": "The longer cache alone", "status": "refuted", "evidence": cites(&[("{E:git:{c:2}}", "purge(sku)")]) },
                    ],
                }),
            )],
        ],
        review: ModelReply::review("weakened", 0.6),
        test_one: None,
    };
    let expected = Expected {
        refuted: vec!["The longer cache alone"],
        ..expected(CauseKind::CodeChange, Some(2), "Two changes together")
    };
    let ran = both(incident, expected).await;
    let confidence = ran.report().root_cause.as_ref().unwrap().confidence;
    assert!((confidence - 0.6).abs() < 1e-9, "{confidence}");
}

#[tokio::test]
async fn a_red_herring_beside_the_cause() {
    let incident = Incident {
        ticket: "Login is slow since the security release\n\nEverybody says it is the new password hashing.\n",
        commits: vec![
            (
                "Begin",
                vec![
                    ("auth/hash.py", "ROUNDS = 10\n".into()),
                    ("auth/session.py", "def load(user):\n    return store.get(user.session_id)\n".into()),
                ],
            ),
            (
                "Security release: hash passwords again",
                vec![("auth/hash.py", "ROUNDS = 10  # reviewed\n".into())],
            ),
            (
                "Load sessions by user",
                vec![(
                    "auth/session.py",
                    "def load(user):\n    return [s for s in store.all() if s.user == user][0]\n".into(),
                )],
            ),
            noise(1),
        ],
        logs: None,
        dialogue: vec![
            vec![("git_show", json!({ "commit": "{c:2}" })), ("git_show", json!({ "commit": "{c:3}" }))],
            vec![("git_file", json!({ "path": "auth/session.py" }))],
            vec![(
                "conclude",
                json!({
                    "outcome": "cause", "kind": "code_change", "confidence": 0.8, "commit": "{c:3}",
                    "statement": "Loading a session reads all sessions now.",
                    "locations": [{ "path": "auth/session.py", "start_line": 2, "end_line": 2 }],
                    "evidence": cites(&[("{E::auth/session.py}", "store.all()")]),
                    "hypotheses": [{ "statement": "Password hashing became slower", "status": "refuted",
                                     "evidence": cites(&[("{E:git:{c:2}}", "ROUNDS = 10  # reviewed")]) }],
                }),
            )],
        ],
        review: stands(),
        test_one: None,
    };
    let expected = Expected {
        refuted: vec!["Password hashing became slower"],
        ..expected(CauseKind::CodeChange, Some(3), "reads all sessions")
    };
    both(incident, expected).await;
}

#[tokio::test]
async fn a_machine_that_ran_full() {
    let incident = Incident {
        ticket: "Uploads fail on one of three servers\n\nOSError: [Errno 28] No space left on device\n",
        commits: vec![
            ("Begin", vec![("shop/upload.py", "def keep(data, path):\n    path.write_bytes(data)\n".into())]),
            noise(1),
            noise(2),
        ],
        logs: Some(
            "2026-02-02T09:00:00Z WARN node3 disk /var at 99 percent\n2026-02-02T09:05:00Z ERROR node3 upload failed: No space left on device\n",
        ),
        dialogue: vec![
            vec![
                ("log_search", json!({ "text": "node3" })),
                ("git_log", json!({ "paths": ["shop/upload.py"] })),
            ],
            vec![(
                "conclude",
                json!({
                    "outcome": "cause", "kind": "infrastructure", "confidence": 0.85,
                    "statement": "The disk of node3 ran full; the upload code did not change.",
                    "evidence": cites(&[("{E:app.log#L1}", "disk /var at 99 percent")]),
                    "missing": ["what fills /var on node3"],
                }),
            )],
        ],
        review: stands(),
        test_one: None,
    };
    let expected = Expected {
        missing: Some("what fills /var on node3"),
        ..expected(CauseKind::Infrastructure, None, "ran full")
    };
    both(incident, expected).await;
}

#[tokio::test]
async fn somebody_elses_service() {
    let incident = Incident {
        ticket: "Card payments fail\n\nHTTP 503 from api.payments.example\n",
        commits: vec![
            (
                "Begin",
                vec![(
                    "shop/pay.py",
                    "def pay(card):\n    return post('https://api.payments.example/charge', card)\n".into(),
                )],
            ),
            noise(1),
            noise(2),
        ],
        logs: Some(
            "2026-02-02T09:00:00Z ERROR shop payment failed: 503 from api.payments.example: scheduled maintenance\n",
        ),
        dialogue: vec![
            vec![
                ("log_search", json!({ "text": "503" })),
                ("git_grep", json!({ "pattern": "api.payments.example" })),
            ],
            vec![(
                "conclude",
                json!({
                    "outcome": "cause", "kind": "external", "confidence": 0.8,
                    "statement": "The payment provider answers 503 during a scheduled maintenance; nothing in this code changed.",
                    "evidence": cites(&[("{E:app.log#L1}", "scheduled maintenance")]),
                }),
            )],
        ],
        review: stands(),
        test_one: None,
    };
    both(incident, expected(CauseKind::External, None, "payment provider answers 503")).await;
}

#[tokio::test]
async fn an_old_fault_that_growth_brought_out() {
    let incident = Incident {
        ticket: "Reports time out since we have 10000 customers\n",
        commits: vec![
            ("Begin", vec![("shop/report.py", "def report(customers):\n    return [[match(a, b) for a in customers] for b in customers]\n".into())]),
            noise(1),
            noise(2),
        ],
        logs: None,
        dialogue: vec![
            vec![("git_file", json!({ "path": "shop/report.py" })), ("git_log", json!({ "paths": ["shop/report.py"] }))],
            vec![("conclude", json!({
                "outcome": "cause", "kind": "data", "confidence": 0.7,
                "statement": "The report compares every customer with every other; it was always so, and the number of customers grew.",
                "locations": [{ "path": "shop/report.py", "start_line": 2, "end_line": 2 }],
                "evidence": cites(&[("{E::shop/report.py}", "for a in customers] for b in customers")]),
            }))],
        ],
        review: stands(),
        test_one: None,
    };
    both(incident, expected(CauseKind::Data, None, "it was always so")).await;
}
