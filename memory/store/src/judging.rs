/*!
Who judges an answer, by which right, and what they are told of it. What it changes is in `feedback`.
*/

use millwright_model::{Approval, JudgingAuthority, Resolution};

use super::Actor;

/// Ends the name of whoever judged by a link: they typed it, and nobody knows whether it is theirs.
pub const BY_LINK: &str = " (by a link in the ticket)";

/// What somebody's word on an answer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedbackRights {
    pub authority: JudgingAuthority,
    /// Whether a confirmation of theirs alone lets an answer be presented as known.
    pub suffices: bool,
}

impl FeedbackRights {
    /// Of whoever owns the store.
    pub const OWNER: Self = Self { authority: JudgingAuthority::Admin, suffices: true };
    /// Of whoever holds a link in a ticket.
    pub const LINK: Self = Self { authority: JudgingAuthority::Link, suffices: false };
}

/// Who judges an answer, and by which right.
#[derive(Debug, Clone, Copy)]
pub struct FeedbackAuthor<'a> {
    pub by: Actor<'a>,
    pub standing: FeedbackRights,
    /// The link it is done by, which is spent with it.
    pub link: Option<&'a str>,
}

impl<'a> FeedbackAuthor<'a> {
    pub fn new(by: Actor<'a>, standing: FeedbackRights) -> Self {
        Self { by, standing, link: None }
    }
}

/// What a person's feedback changed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedbackResult {
    /// What was confirmed or rejected; `None` where nothing had been concluded and the cause is new.
    pub resolution: Option<Resolution>,
    /// Whether their word on it was taken.
    pub is_taken: bool,
    /// The cause that the person named instead.
    pub correction: Option<Resolution>,
    /// The word of a higher right that stands against theirs, on what they judged or on the cause that they named; theirs is
    /// kept as a remark there.
    pub overruled_by: Option<PriorFeedback>,
}

/// What was said of an answer, by which right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriorFeedback {
    pub approval: Approval,
    pub authority: JudgingAuthority,
}

impl FeedbackResult {
    /// The commit that was named instead.
    pub fn corrected_to(&self) -> Option<&str> {
        self.correction.as_ref().and_then(|correction| correction.culprit.as_deref())
    }

    /// What stands against the person's word, as the end of a sentence.
    fn stands(&self) -> Option<String> {
        let stands = self.overruled_by?;
        let said = match stands.approval {
            Approval::Rejected => "rejected",
            Approval::Confirmed | Approval::None => "confirmed",
        };
        let who = match stands.authority {
            JudgingAuthority::Admin => "an administrator",
            JudgingAuthority::Responder => "a responder",
            JudgingAuthority::Support | JudgingAuthority::Link => "somebody with more rights",
        };
        Some(format!("was {said} by {who}, which stands until one of them takes it back."))
    }

    /// What the person is told of their word, in sentences.
    pub fn in_words(&self, approval: Approval) -> String {
        let told = match &self.resolution {
            Some(_) if !self.is_taken => {
                let stands = self.stands().unwrap_or_default();
                match self.correction {
                    None => format!("This cause {stands} Your word is kept as a remark and changes nothing."),
                    Some(_) => format!("This cause {stands} Your word on it is kept as a remark."),
                }
            }
            Some(_) if approval == Approval::Rejected => {
                "Marked as not it: it is not offered again for this failure.".to_owned()
            }
            Some(known) if !known.is_trusted() => {
                "Confirmed. It is offered as known once a second person whom we know, or somebody whose word alone counts, \
                 confirms it."
                    .to_owned()
            }
            Some(_) => "Confirmed.".to_owned(),
            None => "Taken.".to_owned(),
        };
        if let (None, Some(stands)) =
            (&self.correction, self.stands().filter(|_| self.is_taken || self.resolution.is_none()))
        {
            let named = format!(
                "The commit that you named {stands} What you say of it is kept as a remark and changes nothing."
            );
            return if self.is_taken { format!("{told} {named}") } else { named };
        }
        let correction =
            self.correction.as_ref().and_then(|known| known.culprit.as_deref().map(|id| (id, known)));
        match correction {
            None => told,
            Some((commit, known)) if known.is_trusted() => format!(
                "{told} Commit {commit} is taken as the cause, as you say; it is re-checked before it is called known."
            ),
            Some((commit, _)) => format!(
                "{told} Commit {commit} is kept as the cause you named; a second person, or somebody whose word alone counts, has \
                 to confirm it."
            ),
        }
    }
}
