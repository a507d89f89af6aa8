/*!
A person's judgement of an answer: right or wrong. How much it counts depends on the rights of that person.
*/

use millwright_model::{Approval, IncidentId, Resolution, ResolutionId};
use millwright_store::{Actor, FeedbackAuthor, StoreError};

use crate::audit_note::validate_audit_note;
use crate::error::UseCaseError;
use crate::use_cases::UseCases;

/// The answer that is judged, and the judgement.
#[derive(Debug, Clone, Copy)]
pub struct AnswerJudgement<'a> {
    pub incident: &'a IncidentId,
    /// `None`: the most trusted answer.
    pub resolution: Option<&'a ResolutionId>,
    /// Whether the answer is confirmed; otherwise it is rejected.
    pub is_confirmed: bool,
}

impl<'a> AnswerJudgement<'a> {
    /// A judgement of the most trusted answer of an incident.
    pub fn of_best(incident: &'a IncidentId, is_confirmed: bool) -> Self {
        Self { incident, resolution: None, is_confirmed }
    }
}

/// The effect of a judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgementEffect {
    Taken,
    /// A person with a higher role said otherwise, so the judgement is stored and changes nothing.
    Remark,
}

/// The result of a judgement.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgementResult {
    pub effect: JudgementEffect,
    /// The approval of the judged answer after this judgement.
    pub approval: Approval,
    /// The answer that was judged; `None` if nothing was concluded.
    pub judged: Option<Resolution>,
    /// The cause that the note named instead, unless a person with a higher role disagrees.
    pub correction: Option<Resolution>,
    /// The result as text.
    pub detail: String,
}

impl JudgementResult {
    /// The answer that was judged, or the cause that was named.
    pub fn resolution(&self) -> Option<&Resolution> {
        self.judged.as_ref().or(self.correction.as_ref())
    }

    /// Whether this answer may be presented as known.
    pub fn is_trusted(&self) -> bool {
        self.resolution().is_some_and(Resolution::is_trusted)
    }

    /// The commit that was named as the cause instead.
    pub fn corrected_to(&self) -> Option<&str> {
        self.correction.as_ref().and_then(|correction| correction.culprit.as_deref())
    }
}

impl UseCases {
    /// [`UseCases::judge`] of an incident's best answer in a conversation, which says in words what came of it or why
    /// the caller cannot do that.
    ///
    /// # Errors
    /// When it failed through no fault of the caller's.
    pub async fn judge_in_words(
        &self,
        judge: FeedbackAuthor<'_>,
        incident: &IncidentId,
        said: Approval,
    ) -> Result<String, UseCaseError> {
        let judgement = AnswerJudgement::of_best(incident, said == Approval::Confirmed);
        match self.judge(judge, judgement).await {
            Ok(judged) => Ok(judged.detail),
            Err(UseCaseError::NothingToJudge) => {
                Ok("There is no answer yet to confirm or reject. Write `it was COMMIT` to name the cause."
                    .to_owned())
            }
            Err(error) if error.is_of_caller() => Ok(error.to_string()),
            Err(error) => Err(error),
        }
    }

    /// Confirms or rejects an answer: the named one, or the most trusted one.
    ///
    /// # Errors
    /// When there is nothing to judge, the link was already used, or the note is too long.
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
        // The approval of the judged answer; the text says what overrules the commit that was named.
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
