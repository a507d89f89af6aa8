/*!
A person's word on an answer: that it is right, or that it is not. What it counts is the right that comes with it.
*/

use millwright_model::{Approval, IncidentId, Resolution, ResolutionId};
use millwright_store::{Actor, FeedbackAuthor, StoreError};

use crate::audit_note::validate_audit_note;
use crate::error::UseCaseError;
use crate::use_cases::UseCases;

/// Which answer is judged, and how.
#[derive(Debug, Clone, Copy)]
pub struct AnswerJudgement<'a> {
    pub incident: &'a IncidentId,
    /// The most trusted one where none is named.
    pub resolution: Option<&'a ResolutionId>,
    /// Whether it is confirmed; it is rejected otherwise.
    pub is_confirmed: bool,
}

impl<'a> AnswerJudgement<'a> {
    /// Of the most trusted answer of an incident.
    pub fn of_best(incident: &'a IncidentId, is_confirmed: bool) -> Self {
        Self { incident, resolution: None, is_confirmed }
    }
}

/// What a person's word did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgementEffect {
    Taken,
    /// Somebody of a higher role has said otherwise, so that it is kept and changes nothing.
    Remark,
}

/// What became of a judgement.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgementResult {
    pub effect: JudgementEffect,
    /// What stands now of the answer that was judged.
    pub approval: Approval,
    /// The answer that was judged; `None` where nothing had been concluded.
    pub judged: Option<Resolution>,
    /// The cause that the note named instead, unless somebody of a higher role stands against it.
    pub correction: Option<Resolution>,
    /// The same in words.
    pub detail: String,
}

impl JudgementResult {
    /// The answer that was judged, else the cause that was named.
    pub fn resolution(&self) -> Option<&Resolution> {
        self.judged.as_ref().or(self.correction.as_ref())
    }

    /// Whether that may be presented as known.
    pub fn is_trusted(&self) -> bool {
        self.resolution().is_some_and(Resolution::is_trusted)
    }

    /// The commit that was named as the cause instead.
    pub fn corrected_to(&self) -> Option<&str> {
        self.correction.as_ref().and_then(|correction| correction.culprit.as_deref())
    }
}

impl UseCases {
    /// [`UseCases::judge`] in a conversation, where what came of it is said in words: in the error why it was not taken.
    pub async fn judge_in_words(
        &self,
        judge: FeedbackAuthor<'_>,
        judgement: AnswerJudgement<'_>,
    ) -> Result<String, String> {
        match self.judge(judge, judgement).await {
            Ok(judged) => Ok(judged.detail),
            Err(UseCaseError::NothingToJudge) => {
                Err("There is no answer yet to confirm or reject. `it was COMMIT` tells the cause."
                    .to_owned())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Confirms or rejects an answer: the one named, else the most trusted one.
    ///
    /// # Errors
    /// When there is nothing to judge, the link was spent, or the note is too long.
    pub async fn judge(
        &self,
        judge: FeedbackAuthor<'_>,
        judgement: AnswerJudgement<'_>,
    ) -> Result<JudgementResult, UseCaseError> {
        let AnswerJudgement { incident, resolution, is_confirmed } = judgement;
        validate_audit_note(judge.by.why)?;
        self.store.get_incident(incident).await?;
        let approval = if is_confirmed { Approval::Confirmed } else { Approval::Rejected };
        let note = self.redact(judge.by.why);
        let judge = FeedbackAuthor { by: Actor { who: judge.by.who, why: &note }, ..judge };
        let judged = self.store.record_feedback(incident, resolution, approval, judge).await;
        let judged = judged.map_err(|error| match error {
            StoreError::NotFound { .. } => UseCaseError::NothingToJudge,
            other => other.into(),
        })?;
        self.notify_work(incident);
        // Of the answer that was judged; what stands against the commit that was named is told in words.
        let stands = judged.overruled_by.filter(|_| !judged.is_taken).map_or(approval, |word| word.approval);
        let is_taken = judged.is_taken || judged.correction.is_some();
        Ok(JudgementResult {
            effect: if is_taken { JudgementEffect::Taken } else { JudgementEffect::Remark },
            approval: stands,
            detail: judged.in_words(approval),
            judged: judged.resolution,
            correction: judged.correction,
        })
    }
}
