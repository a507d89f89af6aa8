/*!
API tokens: only the hash of a secret is kept. Making, rotating and revoking one is on record.
*/

use super::super::audit::{Change, record};
use super::super::codec::now;
use super::super::db::{Row, query};
use super::super::{Actor, Store, StoreError};
use super::Token;

impl Store {
    pub async fn add_token(
        &self,
        token: &Token,
        secret_sha256: &str,
        by: Actor<'_>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        query(
            "INSERT INTO tokens (id, name, role, secret_sha256, created_at, created_by, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&token.id)
        .bind(&token.name)
        .bind(&token.role)
        .bind(secret_sha256)
        .bind(&token.created_at)
        .bind(&token.created_by)
        .bind(&token.expires_at)
        .execute(&mut tx)
        .await?;
        let after = format!("{} ({})", token.name, token.role);
        let change =
            Change { action: "token", subject: &token.id, incident: None, before: None, after: Some(&after) };
        record(&mut tx, by, change).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A token and the hash of its secret, whether it is still good or not.
    pub async fn find_token(&self, id: &str) -> Result<Option<(Token, String)>, StoreError> {
        let row = query("SELECT * FROM tokens WHERE id = $1").bind(id).fetch_optional(&self.read).await?;
        row.map(|row| Ok((from_row(&row)?, row.try_get("secret_sha256")?))).transpose()
    }

    /// Newest first.
    pub async fn list_tokens(&self) -> Result<Vec<Token>, StoreError> {
        let rows = query("SELECT * FROM tokens ORDER BY created_at DESC, id DESC LIMIT 1000")
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(from_row).collect()
    }

    /// Ends a token now, or at a later time (RFC 3339) for a rotation with an overlap.
    pub async fn end_token(&self, id: &str, at: Option<&str>, by: Actor<'_>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = match at {
            None => {
                query("UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
                    .bind(id)
                    .bind(now())
                    .execute(&mut tx)
                    .await?
            }
            Some(at) => {
                query(
                    "UPDATE tokens SET expires_at = $2 WHERE id = $1 AND revoked_at IS NULL \
                     AND (expires_at IS NULL OR expires_at > $2)",
                )
                .bind(id)
                .bind(at)
                .execute(&mut tx)
                .await?
            }
        };
        if done.rows_affected() == 0 && at.is_none() {
            return Err(StoreError::NotFound { what: "valid token", id: id.chars().take(80).collect() });
        }
        let action = if at.is_some() { "token rotate" } else { "token revoke" };
        record(&mut tx, by, Change { action, subject: id, incident: None, before: None, after: at }).await?;
        tx.commit().await?;
        Ok(())
    }

    pub async fn token_used(&self, id: &str) -> Result<(), StoreError> {
        query("UPDATE tokens SET last_used_at = $2 WHERE id = $1")
            .bind(id)
            .bind(now())
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

fn from_row(row: &Row) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        role: row.try_get("role")?,
        created_at: row.try_get("created_at")?,
        created_by: row.try_get("created_by")?,
        expires_at: row.try_get("expires_at")?,
        revoked_at: row.try_get("revoked_at")?,
        last_used_at: row.try_get("last_used_at")?,
    })
}
