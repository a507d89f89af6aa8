/*!
What a note says, in words for support: the verdict, the cause, since when, who is affected, what helps, and where
engineers find the rest. All of it is masked already; here it is only bounded.
*/

use millwright_agent::report::{cause_heading, fix_sentences};
use millwright_memory::store::{Incident, IncidentState};
use millwright_memory::types::{Outcome, Report, Resolution, Verdict};

use crate::page::Links;

/// Longest sentence taken from a report, in characters.
const MOST: usize = 1_200;

pub(crate) fn note(
    incident: &Incident,
    report: Option<&Report>,
    public_url: Option<&str>,
    links: Option<&Links>,
    was_not_it: bool,
) -> String {
    let mut lines: Vec<String> = Vec::new();
    if was_not_it {
        lines.push(
            "The earlier answer was not it: the failure came back in a version that has the fix.".into(),
        );
    }
    match (incident.state, report) {
        (IncidentState::Queued | IncidentState::Running, _) => {
            lines.push("Millwright is looking into this; this note will say what it finds.".into());
        }
        (IncidentState::AwaitingApproval, _) => {
            lines.push("Millwright has looked into this and waits for somebody's consent to go on.".into());
        }
        (_, Some(report)) => tell(report, &mut lines),
        (IncidentState::Cancelled, None) => {
            lines.push("The investigation was stopped before it began.".into())
        }
        (_, None) => lines.push("Millwright could not look into this; an engineer has to see why.".into()),
    }
    if let Some(links) = links {
        lines.extend(links.judged.clone());
        lines.push(format!("Was it this? Yes: {}", links.confirm));
        lines.push(format!("No, that was not it: {}", links.reject));
    }
    if let Some(url) = public_url {
        lines.push(format!("For engineers: {}", address(url, &incident.id)));
    } else {
        lines.push(format!("For engineers: incident {}", incident.id));
    }
    lines.join("\n\n")
}

/// Whether an answer to this incident turned out not to be it.
pub(crate) fn was_not_it(known: &[Resolution]) -> bool {
    known.iter().any(|known| known.outcome == Outcome::Recurred)
}

/// Where people read about an incident.
pub(crate) fn address(public_url: &str, incident: &str) -> String {
    format!("{}/incidents/{incident}", public_url.trim_end_matches('/'))
}

fn tell(report: &Report, lines: &mut Vec<String>) {
    let verdict = match report.verdict {
        Verdict::Known => "The cause is known from an earlier incident, and was checked again now.",
        Verdict::Verified => "The cause is proven, and there is a fix that was tested.",
        Verdict::Confirmed => "The cause is proven; there is no tested fix yet.",
        Verdict::Probable => "There is a probable cause; it is not proven.",
        Verdict::Inconclusive => "The cause was not found.",
        Verdict::NotAnIncident => "This does not look like a fault of the software.",
    };
    lines.push(verdict.to_owned());
    lines.push(bounded(&report.summary));
    if let Some(cause) = &report.root_cause {
        lines.push(format!("{}: {}", cause_heading(report), bounded(&cause.statement)));
    }
    if let Some(impact) = &report.impact {
        let mut known: Vec<String> = Vec::new();
        known.extend(impact.first_seen.as_ref().map(|at| format!("first seen {at}")));
        known.extend(
            Some(impact.users).filter(|users| *users > 0).map(|users| format!("{users} users affected")),
        );
        if !known.is_empty() {
            lines.push(format!("What is known of its extent: {}.", known.join(", ")));
        }
    }
    if let Some(fix) = &report.fix {
        lines.extend(fix_sentences(fix).iter().map(|sentence| bounded(sentence)));
    }
    if let Some(escalate) = &report.escalate {
        let missing = escalate.missing.iter().take(3).map(|missing| bounded(missing));
        let missing = missing.collect::<Vec<_>>().join("; ");
        lines.push(format!("Ask {}. Missing: {missing}", bounded(&escalate.to)));
    }
}

fn bounded(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c });
    plain.take(MOST).collect()
}

/// The text with the marker it is found by.
pub(super) fn marked(text: &str, marker: &str) -> String {
    format!("{text}\n\n[{marker}]")
}
