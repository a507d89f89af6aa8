/*!
The text of a note, in words for support: the verdict, the cause, since when, who is affected, what helps, and where
engineers find the rest. All of it is masked already; each integration knows the format of its system.
*/

use millwright_agent::report::{cause_heading, fix_sentences};
use millwright_integrations::note_text::{NoteSpan, NoteText};
use millwright_model::{IncidentId, Outcome, Report, Resolution, Verdict};
use millwright_store::{Incident, IncidentState};

use crate::judge_links::JudgeLinks;

pub(crate) fn note(
    incident: &Incident,
    report: Option<&Report>,
    public_url: Option<&str>,
    links: Option<&JudgeLinks>,
    fix_refuted: bool,
) -> NoteText {
    let mut note = NoteText::default();
    if fix_refuted {
        note.say("The earlier answer was wrong: the failure came back in a version that has the fix.");
    }
    match (incident.state, report) {
        (IncidentState::Queued | IncidentState::Running, _) => {
            note.say("Millwright is investigating this; this note will be updated with the result.");
        }
        (IncidentState::AwaitingApproval, _) => {
            note.say("Millwright has investigated this and waits for somebody's consent to continue.");
        }
        (_, Some(report)) => tell(report, &mut note),
        (IncidentState::Cancelled, None) => {
            note.say("The investigation was stopped before it began.");
        }
        (_, None) => note.say("Millwright could not investigate this; an engineer has to find out why."),
    }
    if let Some(links) = links {
        if let Some(judged) = &links.judged {
            note.push(vec![NoteSpan::outside(judged)]);
        }
        note.push(vec![NoteSpan::own("Was this the cause? Yes: "), NoteSpan::Link(links.confirm.clone())]);
        note.push(vec![NoteSpan::own("No, it was not: "), NoteSpan::Link(links.reject.clone())]);
    }
    match public_url {
        Some(url) => {
            note.push(vec![NoteSpan::own("For engineers: "), NoteSpan::Link(address(url, &incident.id))])
        }
        None => note.say(format!("For engineers: incident {}", incident.id)),
    }
    note
}

/// Whether an answer to this incident turned out to be wrong.
pub(crate) fn fix_refuted(known: &[Resolution]) -> bool {
    known.iter().any(|known| known.outcome == Outcome::Recurred)
}

/// Where people read about an incident.
pub(crate) fn address(public_url: &str, incident: &IncidentId) -> String {
    format!("{}/incidents/{incident}", public_url.trim_end_matches('/'))
}

fn tell(report: &Report, note: &mut NoteText) {
    note.say(match report.verdict {
        Verdict::Known => "The cause is known from an earlier incident and was checked again.",
        Verdict::Verified => "The cause is proven, and there is a tested fix.",
        Verdict::Confirmed => "The cause is proven; there is no tested fix yet.",
        Verdict::Probable => "There is a probable cause; it is not proven.",
        Verdict::Inconclusive => "The cause was not found.",
        Verdict::NotAnIncident => "This does not look like a fault of the software.",
    });
    note.push(vec![NoteSpan::outside(&report.summary)]);
    if let Some(cause) = &report.root_cause {
        note.push(vec![
            NoteSpan::own(format!("{}: ", cause_heading(report))),
            NoteSpan::outside(&cause.statement),
        ]);
    }
    if let Some(impact) = &report.impact {
        let mut known: Vec<String> = Vec::new();
        known.extend(impact.first_seen.as_ref().map(|at| format!("first seen {at}")));
        known.extend(
            Some(impact.users).filter(|users| *users > 0).map(|users| format!("{users} users affected")),
        );
        if !known.is_empty() {
            let known = NoteSpan::outside(&known.join(", "));
            note.push(vec![NoteSpan::own("Known impact: "), known, NoteSpan::own(".")]);
        }
    }
    if let Some(fix) = &report.fix {
        for sentence in fix_sentences(fix) {
            note.push(vec![NoteSpan::outside(&sentence)]);
        }
    }
    if let Some(escalate) = &report.escalate {
        let missing = escalate.missing.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
        let (to, missing) = (NoteSpan::outside(&escalate.to), NoteSpan::outside(&missing));
        note.push(vec![NoteSpan::own("Ask "), to, NoteSpan::own(". Missing: "), missing]);
    }
}

#[cfg(test)]
#[path = "incident_note_tests.rs"]
mod tests;
