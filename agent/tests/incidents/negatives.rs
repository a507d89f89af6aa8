/*! Answers that name no cause: a healthy system, a flaky test, nothing found with a list of what is missing. */

use millwright_model::Verdict;
use millwright_testkit::model_server::ModelReply;
use serde_json::json;

use crate::play::{Expected, Incident, both, check, cites, noise, run};

fn nothing(verdict: Verdict, says: &'static str) -> Expected {
    Expected { verdict, kind: None, commit: None, says, refuted: Vec::new(), missing: None }
}

#[tokio::test]
async fn a_healthy_system() {
    let incident = Incident {
        ticket: "Alert: error rate\n\nThe number of 404 answers doubled at 03:00.\n",
        commits: vec![
            (
                "Begin",
                vec![
                    ("alerts.yaml", "rule: count of 404 over 100 in an hour\n".into()),
                    ("shop/app.py", "def page(path):\n    return render(path)\n".into()),
                ],
            ),
            noise(1),
            noise(2),
        ],
        logs: Some(
            "2026-02-02T03:00:00Z INFO shop 404 /wp-login.php agent=scanner\n2026-02-02T03:00:01Z INFO shop 404 /.env agent=scanner\n",
        ),
        dialogue: vec![
            vec![("log_search", json!({ "text": "404" })), ("git_file", json!({ "path": "alerts.yaml" }))],
            vec![(
                "conclude",
                json!({
                    "outcome": "not_an_incident", "confidence": 0.85,
                    "statement": "A scanner asks for pages that never existed; the shop answers as it should.",
                    "evidence": cites(&[("{E:app.log#L1}", "404 /wp-login.php agent=scanner")]),
                }),
            )],
        ],
        review: ModelReply::review("stands", 0.9),
        test_one: None,
    };
    both(incident, nothing(Verdict::NotAnIncident, "A scanner asks for pages")).await;
}

#[tokio::test]
async fn a_healthy_system_that_the_second_reader_doubts() {
    let incident = Incident {
        ticket: "Alert: no orders for ten minutes\n",
        commits: vec![("Begin", vec![("shop/app.py", "def order():\n    pass\n".into())]), noise(1), noise(2)],
        logs: Some("2026-02-02T03:00:00Z INFO shop no orders in the last 600 s\n"),
        dialogue: vec![
            vec![("log_search", json!({ "text": "no orders" }))],
            vec![("conclude", json!({
                "outcome": "not_an_incident", "confidence": 0.9, "statement": "It is night, nobody orders.",
                "evidence": cites(&[("{E:app.log#L1}", "no orders in the last 600 s")]),
            }))],
        ],
        review: ModelReply::Text(json!({
            "objections": [{ "statement": "The log does not say that nobody tried.", "evidence": [{ "id": "E1", "quotes": [] }] }],
            "judgement": "refuted", "confidence": 0.2,
        }).to_string()),
        test_one: None,
    };
    let ran = run(&incident).await;
    let report = ran.report();
    assert_ne!(report.verdict, Verdict::NotAnIncident, "{}", report.summary);
    assert!(report.struck.iter().any(|one| one.because.contains("The log does not say that nobody tried")));
    assert!(report.escalate.is_some());
}

#[tokio::test]
async fn a_test_that_is_flaky_is_not_pinned_on_a_commit() {
    let incident = Incident {
        ticket: "test_expiry fails now and then in the night\n\nAssertionError: token expired\n",
        commits: vec![
            (
                "Begin",
                vec![(
                    "tests/test_expiry.py",
                    "def test_expiry():\n    token = issue(now())\n    assert valid(token, at=today())\n"
                        .into(),
                )],
            ),
            noise(1),
            noise(2),
        ],
        logs: None,
        dialogue: vec![
            vec![
                ("git_file", json!({ "path": "tests/test_expiry.py" })),
                ("git_log", json!({ "paths": ["tests"] })),
            ],
            vec![(
                "conclude",
                json!({
                    "outcome": "nothing_found", "confidence": 0.5,
                    "statement": "The test compares two readings of the clock and fails across midnight; no commit of the range touched it.",
                    "evidence": cites(&[("{E::tests/test_expiry.py}", "assert valid(token, at=today())")]),
                    "hypotheses": [{ "statement": "A commit of the range broke it", "status": "refuted",
                                     "evidence": cites(&[("{E::tests/test_expiry.py}", "token = issue(now())")]) }],
                    "missing": ["the times of day at which it failed"],
                }),
            )],
        ],
        review: ModelReply::review("stands", 1.0),
        test_one: None,
    };
    let expected = Expected {
        refuted: vec!["A commit of the range broke it"],
        missing: Some("the times of day at which it failed"),
        ..nothing(Verdict::Inconclusive, "No cause could be named")
    };
    check(&incident, &expected).await;
}

#[tokio::test]
async fn nothing_found_says_what_is_missing() {
    let incident = Incident {
        ticket: "It is broken\n\nPlease fix, customers complain.\n",
        commits: vec![
            ("Begin", vec![("shop/app.py", "def order():\n    pass\n".into())]),
            noise(1),
            noise(2),
        ],
        logs: None,
        dialogue: vec![
            vec![("git_log", json!({}))],
            vec![(
                "conclude",
                json!({
                    "outcome": "nothing_found", "confidence": 0.1, "statement": "The ticket names no symptom.", "evidence": [],
                    "missing": ["what customers see", "logs of the time"],
                }),
            )],
        ],
        review: ModelReply::review("stands", 1.0),
        test_one: None,
    };
    let expected = Expected {
        missing: Some("what customers see"),
        ..nothing(Verdict::Inconclusive, "No cause could be named")
    };
    check(&incident, &expected).await;
}
