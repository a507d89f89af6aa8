//! Every kind of message, with texts up to the limits. They are checked here, and written to the file that
//! `MILLWRIGHT_TEST_BLOCKS` names, for Slack's own library to check (`.ci/clients`).

use millwright_integrations::slack::blocks;
use millwright_model::{Approval, IncidentId, Outcome, Proof, Report, Resolution, Timestamp};
use millwright_store::{ApprovalRequest, Incident, IncidentState};
use serde_json::{Map, Value, json};

use super::note::ShownIncident;
use super::tests::check;
use crate::incident_note;

/// Characters that count differently in bytes, characters and UTF-16, and those that Slack reads.
const LOUD: &str = "<!channel> & `ä` 𝕏 *_~|\u{202e}>";

pub(crate) fn incident(state: IncidentState) -> Incident {
    let mut ticket = millwright_ingest::parse(b"Totals are wrong");
    ticket.title = LOUD.repeat(40);
    Incident {
        conversation: None,
        repository_name: None,
        id: IncidentId::from_bits(0),
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        state,
        repository: None,
        problem_id: None,
        source: None,
        external_id: None,
        service: None,
        environment: None,
        release: None,
        audience: Default::default(),
        ticket,
    }
}

fn report(verdict: &str) -> Report {
    let location = json!({ "path": LOUD.repeat(9), "start_line": 1, "end_line": 9, "symbol": null });
    let suspect = |rank: u32| json!({ "rank": rank, "commit": "0".repeat(40), "subject": LOUD.repeat(9), "score": 0.5, "reasons": [] });
    let report = json!({
        "schema": "millwright.report/1", "id": "rep_1", "incident_id": "inc_1", "verdict": verdict,
        "summary": LOUD.repeat(200), "hypotheses": [], "similar": [], "struck": [], "evidence": [], "impact": null,
        "replay": null,
        "root_cause": {
            "statement": LOUD.repeat(200), "kind": "code_change", "commit": "0".repeat(40),
            "locations": vec![location; 9], "confidence": 0.876, "evidence": ["E1"],
        },
        "suspects": (1..9).map(suspect).collect::<Vec<_>>(),
        "fix": { "kind": "patch", "diff": format!("-{LOUD}\n").repeat(400), "proof": "fix_verified", "replay": "pass", "tests": "pass" },
        "usage": {
            "planner": "playbook", "fell_back": null, "prompts": {}, "input_tokens": 0, "cached_tokens": 0,
            "output_tokens": 0, "cost_usd": 0.0, "tool_calls": 0, "steps": 0, "wall_ms": 0,
        },
        "escalate": { "to": LOUD, "because": LOUD, "missing": vec![LOUD.repeat(99); 9] },
    });
    serde_json::from_value(report).unwrap()
}

fn resolution(approval: Approval) -> Resolution {
    Resolution {
        id: "res_1".parse().unwrap(),
        incident_id: "inc_1".parse().unwrap(),
        repository: Some("root:1".parse().unwrap()),
        statement: LOUD.repeat(99),
        culprit: None,
        units: Vec::new(),
        failing_revision: "0".repeat(40),
        fix_diff: String::new(),
        fix_kind: None,
        fix_checks: None,
        failed_fixes: Vec::new(),
        replay: None,
        proof: Proof::FixVerified,
        approval,
        approved_by: Some(LOUD.repeat(200)),
        approval_authority: None,
        approval_suffices: true,
        outcome: Outcome::Unknown,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn asked(number: u32) -> ApprovalRequest {
    ApprovalRequest {
        id: format!("apr_{number}"),
        incident_id: "inc_1".parse().unwrap(),
        run_id: "run_1".parse().unwrap(),
        call_id: format!("c{number}"),
        tool: LOUD.into(),
        arguments: json!({ "branch": LOUD.repeat(200) }),
        asked_at: Timestamp::UNIX_EPOCH,
        decided_at: None,
        decision: None,
        decided_by: None,
    }
}

#[test]
fn every_kind_of_message_is_within_slacks_limits() {
    let (asked, step, url) =
        ((0..9).map(asked).collect::<Vec<_>>(), LOUD.repeat(200), "https://mw.example/x");
    let mut kinds = Map::new();
    let mut add = |kind: String, value: Value| {
        check(&value);
        kinds.insert(kind, value);
    };
    for state in IncidentState::ALL {
        let incident = incident(state);
        for verdict in
            ["none", "known", "verified", "confirmed", "probable", "inconclusive", "not_an_incident"]
        {
            let report = (verdict != "none").then(|| report(verdict));
            for approval in [Approval::None, Approval::Confirmed, Approval::Rejected] {
                let resolution = resolution(approval);
                let shown = ShownIncident {
                    incident: &incident,
                    report: report.as_ref(),
                    note: &incident_note::note(&incident, report.as_ref(), Some(url), None, true).plain(),
                    step: Some(&step),
                    asked: &asked,
                    resolution: Some(&resolution),
                    url: Some(url),
                };
                add(format!("{state:?} {verdict} {approval:?}"), shown.blocks());
            }
        }
    }
    for (name, text) in [
        ("short", LOUD.to_owned()),
        ("long", LOUD.repeat(4_000)),
        ("lines", format!("{LOUD}\n").repeat(4_000)),
    ] {
        add(format!("reply {name}"), blocks::reply(&text));
        assert!(blocks::fallback(&text).chars().count() < 4_000);
    }
    if let Some(file) = std::env::var_os("MILLWRIGHT_TEST_BLOCKS") {
        std::fs::write(file, Value::Object(kinds).to_string()).unwrap();
    }
}
