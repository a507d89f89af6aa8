/*!
Conversations in threads of a chat system: the incident that a thread is about, what was said there (stored once,
however often it is delivered), and what is to be answered there.
*/

use millwright_model::{Audience, ConversationId, IncidentId, MessageId, RunId};

use super::super::codec::now;
use super::super::db::{AssertSqlSafe, WriteTurn, query, query_as, query_scalar};
use super::super::{Store, StoreError, payloads};
use super::{IncidentMessage, MessageKind, messages, related};
use crate::queue::notes;
use crate::scope::ScopedRow;

/// A message in a thread.
#[derive(Debug, Clone, Copy)]
pub struct IncomingThreadMessage<'a> {
    /// Its id in the system it came from, prefixed with that system. A second message with the same id changes
    /// nothing.
    pub delivery: &'a str,
    pub source: &'a str,
    pub incident: &'a IncidentId,
    pub author: &'a str,
    pub kind: MessageKind,
    pub text: &'a str,
    /// Where a reply is wanted: system and thread.
    pub reply: Option<(&'a str, &'a str)>,
}

impl Store {
    /// Stores a message and queues it for an answer, in one transaction; `None` if it was delivered before.
    pub async fn say_once(
        &self,
        said: IncomingThreadMessage<'_>,
    ) -> Result<Option<IncidentMessage>, StoreError> {
        self.require_incident(said.incident).await?;
        // Takes the turn of the index, because a report with the same delivery may arrive at the same moment, and it
        // writes the delivery first under that turn.
        let mut tx = self.begin(WriteTurn::IndexOf(said.incident)).await?;
        super::super::incidents::must_exist(&mut tx, said.incident).await?;
        let inserted = query(
            "INSERT INTO deliveries (id, source, received_at, effect, incident_id, title) \
             VALUES ($1, $2, $3, 'said', $4, $5) ON CONFLICT (id) DO NOTHING",
        )
        .bind(said.delivery)
        .bind(said.source)
        .bind(now())
        .bind(said.incident)
        .bind(said.text.chars().take(200).collect::<String>())
        .execute(&mut tx)
        .await?;
        if inserted.rows_affected() == 0 {
            return Ok(None);
        }
        let message = messages::insert(&mut tx, said.incident, said.author, said.kind, said.text).await?;
        if let Some((system, thread)) = said.reply {
            let target = format!("{thread}/{}", message.id);
            let audience = related::audience_of(&mut tx, said.incident).await?;
            notes::want(&mut tx, said.incident, (system, &target), audience).await?;
        }
        tx.commit().await?;
        Ok(Some(message))
    }

    /// The incident that this correlation key leads to, in a closed conversation or outside of all, regardless of its
    /// age.
    pub async fn incident_known_by(
        &self,
        key: &str,
        within: Option<&ConversationId>,
    ) -> Result<Option<IncidentId>, StoreError> {
        let [internal, unknown, public] =
            Audience::ALL.map(|audience| related::scoped(key, audience, within));
        let [open_internal, open_unknown, open_public] =
            Audience::ALL.map(|audience| related::scoped(key, audience, None));
        let sql = format!(
            "SELECT c.incident_id FROM correlations c WHERE c.key IN ($1, $2, $3, $4, $5, $6){} \
             ORDER BY CASE WHEN c.key IN ($1, $2, $3) THEN 0 ELSE 1 END, c.last_at DESC LIMIT 1",
            self.visible_by("c.incident_id")
        );
        query_scalar(AssertSqlSafe(sql))
            .bind(internal)
            .bind(unknown)
            .bind(public)
            .bind(open_internal)
            .bind(open_unknown)
            .bind(open_public)
            .fetch_optional(&self.read)
            .await
    }

    /// The incident whose note has this id in the other system.
    pub async fn incident_of_note(
        &self,
        system: &str,
        target: &str,
        remote_id: &str,
    ) -> Result<Option<IncidentId>, StoreError> {
        let sql = format!(
            "SELECT n.incident_id FROM notes n WHERE n.system = $1 AND n.target = $2 AND n.remote_id = $3{}",
            self.visible_by("n.incident_id")
        );
        let query = query_scalar(AssertSqlSafe(sql)).bind(system).bind(target).bind(remote_id);
        query.fetch_optional(&self.read).await
    }

    /// The answer to a question, once there is one.
    pub async fn answer_to(&self, question: &MessageId) -> Result<Option<IncidentMessage>, StoreError> {
        self.require(ScopedRow::Message, question.as_str()).await?;
        query("SELECT * FROM incident_messages WHERE reply_to = $1 ORDER BY id LIMIT 1")
            .bind(question)
            .fetch_optional(&self.read)
            .await?
            .map(|row| messages::from_row(&row))
            .transpose()
    }

    /// The next steps of the newest run of an incident, from its last plan.
    pub async fn latest_plan(&self, incident: &IncidentId) -> Result<Option<serde_json::Value>, StoreError> {
        self.require_incident(incident).await?;
        let found: Option<(RunId, i64, String)> = query_as(
            "SELECT e.run_id, e.seq, e.payload FROM run_events e JOIN runs r ON r.id = e.run_id WHERE r.incident_id = $1 \
             AND e.kind = 'planned' ORDER BY e.run_id DESC, e.seq DESC LIMIT 1",
        )
        .bind(incident)
        .fetch_optional(&self.read)
        .await?;
        match found {
            Some((run, seq, payload)) => payloads::whole(&self.read, &run, seq, &payload).await.map(Some),
            None => Ok(None),
        }
    }
}
