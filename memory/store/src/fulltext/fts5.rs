/*!
SQLite's own word index, FTS5, over the words stored in `incident_words`.
*/

use super::scope;
use crate::db::{WriteTransaction, query, query_as};
use crate::fulltext::IndexCandidate;
use crate::tokenize::TicketWords;
use crate::{Store, StoreError};
use millwright_model::RepositoryId;

pub(super) async fn enter(
    tx: &mut WriteTransaction,
    doc: i64,
    scope: &str,
    words: &TicketWords,
) -> Result<(), StoreError> {
    let (title, body) = (words.title.join(" "), words.body.join(" "));
    query("INSERT INTO incident_words (doc, title, body, scope) VALUES ($1, $2, $3, $4)")
        .bind(doc)
        .bind(&title)
        .bind(&body)
        .bind(scope)
        .execute(&mut *tx)
        .await?;
    query("INSERT INTO incident_fts (rowid, title, body, scope) VALUES ($1, $2, $3, $4)")
        .bind(doc)
        .bind(title)
        .bind(body)
        .bind(scope)
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes the words from the index; FTS5 needs to be told which they were.
pub(super) async fn remove(tx: &mut WriteTransaction, doc: i64) -> Result<(), StoreError> {
    let words: Option<(String, String, String)> =
        query_as("SELECT title, body, scope FROM incident_words WHERE doc = $1")
            .bind(doc)
            .fetch_optional(&mut *tx)
            .await?;
    if let Some((title, body, scope)) = words {
        query("INSERT INTO incident_fts (incident_fts, rowid, title, body, scope) VALUES ('delete', $1, $2, $3, $4)")
            .bind(doc)
            .bind(title)
            .bind(body)
            .bind(scope)
            .execute(tx)
            .await?;
    }
    Ok(())
}

impl Store {
    pub(super) async fn find_by_fts5(
        &self,
        words: &[String],
        repository: Option<&RepositoryId>,
        limit: u32,
    ) -> Result<Vec<IndexCandidate>, StoreError> {
        let quoted: Vec<String> =
            words.iter().filter(|w| !w.contains(['"', '\0'])).map(|w| format!("\"{w}\"")).collect();
        if quoted.is_empty() {
            return Ok(Vec::new());
        }
        let words = format!("{{title body}} : ({})", quoted.join(" OR "));
        let Some(repository) = repository else { return self.best_words(&words, limit).await };
        // The scope as a search term reads all its postings twice, and most memories know few repositories. So the
        // first search runs without it; the scope is added only if incidents of other repositories fill the result.
        let most = limit.saturating_mul(2);
        let any = self.best_words(&words, most).await?;
        let all = any.len() < most as usize;
        let mut own = self.within(any, repository).await?;
        if all || own.len() >= limit as usize {
            own.truncate(limit as usize);
            return Ok(own);
        }
        let scoped = format!("({words}) AND (scope : ({} OR {}))", scope(Some(repository)), scope(None));
        self.best_words(&scoped, limit).await
    }

    async fn best_words(&self, expression: &str, limit: u32) -> Result<Vec<IndexCandidate>, StoreError> {
        let rows: Vec<(i64, f64)> = query_as(
            "SELECT rowid, -rank AS score FROM incident_fts WHERE incident_fts MATCH $1 \
             AND rank MATCH 'bm25(2.0, 1.0, 0.0)' ORDER BY rank LIMIT $2",
        )
        .bind(expression)
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(|(doc, score)| IndexCandidate { doc, score }).collect())
    }
}
