/*!
What readers see of a run's events: what was done and what it showed, up to a limit. The events themselves are in the
store's format, and hold more than a page can show.
*/

use millwright_agent::run::RunEvent;
use millwright_store::StreamEvent;
use serde_json::{Value, json};

/// Longest text shown of one event, in characters.
const MOST: usize = 2_000;

/// The event's name and the data that readers get of it.
pub(crate) fn view(stored: &StreamEvent) -> (String, Value) {
    let told = match serde_json::from_value::<RunEvent>(stored.payload.clone()) {
        Ok(event) => tell(event),
        // A newer version wrote it; readers still learn that it happened.
        Err(_) => json!({}),
    };
    let mut told = told;
    told["at"] = stored.at.to_string().into();
    (stored.kind.clone(), told)
}

fn tell(event: RunEvent) -> Value {
    match event {
        RunEvent::Started { request, .. } => json!({
            "run": request.run_id,
            "title": bounded(&request.ticket.title),
            "failing_revision": request.bad,
            "good_revision": request.good,
            "planner": request.planner,
        }),
        RunEvent::Planned { planner, note, calls, finding } => {
            let calls = calls.iter().take(20).map(|call| {
                json!({ "id": call.id, "tool": call.name, "arguments": bounded(&call.args.to_string()) })
            });
            json!({
                "planner": planner,
                "note": bounded(&note),
                "calls": calls.collect::<Vec<_>>(),
                "concludes": finding.is_some(),
            })
        }
        RunEvent::ToolStarted { call } => json!({ "call": call }),
        RunEvent::ToolFinished { call, outcome } => {
            let evidence = outcome.evidence.iter().take(50);
            let evidence =
                evidence.map(|piece| json!({ "id": piece.id, "locator": bounded(&piece.locator.0) }));
            json!({
                "call": call,
                "text": bounded(&outcome.text),
                "failure": outcome.failure.as_ref().map(|failure| bounded(&failure.message)),
                "evidence": evidence.collect::<Vec<_>>(),
                "duration_ms": outcome.duration_ms,
            })
        }
        RunEvent::ApprovalDecided { call, approved, by } => {
            json!({ "call": call, "approved": approved, "by": by })
        }
        RunEvent::Steered { text, by } => json!({ "text": bounded(&text), "by": by }),
        RunEvent::FellBack { because } => json!({ "because": bounded(&because) }),
        RunEvent::Interrupted { kind } => json!({ "kind": kind }),
        RunEvent::ModelFailed { failure } => json!({ "because": bounded(&failure.message) }),
        RunEvent::Finished { report, verdict, .. } => json!({
            "verdict": verdict,
            "summary": bounded(&report.summary),
            "report": report.id,
        }),
        RunEvent::ModelAsked { .. } | RunEvent::ModelAnswered { .. } | RunEvent::Compacted { .. } => {
            json!({})
        }
    }
}

fn bounded(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}
