/*!
What persons say to an incident, kept until its run has taken it in, and what is answered.
*/

use super::super::codec::{from_word, new_id, now, word};
use super::super::db::{Row, Tx, query, query_scalar};
use super::super::{Store, StoreError};
use super::{JobKind, Message, MessageKind, jobs, notes};

impl Store {
    /// Keeps what was said; a question is queued to be answered.
    pub async fn put_message(
        &self,
        incident: &str,
        author: &str,
        kind: MessageKind,
        body: &str,
    ) -> Result<Message, StoreError> {
        let mut tx = self.begin().await?;
        super::super::incidents::must_exist(&mut tx, incident).await?;
        let message = insert(&mut tx, incident, author, kind, body).await?;
        tx.commit().await?;
        Ok(message)
    }

    /// Those a run has not stored yet, oldest first.
    pub async fn waiting_messages(&self, incident: &str) -> Result<Vec<Message>, StoreError> {
        let rows = query(
            "SELECT * FROM incident_messages WHERE incident_id = $1 AND taken_at IS NULL \
             AND kind IN ('remark', 'decision', 'stop') ORDER BY id LIMIT 200",
        )
        .bind(incident)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(from_row).collect()
    }

    /// All of an incident, oldest first, after a message where one is given.
    pub async fn messages(&self, incident: &str, after: Option<&str>) -> Result<Vec<Message>, StoreError> {
        let rows =
            query("SELECT * FROM incident_messages WHERE incident_id = $1 AND id > $2 ORDER BY id LIMIT 200")
                .bind(incident)
                .bind(after.unwrap_or_default())
                .fetch_all(&self.read)
                .await?;
        rows.iter().map(from_row).collect()
    }

    pub async fn take_message(&self, id: &str) -> Result<(), StoreError> {
        query("UPDATE incident_messages SET taken_at = $2 WHERE id = $1 AND taken_at IS NULL")
            .bind(id)
            .bind(now())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    pub async fn get_message(&self, id: &str) -> Result<Message, StoreError> {
        query("SELECT * FROM incident_messages WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.read)
            .await?
            .map(|row| from_row(&row))
            .unwrap_or_else(|| Err(StoreError::NotFound { what: "message", id: id.to_owned() }))
    }

    /// Answers a question and ends its job, both or neither; `false` when the job is somebody else's by now.
    pub async fn answer_question(
        &self,
        job: &str,
        holder: &str,
        question: &Message,
        answer: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = query(
            "UPDATE jobs SET state = 'done', holder = NULL, lease_until = NULL, updated_at = $3 \
             WHERE id = $1 AND holder = $2",
        )
        .bind(job)
        .bind(holder)
        .bind(now())
        .execute(&mut tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        query("UPDATE incident_messages SET taken_at = $2 WHERE id = $1")
            .bind(&question.id)
            .bind(now())
            .execute(&mut tx)
            .await?;
        query(
            "INSERT INTO incident_messages (id, incident_id, at, author, kind, body, reply_to) \
             VALUES ($1, $2, $3, 'millwright', 'answer', $4, $5)",
        )
        .bind(new_id("msg"))
        .bind(&question.incident_id)
        .bind(now())
        .bind(answer)
        .bind(&question.id)
        .execute(&mut tx)
        .await?;
        notes::wake_reply(&mut tx, &question.incident_id, &question.id).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Whether somebody asked to stop this incident's run.
    pub async fn is_stopped(&self, incident: &str) -> Result<bool, StoreError> {
        let count: i64 =
            query_scalar("SELECT count(*) FROM incident_messages WHERE incident_id = $1 AND kind = 'stop'")
                .bind(incident)
                .fetch_one(&self.read)
                .await?;
        Ok(count > 0)
    }
}

/// Keeps a message; a question is queued to be answered.
pub(super) async fn insert(
    tx: &mut Tx,
    incident: &str,
    author: &str,
    kind: MessageKind,
    body: &str,
) -> Result<Message, StoreError> {
    let message = Message {
        id: new_id("msg"),
        incident_id: incident.to_owned(),
        at: now(),
        author: author.to_owned(),
        kind,
        body: body.to_owned(),
        taken_at: None,
    };
    query(
        "INSERT INTO incident_messages (id, incident_id, at, author, kind, body) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&message.id)
    .bind(incident)
    .bind(&message.at)
    .bind(author)
    .bind(word(&kind))
    .bind(body)
    .execute(&mut *tx)
    .await?;
    if kind == MessageKind::Question {
        jobs::insert(tx, JobKind::Answer, &message.id, incident).await?;
    }
    Ok(message)
}

pub(super) fn from_row(row: &Row) -> Result<Message, StoreError> {
    let id: String = row.try_get("id")?;
    let kind: String = row.try_get("kind")?;
    Ok(Message {
        kind: from_word("message", &id, &kind)?,
        incident_id: row.try_get("incident_id")?,
        at: row.try_get("at")?,
        author: row.try_get("author")?,
        body: row.try_get("body")?,
        taken_at: row.try_get("taken_at")?,
        id,
    })
}
