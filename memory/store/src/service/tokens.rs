/*!
API tokens: only the hash of a secret is stored. Creation, rotation and revocation are audited.
*/

use millwright_model::{RepositoryName, Timestamp, VisibleSet};

use super::super::audit::{AuditedChange, record};
use super::super::codec::{from_json, json, now};
use super::super::db::{Row, WriteTurn, query, query_scalar};
use super::super::{Actor, Store, StoreError};
use super::AccessToken;

impl Store {
    pub async fn add_token(
        &self,
        token: &AccessToken,
        secret_sha256: &str,
        by: Actor<'_>,
    ) -> Result<(), StoreError> {
        self.require_installation()?;
        let repositories = match &token.repositories {
            VisibleSet::All => None,
            VisibleSet::Only(some) => Some(json(some)?),
        };
        let mut tx = self.begin(WriteTurn::Tokens).await?;
        query(
            "INSERT INTO tokens (id, name, role, secret_sha256, created_at, created_by, expires_at, repositories) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&token.id)
        .bind(&token.name)
        .bind(&token.role)
        .bind(secret_sha256)
        .bind(token.created_at)
        .bind(&token.created_by)
        .bind(token.expires_at)
        .bind(repositories)
        .execute(&mut tx)
        .await?;
        let after = format!("{} ({}{})", token.name, token.role, of_repositories(&token.repositories));
        let change = AuditedChange {
            action: "token",
            subject: &token.id,
            incident: None,
            before: None,
            after: Some(&after),
        };
        record(&mut tx, by, change).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A token and the hash of its secret, whether it is still valid or not.
    pub async fn find_token(&self, id: &str) -> Result<Option<(AccessToken, String)>, StoreError> {
        self.require_installation()?;
        let row = query("SELECT * FROM tokens WHERE id = $1").bind(id).fetch_optional(&self.read).await?;
        row.map(|row| Ok((from_row(&row)?, row.try_get("secret_sha256")?))).transpose()
    }

    /// The full id of a token that begins with these characters, ended or not.
    ///
    /// # Errors
    /// [`StoreError::Ambiguous`] with the candidates when several match.
    pub async fn resolve_token_id(&self, short: &str) -> Result<String, StoreError> {
        self.require_installation()?;
        let missing = || StoreError::NotFound { what: "valid token", id: short.chars().take(80).collect() };
        if short.is_empty() || short.len() > 64 || !short.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(missing());
        }
        let found: Vec<String> =
            query_scalar("SELECT id FROM tokens WHERE id = $1 OR id LIKE $1 || '%' ORDER BY id LIMIT 5")
                .bind(short)
                .fetch_all(&self.read)
                .await?;
        match found.as_slice() {
            _ if found.iter().any(|id| id == short) => Ok(short.to_owned()),
            [] => Err(missing()),
            [one] => Ok(one.clone()),
            several => Err(StoreError::Ambiguous { id: short.to_owned(), candidates: several.join(", ") }),
        }
    }

    /// Newest first.
    pub async fn list_tokens(&self) -> Result<Vec<AccessToken>, StoreError> {
        self.require_installation()?;
        let rows = query("SELECT * FROM tokens ORDER BY created_at DESC, id DESC LIMIT 1000")
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(from_row).collect()
    }

    /// Ends a token now, or at a later time for a rotation with an overlap.
    pub async fn end_token(&self, id: &str, at: Option<Timestamp>, by: Actor<'_>) -> Result<(), StoreError> {
        self.require_installation()?;
        let mut tx = self.begin(WriteTurn::Tokens).await?;
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
        let until = at.map(|at| at.to_string());
        let after = until.as_deref();
        record(&mut tx, by, AuditedChange { action, subject: id, incident: None, before: None, after })
            .await?;
        tx.commit().await?;
        Ok(())
    }

    pub async fn token_used(&self, id: &str) -> Result<(), StoreError> {
        self.require_installation()?;
        query("UPDATE tokens SET last_used_at = $2 WHERE id = $1")
            .bind(id)
            .bind(now())
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

fn from_row(row: &Row) -> Result<AccessToken, StoreError> {
    let id: String = row.try_get("id")?;
    let repositories: Option<String> = row.try_get("repositories")?;
    Ok(AccessToken {
        repositories: match repositories {
            None => VisibleSet::All,
            Some(some) => VisibleSet::Only(from_json("token", &id, &some)?),
        },
        id,
        name: row.try_get("name")?,
        role: row.try_get("role")?,
        created_at: row.try_get("created_at")?,
        created_by: row.try_get("created_by")?,
        expires_at: row.try_get("expires_at")?,
        revoked_at: row.try_get("revoked_at")?,
        last_used_at: row.try_get("last_used_at")?,
    })
}

/// The repositories that a token is bound to, for the audit log, after its role.
fn of_repositories(repositories: &VisibleSet<RepositoryName>) -> String {
    match repositories {
        VisibleSet::All => String::new(),
        some => format!(" of {some}"),
    }
}
