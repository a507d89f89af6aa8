/*!
Messages of people about an incident: a remark while its investigation runs, a question after it has ended.
*/

use millwright_model::{IncidentId, MessageId};
use millwright_store::{IncidentState, IncomingThreadMessage, MessageKind};

use crate::caller::Principal;
use crate::delivery_key::DeliveryKey;
use crate::error::UseCaseError;
use crate::use_cases::UseCases;

/// Longest text of a message, in characters; a run uses half of that.
const MAX_TEXT_CHARS: usize = 8_000;

/// A message that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageResult {
    pub id: MessageId,
    /// A remark, which the run reads after its current step, or a question, whose answer comes as a message.
    pub kind: MessageKind,
}

/// A message that another system delivers, perhaps more than once.
#[derive(Debug, Clone, Copy)]
pub struct ThreadMessage<'a> {
    /// The key by which a repeated delivery is recognised.
    pub delivery: &'a DeliveryKey,
    pub system: &'a str,
    pub incident: &'a IncidentId,
    /// The author, as in the audit log.
    pub author: &'a str,
    pub text: &'a str,
    /// The thread for the reply, if one is wanted.
    pub reply_in: Option<&'a str>,
}

impl UseCases {
    /// Stores a message about an incident.
    ///
    /// # Errors
    /// When there is no such incident, or the text is empty or too long.
    pub async fn say(
        &self,
        caller: &Principal,
        incident: &IncidentId,
        text: &str,
    ) -> Result<MessageResult, UseCaseError> {
        if text.trim().is_empty() || text.chars().count() > MAX_TEXT_CHARS {
            return Err(UseCaseError::invalid("text must be 1 to 8000 characters"));
        }
        let kind = self.message_kind(incident).await?;
        let text = self.redact(text);
        let message = self.store.put_message(incident, &caller.name, kind, &text).await?;
        self.notify_work(incident);
        Ok(MessageResult { id: message.id, kind })
    }

    /// Stores a message from a thread of another system; `false` if it was delivered before. A text that is too long is cut,
    /// because nobody there can be asked to shorten it.
    ///
    /// # Errors
    /// When there is no such incident.
    pub async fn say_in_thread(&self, message: ThreadMessage<'_>) -> Result<bool, UseCaseError> {
        let kind = self.message_kind(message.incident).await?;
        let is_new = self.keep_once(message, kind).await?;
        self.notify_work(message.incident);
        Ok(is_new)
    }

    /// Sends a message to a run that is still in progress; `None` if the investigation has ended, `false` if the message was
    /// delivered before.
    ///
    /// # Errors
    /// When there is no such incident.
    pub async fn tell_running(&self, message: ThreadMessage<'_>) -> Result<Option<bool>, UseCaseError> {
        if self.message_kind(message.incident).await? != MessageKind::Remark {
            return Ok(None);
        }
        let is_new = self.keep_once(message, MessageKind::Remark).await?;
        self.notify_changed(message.incident);
        Ok(Some(is_new))
    }

    async fn keep_once(&self, message: ThreadMessage<'_>, kind: MessageKind) -> Result<bool, UseCaseError> {
        let text: String = message.text.chars().take(MAX_TEXT_CHARS).collect();
        let text = self.redact(&text);
        let said = IncomingThreadMessage {
            delivery: &message.delivery.id(),
            source: message.system,
            incident: message.incident,
            author: message.author,
            kind,
            text: &text,
            reply: message.reply_in.map(|thread| (message.system, thread)),
        };
        Ok(self.store.say_once(said).await?.is_some())
    }

    /// The kind of a message that is sent now.
    async fn message_kind(&self, incident: &IncidentId) -> Result<MessageKind, UseCaseError> {
        Ok(match self.store.get_incident(incident).await?.state {
            IncidentState::Queued | IncidentState::Running | IncidentState::AwaitingApproval => {
                MessageKind::Remark
            }
            IncidentState::Done | IncidentState::Failed | IncidentState::Cancelled => MessageKind::Question,
        })
    }
}
