/*!
Who judges an answer, by which authority, and what they are told about the result. `feedback` makes the changes.
*/

use millwright_model::{Approval, JudgingAuthority, Resolution};

use super::Actor;

/// The suffix of the name of a judge who used a link: they typed the name, and nothing verifies it.
pub const BY_LINK: &str = " (by a link in the ticket)";

/// The weight of a person's feedback on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedbackRights {
    pub authority: JudgingAuthority,
    /// Whether one confirmation by them is enough to present an answer as known.
    pub suffices: bool,
}

impl FeedbackRights {
    /// The standing of the owner of the store.
    pub const OWNER: Self = Self { authority: JudgingAuthority::Admin, suffices: true };
    /// The standing of anyone who uses a link in a ticket.
    pub const LINK: Self = Self { authority: JudgingAuthority::Link, suffices: false };
}

/// Who judges an answer, and by which authority.
#[derive(Debug, Clone, Copy)]
pub struct FeedbackAuthor<'a> {
    pub by: Actor<'a>,
    pub standing: FeedbackRights,
    /// The link that was used; judging makes it unusable.
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
    /// The resolution that was confirmed or rejected; `None` if nothing had been concluded and the cause is new.
    pub resolution: Option<Resolution>,
    /// Whether the feedback on that resolution took effect.
    pub is_taken: bool,
    /// The cause that the person named instead.
    pub correction: Option<Resolution>,
    /// Feedback of a higher authority that contradicts the person's, on the resolution they judged or on the cause
    /// they named; theirs is kept as a remark there.
    pub overruled_by: Option<PriorFeedback>,
}

/// Earlier feedback on an answer, with its authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriorFeedback {
    pub approval: Approval,
    pub authority: JudgingAuthority,
}

impl FeedbackResult {
    /// The commit that the person named instead.
    pub fn corrected_to(&self) -> Option<&str> {
        self.correction.as_ref().and_then(|correction| correction.culprit.as_deref())
    }

    /// What contradicts the person's feedback, as the end of a sentence.
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
        Some(format!("was {said} by {who}, which stays in force until one of them withdraws it."))
    }

    /// The reply to the person, in sentences.
    pub fn in_words(&self, approval: Approval) -> String {
        let told = match &self.resolution {
            Some(_) if !self.is_taken => {
                let stands = self.stands().unwrap_or_default();
                match self.correction {
                    None => {
                        format!("This cause {stands} Your judgement is kept as a remark and changes nothing.")
                    }
                    Some(_) => format!("This cause {stands} Your judgement of it is kept as a remark."),
                }
            }
            Some(_) if approval == Approval::Rejected => {
                "Marked as wrong: it is not offered again for this failure.".to_owned()
            }
            Some(known) if !known.is_trusted() => {
                "Confirmed. It is offered as known once a second person with an account, or somebody whose \
                 confirmation alone is enough, confirms it."
                    .to_owned()
            }
            Some(_) => "Confirmed.".to_owned(),
            None => "Taken.".to_owned(),
        };
        if let (None, Some(stands)) =
            (&self.correction, self.stands().filter(|_| self.is_taken || self.resolution.is_none()))
        {
            let named = format!(
                "The commit that you named {stands} Your note about it is kept as a remark and changes nothing."
            );
            return if self.is_taken { format!("{told} {named}") } else { named };
        }
        let correction =
            self.correction.as_ref().and_then(|known| known.culprit.as_deref().map(|id| (id, known)));
        match correction {
            None => told,
            Some((commit, known)) if known.is_trusted() => format!(
                "{told} Commit {commit} is recorded as the cause that you named; it is checked again before \
                 it is reported as known."
            ),
            Some((commit, _)) => format!(
                "{told} Commit {commit} is kept as the cause you named; a second person, or somebody whose \
                 confirmation alone is enough, has to confirm it."
            ),
        }
    }
}
