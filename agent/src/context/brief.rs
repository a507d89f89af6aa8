/*!
The first message: the incident, and the playbook's first findings, which cost nothing.
*/

use millwright_prompts::{BriefFinding, BriefPrompt, Prompt, PromptError};

use super::ConversationView;
use super::results::{evidence_lines, shortened};
use crate::run::{DialogueEntry, ReplayPlan};

/// Maximum length of the shown part of a ticket, in characters; the whole ticket is evidence.
const TICKET_CHARS: usize = 6_000;

pub(super) fn brief(view: &ConversationView<'_>) -> Result<String, PromptError> {
    let Some(request) = view.run.request() else { return Ok(String::new()) };
    let fence = view.fence();
    let mut findings = Vec::new();
    for entry in view.run.log() {
        match entry {
            DialogueEntry::Planned { calls, .. } => {
                for (call, outcome) in calls.clone().filter_map(|at| view.run.call_at(at)) {
                    let Some(outcome) = outcome else { continue };
                    // The ticket is shown above already.
                    let (text, _) = shortened(&outcome.text, view.room.result_chars());
                    findings.push(BriefFinding {
                        tool: call.name.clone(),
                        failed: outcome.failure.is_some(),
                        text: fence.around(&call.name, &text),
                        evidence: evidence_lines(outcome),
                    });
                }
            }
            DialogueEntry::ModelAsked(_) => break,
            _ => {}
        }
    }
    let (ticket, _) = shortened(&request.ticket.text, TICKET_CHARS.min(view.room.result_chars() * 2));
    BriefPrompt {
        mark: fence.mark().to_owned(),
        failing: request.bad.to_string(),
        good: request.good.clone().map(String::from),
        has_replay: matches!(request.replay, ReplayPlan::Recipe(_)),
        no_replay: match &request.replay {
            // The reason may quote the ticket.
            ReplayPlan::None(because) => fence.around("why", because),
            ReplayPlan::Recipe(_) => String::new(),
        },
        has_logs: !request.logs.is_empty(),
        has_tests: request.tests.is_some(),
        ticket: fence.around("ticket", &ticket),
        findings,
        steps: view.steps,
    }
    .render()
}
