/*!
The recall index in SQL: structure by hashed keys here, words in `words`. It only fetches candidates, bounded in number
and found through indexes at any size; how alike they are is judged in `recall`.
*/

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::db::{AssertSqlSafe, Dialect, Tx, marks, query, query_as, query_scalar};
use super::{SpaceId, Store, StoreError, StoredHypothesis, resolutions, vectors, words};
use crate::recall::{KeyKind, Keys, Words, key_hash};
use crate::types::{ParsedTicket, Resolution};
use crate::vectors::Dense;

/// A key on more incidents than this tells nothing apart and is not followed.
const MAX_POSTINGS: i64 = 1_000;
/// Ids bound to one statement.
pub(super) const MAX_BATCH: usize = 200;

/// An incident that an index gave, best first within its view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) doc: i64,
    /// Larger is better; comparable only within one view.
    pub(crate) score: f64,
}

/// What recall needs of a candidate to rank it; the ticket itself is read only for the few that remain.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) incident_id: String,
    pub(crate) repository: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) environment: Option<String>,
    /// RFC 3339: when the failure was last seen, or came in.
    pub(crate) seen_at: Option<String>,
    pub(crate) words: Words,
}

pub(crate) async fn doc_of(tx: &mut Tx, incident: &str) -> Result<i64, StoreError> {
    query_scalar("SELECT doc FROM incidents WHERE id = $1")
        .bind(incident)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| StoreError::NotFound { what: "incident", id: incident.to_owned() })
}

/// Enters an incident; answers where its vector lies already.
pub(crate) async fn enter(
    tx: &mut Tx,
    doc: i64,
    repository: Option<&str>,
    ticket: &ParsedTicket,
    keys: &Keys,
    dense: &Dense,
) -> Result<Option<SpaceId>, StoreError> {
    words::enter(tx, doc, repository, &Words::of_ticket(ticket)).await?;
    insert_keys(tx, doc, keys.hashes().into_iter().map(|(_, hash)| hash).collect()).await?;
    let vector = dense.at_once(ticket);
    if let Some(vector) = &vector {
        vectors::put(tx, dense.space(), doc, vector).await?;
    }
    let embedded = vector.map(|_| dense.space());
    vectors::behind(tx, embedded).await?;
    Ok(embedded)
}

pub(crate) async fn enter_units(tx: &mut Tx, doc: i64, units: &[String]) -> Result<(), StoreError> {
    let units = units.iter().take(200);
    // The file as well: a symbol may be renamed between two sightings.
    let names =
        units.flat_map(|unit| std::iter::once(unit.as_str()).chain(unit.split_once("::").map(|u| u.0)));
    let hashes = names.map(|name| key_hash(KeyKind::Unit, name)).collect();
    insert_keys(tx, doc, hashes).await
}

pub(crate) async fn remove(tx: &mut Tx, doc: i64) -> Result<(), StoreError> {
    words::remove(tx, doc).await?;
    query("DELETE FROM incident_keys WHERE doc = $1").bind(doc).execute(&mut *tx).await?;
    Ok(())
}

/// All in one statement, for each costs a change of threads; in the order of the table, for each may cost a page.
async fn insert_keys(tx: &mut Tx, doc: i64, hashes: BTreeSet<i64>) -> Result<(), StoreError> {
    let hashes: Vec<i64> = hashes.into_iter().collect();
    for batch in hashes.chunks(MAX_BATCH) {
        let rows = (2..=batch.len() + 1).map(|i| format!("(${i}, $1)")).collect::<Vec<_>>().join(", ");
        let sql = format!("INSERT INTO incident_keys (key_hash, doc) VALUES {rows} ON CONFLICT DO NOTHING");
        let query = query(AssertSqlSafe(sql)).bind(doc);
        batch.iter().fold(query, |q, hash| q.bind(*hash)).execute(&mut *tx).await?;
    }
    Ok(())
}

impl Store {
    /// How many incidents there are.
    pub async fn count_incidents(&self) -> Result<i64, StoreError> {
        query_scalar("SELECT count(*) FROM incidents").fetch_one(&self.read).await
    }

