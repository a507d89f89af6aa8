/*!
The word index: finds incidents that contain any of some words, best first by BM25 (k1 1.2, b .75), with titles at
double weight. SQLite includes one. PostgreSQL's own text search cannot weigh a word by its rarity, so there a table
of postings is evaluated with the same formula, and both engines find the same incidents in the same order.
*/

mod fts5;
mod postings;

use millwright_model::RepositoryId;
use std::collections::BTreeSet;

use super::db::{AssertSqlSafe, MAX_BATCH, SqlDialect, WriteTransaction, marks, query, query_scalar};
use super::{Store, StoreError};
use crate::structure_keys::{KeyKind, key_hash};
use crate::tokenize::TicketWords;

/// A result of an index, best first within its view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IndexCandidate {
    pub doc: i64,
    /// Larger is better; comparable only within one view.
    pub score: f64,
}

pub(super) async fn enter(
    tx: &mut WriteTransaction,
    doc: i64,
    repository: Option<&RepositoryId>,
    words: &TicketWords,
) -> Result<(), StoreError> {
    match tx.dialect() {
        SqlDialect::Sqlite => fts5::enter(tx, doc, &scope(repository), words).await,
        SqlDialect::Postgres => postings::enter(tx, doc, &scope(repository), words).await,
    }
}

pub(super) async fn remove(tx: &mut WriteTransaction, doc: i64) -> Result<(), StoreError> {
    match tx.dialect() {
        SqlDialect::Sqlite => fts5::remove(tx, doc).await?,
        SqlDialect::Postgres => postings::remove(tx, doc).await?,
    }
    query("DELETE FROM incident_words WHERE doc = $1").bind(doc).execute(tx).await?;
    Ok(())
}

impl Store {
    /// The best `limit` incidents for any of the words. With a repository: its incidents and those without one.
    pub async fn find_words(
        &self,
        words: &[String],
        repository: Option<&RepositoryId>,
        limit: u32,
    ) -> Result<Vec<IndexCandidate>, StoreError> {
        match self.read.dialect() {
            SqlDialect::Sqlite => self.find_by_fts5(words, repository, limit).await,
            SqlDialect::Postgres => self.find_by_postings(words, repository, limit).await,
        }
    }

    /// Keeps the incidents of a repository and those without one.
    async fn within(
        &self,
        found: Vec<IndexCandidate>,
        repository: &RepositoryId,
    ) -> Result<Vec<IndexCandidate>, StoreError> {
        let mut own = BTreeSet::new();
        for batch in found.chunks(MAX_BATCH) {
            let marks = marks(2, batch.len());
            let sql = format!(
                "SELECT doc FROM incidents WHERE (repository IS NULL OR repository = $1) AND doc IN ({marks})"
            );
            let query = query_scalar(AssertSqlSafe(sql)).bind(repository);
            let docs: Vec<i64> = batch.iter().fold(query, |q, c| q.bind(c.doc)).fetch_all(&self.read).await?;
            own.extend(docs);
        }
        Ok(found.into_iter().filter(|c| own.contains(&c.doc)).collect())
    }
}

/// One term that stands for a repository, so that a search is limited to it without a join. The hash keeps readable
/// names out of the index and is one token for any identity.
fn scope(repository: Option<&RepositoryId>) -> String {
    match repository {
        Some(repository) => format!("repo_{:016x}", key_hash(KeyKind::Repository, repository.as_str())),
        None => "repo_none".to_owned(),
    }
}
