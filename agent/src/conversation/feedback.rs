/*!
Feedback on an answer: “that was it”, “that was not it”, “it was 1c1ed3b”. It has the same effect as the buttons and
commands of the other channels.
*/

use std::pin::Pin;

use millwright_model::{Approval, IncidentId};
use millwright_store::commit_named;

use super::Conversation;

/// Why the channel could not take feedback, through no fault of the person.
pub type FeedbackError = Box<dyn std::error::Error + Send + Sync>;

/// What came of a person's feedback, in words.
pub type FeedbackFuture<'a> = Pin<Box<dyn Future<Output = Result<String, FeedbackError>> + Send + 'a>>;

/// Takes a person's feedback on the answer of an incident. The one who begins the conversation knows the
/// speaker and their rights, and masks the note.
pub trait FeedbackTaker: Send + Sync {
    fn take<'a>(&'a self, incident: &'a IncidentId, said: Approval, note: &'a str) -> FeedbackFuture<'a>;
}

/// Maximum length of feedback, in characters; a longer text says something else as well.
const LONGEST: usize = 300;

/// The feedback in a line; `None` if the line is not feedback.
pub(super) fn feedback_in(line: &str) -> Option<Approval> {
    const WRONG: [&str; 12] = [
        "not it",
        "that is wrong",
        "that's wrong",
        "that was wrong",
        "this is wrong",
        "wrong commit",
        "wrong cause",
        "not the cause",
        "not the culprit",
        "wasn't it",
        "isn't it",
        "not this",
    ];
    const RIGHT: [&str; 8] = [
        "that was it",
        "that is it",
        "that's it",
        "this was it",
        "that is right",
        "that's right",
        "that is the cause",
        "that was the cause",
    ];
    let line = line.trim();
    if line.contains('?') || line.chars().nth(LONGEST).is_some() {
        return None;
    }
    let said: Vec<String> = line
        .to_lowercase()
        .replace('\u{2019}', "'")
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let said = format!(" {} ", said.join(" "));
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| said.contains(&format!(" {phrase} ")));
    if says(&WRONG) || (commit_named(line).is_some() && says(&["it was", "caused by", "culprit", "cause"])) {
        Some(Approval::Rejected)
    } else if says(&RIGHT) {
        Some(Approval::Confirmed)
    } else {
        None
    }
}

impl Conversation {
    /// Records the person's feedback on the current incident.
    pub(super) async fn record_feedback(
        &self,
        approval: Approval,
        line: &str,
    ) -> Result<String, FeedbackError> {
        let incident = self
            .incident
            .clone()
            .or_else(|| self.report.as_ref().map(|known| known.report.incident_id.clone()));
        let Some(incident) = incident else {
            return Ok(
                "There is no answer yet to confirm or reject; `investigate this` finds one.".to_owned()
            );
        };
        self.feedback.take(&incident, approval, line).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feedback_is_told_from_questions() {
        let check =
            |line: &str, expected: Option<Approval>| assert_eq!(feedback_in(line), expected, "{line}");
        check("that was not it", Some(Approval::Rejected));
        check("No, it was 1c1ed3b.", Some(Approval::Rejected));
        check("the culprit is 1c1ed3b", Some(Approval::Rejected));
        check("That\u{2019}s it!", Some(Approval::Confirmed));
        check("was it 1c1ed3b?", None);
        check("show commit 1c1ed3b", None);
        check("is that it?", None);
        check("investigate: that was not it", Some(Approval::Rejected));
        check("thanks", None);
    }
}
