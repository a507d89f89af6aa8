/*! An incident without a replay: the model writes one, and from then on runs decide instead of the model. */

use millwright_model::{CauseKind, FixKind, Verdict};
use millwright_testkit::model_server::ModelReply;
use serde_json::json;

use crate::play::{Expected, Incident, check, cites, noise, run};

const TEST: &str = "out=$(sh total.sh)\nif [ \"$out\" != 3 ]; then echo 'ValueError: the total came out wrong'; exit 1; fi\n";

fn total(sign: char) -> Vec<(&'static str, String)> {
    vec![("total.sh", format!("a=1\nb=2\necho $((a {sign} b))\n"))]
}

/// The program with its own tests, which pass with either sign.
fn total_with_tests() -> Vec<(&'static str, String)> {
    let tests =
        "n=$(sh total.sh)\n[ -n \"$n\" ] && echo 'ok 1 - prints' || echo 'not ok 1 - prints'\necho 1..1\n";
    [total('+'), vec![("tests/own.sh", tests.to_owned())]].concat()
}

/// Totals go wrong with the third of five commits.
fn incident(blames: &str) -> Incident {
    Incident {
        ticket: "Totals are wrong\n\nValueError: the total came out wrong\n",
        commits: vec![
            ("Add the total", total_with_tests()),
            noise(1),
            ("Tidy up", total('-')),
            noise(2),
            noise(3),
        ],
        logs: None,
        dialogue: vec![
            vec![("git_file", json!({ "path": "total.sh" }))],
            vec![(
                "write_reproduction",
                json!({
                    "path": "tests/test_total.sh", "content": TEST, "test": "tests/test_total.sh",
                }),
            )],
            vec![(
                "conclude",
                json!({
                    "outcome": "cause", "kind": "code_change", "confidence": 0.6, "commit": blames,
                    "statement": "The total takes away instead of adding up.",
                    "evidence": cites(&[("{E::total.sh}", "echo $((a - b))")]),
                }),
            )],
        ],
        review: ModelReply::review("refuted", 0.0),
        test_one: Some("sh {test}"),
    }
}

#[tokio::test]
async fn a_written_reproduction_leads_to_a_verified_fix() {
    let expected = Expected {
        verdict: Verdict::Verified,
        kind: Some(CauseKind::CodeChange),
        commit: Some(3),
        says: "",
        refuted: Vec::new(),
        missing: None,
    };
    let ran = check(&incident("{c:3}"), &expected).await;
    let report = ran.report();
    assert!(report.summary.contains("reproduction test that the planner wrote"), "{}", report.summary);
    assert!(report.replay.as_ref().unwrap().reproduced);
    let fix = report.fix.as_ref().unwrap();
    assert!(matches!(fix.kind, FixKind::Revert | FixKind::PartialRevert), "{fix:?}");
    assert!(
        report.root_cause.as_ref().unwrap().confidence >= 0.9,
        "what ran is not talked down by a second reader"
    );
}

#[tokio::test]
async fn runs_outrank_a_model_that_blames_another_commit() {
    let ran = run(&incident("{c:4}")).await;
    let report = ran.report();
    assert_eq!(report.verdict, Verdict::Verified, "{}", report.summary);
    let blamed = report.hypotheses.iter().find(|idea| idea.statement.contains("takes away instead")).unwrap();
    assert_eq!(blamed.status, millwright_model::HypothesisStatus::Refuted);
    assert_ne!(report.root_cause.as_ref().unwrap().commit, Some(ran.commits[3].clone()));
}

#[tokio::test]
async fn a_reproduction_that_shows_something_else_proves_nothing() {
    let mut other = incident("{c:3}");
    other.dialogue[1][0].1["content"] = json!("echo 'KeyError: till'; exit 1\n");
    let ran = run(&other).await;
    let report = ran.report();
    assert!(report.replay.is_none() && report.fix.is_none());
    // The second reader refuted a cause that no run proved.
    assert_eq!(report.verdict, Verdict::Inconclusive, "{}", report.summary);
}
