//! Any text in a report stays text in its note. A Markdown parser checks the result.

use millwright_model::Report;
use millwright_testkit::hostile_text::{hostile, is_inert, shown};
use proptest::prelude::*;
use serde_json::json;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_report_says_its_note_is_text(text in hostile()) {
        let report = report(&text);
        let incident = crate::slack::kinds::incident(millwright_store::IncidentState::Done);
        let note = note(&incident, Some(&report), Some("https://mw.example"), None, true);
        let address = address("https://mw.example", &incident.id);
        let mut paragraphs = shown(&note.markdown("note_1"));
        prop_assert_eq!(paragraphs.pop().unwrap(), "[note_1]");
        prop_assert_eq!(paragraphs.pop().unwrap(), format!("For engineers: {address}"));
        for paragraph in &paragraphs {
            is_inert(paragraph);
        }
        let html = note.html("note_1");
        prop_assert_eq!(html.matches("<a ").count(), 1, "{}", html);
        prop_assert!(html.contains(&format!("<a href=\"{address}\">")), "{}", html);
    }
}

/// A report in which every field that a note uses is this text.
fn report(text: &str) -> Report {
    let report = json!({
        "schema": "millwright.report/1", "id": "rep_1", "incident_id": "inc_1", "verdict": "verified",
        "summary": text, "hypotheses": [], "similar": [], "struck": [], "evidence": [], "suspects": [], "replay": null,
        "impact": { "sessions": 0, "users": 3, "routes": [text], "first_seen": text, "last_seen": null },
        "root_cause": { "statement": text, "kind": "code_change", "commit": null, "locations": [], "confidence": 0.9,
            "evidence": [] },
        "fix": { "kind": "patch", "diff": text, "proof": "fix_verified", "replay": "pass", "tests": "pass",
            "tests_detail": { "ran": 1, "newly_failing": [text], "removed": [text], "flaky": [], "because": text },
            "takes_away": [text, text] },
        "usage": {
            "planner": "playbook", "fell_back": null, "prompts": {}, "input_tokens": 0, "cached_tokens": 0,
            "output_tokens": 0, "cost_usd": 0.0, "tool_calls": 0, "steps": 0, "wall_ms": 0,
        },
        "escalate": { "to": text, "because": text, "missing": [text, text] },
    });
    serde_json::from_value(report).unwrap()
}
