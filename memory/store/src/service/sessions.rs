/*!
Sessions of the page, and the keys that the service signs with. Only the hash of a session's cookie is stored. A
session ends by itself, by signing out, and with its token.
*/

use millwright_model::Timestamp;

use super::super::audit::{AuditedChange, record};
use super::super::codec::now;
use super::super::db::{Row, WriteTurn, query, query_scalar};
use super::super::{Actor, Store, StoreError};
use super::AccessToken;

/// Most sessions that are listed.
const MOST: i64 = 200;

/// A signed-in user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    pub id_sha256: String,
    pub token_id: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Store {
    /// Stores a session of a token and deletes expired ones.
    pub async fn begin_session(&self, session: &StoredSession, by: Actor<'_>) -> Result<(), StoreError> {
        self.require_installation()?;
        let mut tx = self.begin(WriteTurn::Tokens).await?;
        query("DELETE FROM page_sessions WHERE expires_at <= $1").bind(now()).execute(&mut tx).await?;
        query(
            "INSERT INTO page_sessions (id_sha256, token_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(&session.id_sha256)
        .bind(&session.token_id)
        .bind(session.created_at)
        .bind(session.expires_at)
        .execute(&mut tx)
        .await?;
        let subject = session.token_id.as_str();
        let change = AuditedChange { action: "sign in", subject, incident: None, before: None, after: None };
        record(&mut tx, by, change).await?;
        tx.commit().await?;
        Ok(())
    }

    /// An active session, with its token, which may have ended.
    pub async fn find_session(
        &self,
        id_sha256: &str,
    ) -> Result<Option<(StoredSession, AccessToken)>, StoreError> {
        self.require_installation()?;
        let row = query("SELECT * FROM page_sessions WHERE id_sha256 = $1 AND expires_at > $2")
            .bind(id_sha256)
            .bind(now())
            .fetch_optional(&self.read)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let session = from_row(&row)?;
        let token = self.find_token(&session.token_id).await?;
        Ok(token.map(|(token, _)| (session, token)))
    }

    /// Newest first, without ended sessions.
    pub async fn list_sessions(&self) -> Result<Vec<StoredSession>, StoreError> {
        self.require_installation()?;
        let rows = query(
            "SELECT * FROM page_sessions WHERE expires_at > $1 ORDER BY created_at DESC, id_sha256 LIMIT $2",
        )
        .bind(now())
        .bind(MOST)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(from_row).collect()
    }

    /// Ends a session; ending a missing one changes nothing.
    pub async fn end_session(&self, id_sha256: &str, by: Actor<'_>) -> Result<(), StoreError> {
        self.require_installation()?;
        let mut tx = self.begin(WriteTurn::Tokens).await?;
        let gone: Option<String> =
            query_scalar("DELETE FROM page_sessions WHERE id_sha256 = $1 RETURNING token_id")
                .bind(id_sha256)
                .fetch_optional(&mut tx)
                .await?;
        if let Some(token) = gone {
            let change = AuditedChange {
                action: "sign out",
                subject: &token,
                incident: None,
                before: None,
                after: None,
            };
            record(&mut tx, by, change).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The key with this name; stores `fresh` as the key if there is none yet.
    pub async fn server_secret(&self, name: &str, fresh: &str) -> Result<String, StoreError> {
        self.require_installation()?;
        let mut tx = self.begin(WriteTurn::Tokens).await?;
        query(
            "INSERT INTO server_secrets (name, created_at, value) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(now())
        .bind(fresh)
        .execute(&mut tx)
        .await?;
        let value: String = query_scalar("SELECT value FROM server_secrets WHERE name = $1")
            .bind(name)
            .fetch_one(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(value)
    }
}

fn from_row(row: &Row) -> Result<StoredSession, StoreError> {
    Ok(StoredSession {
        id_sha256: row.try_get("id_sha256")?,
        token_id: row.try_get("token_id")?,
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
    })
}
