/*!
The word index on PostgreSQL: a row for each word of each incident, and the totals that BM25 needs. Counts are exact
because writers take turns.
*/

use millwright_model::RepositoryId;
use std::collections::BTreeMap;

use serde::Serialize;

use super::scope;
use crate::codec::json;
use crate::db::{AssertSqlSafe, WriteTransaction, marks, query, query_as, query_scalar};
use crate::fulltext::IndexCandidate;
use crate::tokenize::TicketWords;
use crate::{Store, StoreError};

#[derive(Default, Serialize)]
struct Counts<'w> {
    term: &'w str,
    title: u32,
    body: u32,
}

pub(super) async fn enter(
    tx: &mut WriteTransaction,
    doc: i64,
    scope: &str,
    words: &TicketWords,
) -> Result<(), StoreError> {
    // The scope counts as a word, as in SQLite's index.
    let length = i64::try_from(words.title.len() + words.body.len() + 1).unwrap_or(i64::MAX);
    query("INSERT INTO incident_words (doc, title, body, scope, length) VALUES ($1, $2, $3, $4, $5)")
        .bind(doc)
        .bind(words.title.join(" "))
        .bind(words.body.join(" "))
        .bind(scope)
        .bind(length)
        .execute(&mut *tx)
        .await?;
    let mut counts: BTreeMap<&str, Counts<'_>> = BTreeMap::new();
    for word in &words.title {
        counts.entry(word).or_default().title += 1;
    }
    for word in &words.body {
        counts.entry(word).or_default().body += 1;
    }
    let rows: Vec<Counts<'_>> = counts.into_iter().map(|(term, counts)| Counts { term, ..counts }).collect();
    // One statement for all words, because each statement is a round trip to the server.
    query(
        "INSERT INTO incident_terms (term, doc, title, body) SELECT word.term, $1, word.title, word.body \
         FROM json_to_recordset($2::json) AS word (term text, title int, body int)",
    )
    .bind(doc)
    .bind(json(&rows)?)
    .execute(&mut *tx)
    .await?;
    query("UPDATE word_totals SET incidents = incidents + 1, words = words + $1")
        .bind(length)
        .execute(tx)
        .await?;
    Ok(())
}

/// Subtracts an incident from the totals; its words are deleted with its row.
pub(super) async fn remove(tx: &mut WriteTransaction, doc: i64) -> Result<(), StoreError> {
    let length: Option<i64> = query_scalar("SELECT length FROM incident_words WHERE doc = $1")
        .bind(doc)
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(length) = length {
        query("UPDATE word_totals SET incidents = incidents - 1, words = words - $1")
            .bind(length)
            .execute(tx)
            .await?;
    }
    Ok(())
}

impl Store {
    pub(super) async fn find_by_postings(
        &self,
        words: &[String],
        repository: Option<&RepositoryId>,
        limit: u32,
    ) -> Result<Vec<IndexCandidate>, StoreError> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let own = if repository.is_some() { "WHERE w.scope IN ($2, $3)" } else { "" };
        let first = if repository.is_some() { 4 } else { 2 };
        // SQLite's formula: a word in more than half of the incidents has almost no weight, but never a negative one.
        let sql = format!(
            "WITH asked AS MATERIALIZED (SELECT term, \
             greatest(ln((t.incidents - n + 0.5) / (n + 0.5)), 1e-6) AS weight, \
             greatest(t.words, 1)::float8 / greatest(t.incidents, 1) AS usual FROM \
             (SELECT term, count(*)::float8 AS n FROM incident_terms WHERE term IN ({}) GROUP BY term) AS found, \
             word_totals t) \
             SELECT p.doc, sum(a.weight * 2.2 * (2 * p.title + p.body) / \
             (2 * p.title + p.body + 1.2 * (0.25 + 0.75 * w.length / a.usual)))::float8 AS score \
             FROM asked a JOIN incident_terms p ON p.term = a.term JOIN incident_words w ON w.doc = p.doc {own} \
             GROUP BY p.doc ORDER BY score DESC, p.doc LIMIT $1",
            marks(first, words.len())
        );
        let mut query = query_as(AssertSqlSafe(sql)).bind(i64::from(limit));
        if repository.is_some() {
            query = query.bind(scope(repository)).bind(scope(None));
        }
        let rows: Vec<(i64, f64)> =
            words.iter().fold(query, |q, word| q.bind(word)).fetch_all(&self.read).await?;
        Ok(rows.into_iter().map(|(doc, score)| IndexCandidate { doc, score }).collect())
    }
}