    /// For each key the incidents that have it, newest first; keys beyond `MAX_POSTINGS` come back empty.
    pub(crate) async fn find_keys(
        &self,
        hashes: &[(KeyKind, i64)],
    ) -> Result<BTreeMap<(KeyKind, i64), Vec<i64>>, StoreError> {
        let asked = serde_json::Value::from(hashes.iter().map(|(_, hash)| *hash).collect::<Vec<_>>());
        // One row a key, for each row costs a change of threads and a key may have a thousand incidents.
        let rows: Vec<(i64, Option<String>)> = query_as(match self.read.dialect() {
            Dialect::Sqlite => {
                "SELECT asked.value, (SELECT group_concat(doc) FROM (SELECT doc FROM incident_keys \
                 WHERE key_hash = asked.value ORDER BY doc DESC LIMIT $2)) FROM json_each($1) AS asked"
            }
            Dialect::Postgres => {
                "SELECT asked.value::bigint, (SELECT string_agg(doc::text, ',') FROM (SELECT doc FROM incident_keys \
                 WHERE key_hash = asked.value::bigint ORDER BY doc DESC LIMIT $2) AS newest) \
                 FROM json_array_elements_text($1::json) AS asked (value)"
            }
        })
        .bind(asked.to_string())
        .bind(MAX_POSTINGS)
        .fetch_all(&self.read)
        .await?;
        let mut postings: HashMap<i64, Vec<i64>> = rows
            .into_iter()
            .map(|(hash, docs)| {
                let mut docs: Vec<i64> =
                    docs.iter().flat_map(|docs| docs.split(',')).filter_map(|doc| doc.parse().ok()).collect();
                docs.sort_unstable_by(|a, b| b.cmp(a));
                (hash, docs)
            })
            .collect();
        let mut found = BTreeMap::new();
        for &(kind, hash) in hashes {
            let docs = postings.remove(&hash).unwrap_or_default();
            // A fingerprint seen a thousand times is still the same failure; a file seen as often is a hub.
            let hub = docs.len() as i64 >= MAX_POSTINGS && kind != KeyKind::Fingerprint;
            found.entry((kind, hash)).or_insert(if hub { Vec::new() } else { docs });
        }
        Ok(found)
    }

    /// The candidates themselves, with their words; missing ones left out.
    pub(crate) async fn documents(&self, docs: &[i64]) -> Result<HashMap<i64, Document>, StoreError> {
        let mut found = HashMap::with_capacity(docs.len());
        for batch in docs.chunks(MAX_BATCH) {
            let sql = format!(
                "SELECT i.doc, i.id, i.repository, i.service, i.environment, i.seen_at, \
                 w.title AS title_words, substr(w.body, 1, 4000) AS body_words FROM incidents i \
                 JOIN incident_words w ON w.doc = i.doc WHERE i.doc IN ({})",
                marks(1, batch.len())
            );
            let select = batch.iter().fold(query(AssertSqlSafe(sql)), |q, doc| q.bind(*doc));
            for row in select.fetch_all(&self.read).await? {
                let words = |column: &str| -> Result<Vec<String>, StoreError> {
                    let text: String = row.try_get(column)?;
                    Ok(text.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect())
                };
                let document = Document {
                    incident_id: row.try_get("id")?,
                    repository: row.try_get("repository")?,
                    service: row.try_get("service")?,
                    environment: row.try_get("environment")?,
                    seen_at: row.try_get("seen_at")?,
                    words: Words { title: words("title_words")?, body: words("body_words")? }.head(),
                };
                found.insert(row.try_get("doc")?, document);
            }
        }
        Ok(found)
    }

    /// Resolutions and refuted hypotheses of several incidents at once, resolutions most trusted first.
    pub(crate) async fn knowledge_of(
        &self,
        incidents: &[String],
    ) -> Result<HashMap<String, (Vec<Resolution>, Vec<StoredHypothesis>)>, StoreError> {
        let mut found: HashMap<String, (Vec<Resolution>, Vec<StoredHypothesis>)> = HashMap::new();
        for batch in incidents.chunks(MAX_BATCH) {
            let sql = format!("SELECT * FROM resolutions WHERE incident_id IN ({})", marks(1, batch.len()));
            let select = batch.iter().fold(query(AssertSqlSafe(sql)), |q, id| q.bind(id));
            for row in select.fetch_all(&self.read).await? {
                let resolution = resolutions::from_row(&row)?;
                found.entry(resolution.incident_id.clone()).or_default().0.push(resolution);
            }
            let sql = format!(
                "SELECT * FROM hypotheses WHERE status = 'refuted' AND incident_id IN ({}) ORDER BY created_at, id",
                marks(1, batch.len())
            );
            let select = batch.iter().fold(query(AssertSqlSafe(sql)), |q, id| q.bind(id));
            for row in select.fetch_all(&self.read).await? {
                let incident: String = row.try_get("incident_id")?;
                found.entry(incident).or_default().1.push(resolutions::hypothesis_from_row(&row)?);
            }
        }
        for (resolutions, _) in found.values_mut() {
            *resolutions = super::resolutions::most_trusted_first(std::mem::take(resolutions));
        }
        Ok(found)
    }
}
