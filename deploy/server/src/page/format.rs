/*!
Formats values for a page: times as how long ago, states and verdicts as words with a colour (never by colour alone),
outside text bounded.
*/

use maud::{Markup, html};
use millwright_agent::report::{line, plain, verdict_word};
use millwright_model::{Approval, Outcome, Proof, Resolution, Timestamp, Verdict};
use millwright_store::IncidentState;

/// A time as a person reads it; the element also contains the exact time.
pub(super) fn time(at: Timestamp) -> Markup {
    html! { time datetime=(at) title=(exact(at)) { (ago(at, millwright_store::now())) } }
}

/// `2026-11-24 10:00 UTC`.
pub(super) fn exact(at: Timestamp) -> String {
    at.as_jiff().strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - at.as_second();
    let (word, seconds) = if seconds < -5 { ("in ", -seconds) } else { ("", seconds.max(0)) };
    let text = match seconds {
        0..10 => return "just now".to_owned(),
        10..90 => format!("{seconds} s"),
        90..5_400 => format!("{} min", seconds / 60),
        5_400..129_600 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    if word.is_empty() { format!("{text} ago") } else { format!("{word}{text}") }
}

pub(super) fn state_word(state: IncidentState) -> &'static str {
    match state {
        IncidentState::Queued => "waiting",
        IncidentState::Running => "running",
        IncidentState::AwaitingApproval => "needs consent",
        IncidentState::Done => "done",
        IncidentState::Failed => "failed",
        IncidentState::Cancelled => "stopped",
    }
}

/// The value for a state in a query.
pub(super) fn state_key(state: IncidentState) -> &'static str {
    match state {
        IncidentState::Queued => "queued",
        IncidentState::Running => "running",
        IncidentState::AwaitingApproval => "awaiting_approval",
        IncidentState::Done => "done",
        IncidentState::Failed => "failed",
        IncidentState::Cancelled => "cancelled",
    }
}

pub(super) const STATES: [IncidentState; 6] = [
    IncidentState::AwaitingApproval,
    IncidentState::Running,
    IncidentState::Queued,
    IncidentState::Done,
    IncidentState::Failed,
    IncidentState::Cancelled,
];

pub(super) fn state(state: IncidentState) -> Markup {
    html! { span.badge.(state_key(state)) { (state_word(state)) } }
}

pub(super) fn verdict(verdict: Verdict) -> Markup {
    html! { span.verdict.(verdict.as_str()) { (verdict_word(verdict)) } }
}

pub(super) fn proof_word(proof: Proof) -> &'static str {
    match proof {
        Proof::None => "nothing proven",
        Proof::Reproduced => "reproduced",
        Proof::CauseConfirmed => "cause proven",
        Proof::FixVerified => "fix verified",
    }
}

/// The three status fields of a resolution.
pub(super) fn standing(known: &Resolution) -> Markup {
    let proven = known.proof >= Proof::CauseConfirmed;
    html! {
        ul.chips {
            li.good[proven].open[!proven] { (proof_word(known.proof)) }
            @match known.approval {
                Approval::Confirmed if !known.approval_suffices => li.open {
                    "confirmed" @if let Some(by) = &known.approved_by { " by " (person(by)) } " alone"
                },
                Approval::Confirmed => li.good { "confirmed" @if let Some(by) = &known.approved_by { " by " (person(by)) } },
                Approval::Rejected => li.bad { "rejected" @if let Some(by) = &known.approved_by { " by " (person(by)) } },
                Approval::None => li.open { "not judged yet" },
            }
            @match known.outcome {
                Outcome::Shipped => li.good { "shipped, did not come back" },
                Outcome::Recurred => li.bad { "came back" },
                Outcome::Unknown => {},
            }
        }
    }
}

/// At most `most` characters of the text, and whether that is all of it.
pub(super) fn excerpt(text: &str, most: usize) -> (String, bool) {
    // Cuts first, because cleaning a long text takes long.
    match text.char_indices().nth(most) {
        None => (plain(text), true),
        Some((at, _)) => (format!("{} …", plain(text.get(..at).unwrap_or_default())), false),
    }
}

/// The name of a person, without the id of their token.
pub(super) fn person(name: &str) -> String {
    let plain = match name.rsplit_once(" (") {
        Some((plain, id)) if id.len() == 13 && id.ends_with(')') => plain,
        _ => name,
    };
    line(plain, 80)
}

/// One line of outside text.
pub(super) fn short(text: &str, most: usize) -> String {
    line(text, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_are_named_without_their_tokens() {
        assert_eq!(person("Ann (3806d8e0845e)"), "Ann");
        assert_eq!(
            person("Ann of the desk (by a link in the ticket)"),
            "Ann of the desk (by a link in the ticket)"
        );
        assert_eq!(person("millwright"), "millwright");
    }

    #[test]
    fn times_read_as_a_person_says_them() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        for (at, said) in [
            ("2026-11-24T09:59:58Z", "just now"),
            ("2026-11-24T09:59:20Z", "40 s ago"),
            ("2026-11-24T09:15:00Z", "45 min ago"),
            ("2026-11-24T02:00:00Z", "8 h ago"),
            ("2026-11-20T10:00:00Z", "4 days ago"),
            ("2026-11-24T10:10:00Z", "in 10 min"),
        ] {
            assert_eq!(ago(at.parse().unwrap(), now), said);
        }
        assert_eq!(exact("2026-11-24T09:15:00.123456Z".parse().unwrap()), "2026-11-24 09:15 UTC");
    }
}
