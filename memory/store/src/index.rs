/*!
The recall index in SQL: structure by hashed keys here, words in `fulltext`. It only fetches candidates, in bounded
number and through indexes; `recall` judges how similar they are.
*/

use std::collections::{BTreeMap, BTreeSet, HashMap};

use millwright_model::{IncidentId, ParsedTicket, RepositoryId, Timestamp};

use super::db::{
    AssertSqlSafe, MAX_BATCH, SqlDialect, WriteTransaction, marks, query, query_as, query_scalar,
};
use super::{Store, StoreError, fulltext};
use crate::structure_keys::{KeyKind, StructureKeys, key_hash};
use crate::tokenize::TicketWords;
use crate::vectors::{SpaceId, VectorIndex, rows};

/// A key that more incidents share does not distinguish them and is not followed.
const MAX_POSTINGS: i64 = 1_000;
/// The data that recall needs to rank a candidate; the ticket itself is read only for the few finalists.
#[derive(Debug, Clone)]
pub struct RecallDocument {
    pub incident_id: IncidentId,
    pub repository: Option<RepositoryId>,
    pub service: Option<String>,
    pub environment: Option<String>,
    /// When the failure was last seen, or came in.
    pub seen_at: Option<Timestamp>,
    pub words: TicketWords,
}

pub(crate) async fn doc_of(tx: &mut WriteTransaction, incident: &IncidentId) -> Result<i64, StoreError> {
    query_scalar("SELECT doc FROM incidents WHERE id = $1")
        .bind(incident)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| StoreError::NotFound { what: "incident", id: incident.to_string() })
}

/// Adds an incident; returns the space in which its vector is already stored, if any.
pub(crate) async fn enter(
    tx: &mut WriteTransaction,
    doc: i64,
    repository: Option<&RepositoryId>,
    ticket: &ParsedTicket,
    keys: &StructureKeys,
    vector_index: &VectorIndex,
) -> Result<Option<SpaceId>, StoreError> {
    fulltext::enter(tx, doc, repository, &TicketWords::of_ticket(ticket)).await?;
    insert_keys(tx, doc, keys.hashes().into_iter().map(|(_, hash)| hash).collect()).await?;
    let vector = vector_index.at_once(ticket);
    if let Some(vector) = &vector {
        rows::put(tx, vector_index.space(), doc, vector).await?;
    }
    let embedded = vector.map(|_| vector_index.space());
    rows::behind(tx, embedded).await?;
    Ok(embedded)
}

pub(crate) async fn enter_units(
    tx: &mut WriteTransaction,
    doc: i64,
    units: &[String],
) -> Result<(), StoreError> {
    let units = units.iter().take(200);
    // The file as well, because a symbol may be renamed between two occurrences.
    let names =
        units.flat_map(|unit| std::iter::once(unit.as_str()).chain(unit.split_once("::").map(|u| u.0)));
    let hashes = names.map(|name| key_hash(KeyKind::Unit, name)).collect();
    insert_keys(tx, doc, hashes).await
}

pub(crate) async fn remove(tx: &mut WriteTransaction, doc: i64) -> Result<(), StoreError> {
    fulltext::remove(tx, doc).await?;
    query("DELETE FROM incident_keys WHERE doc = $1").bind(doc).execute(&mut *tx).await?;
    Ok(())
}

/// One statement, because each costs a thread switch; in the order of the table, because each row may cost a page.
async fn insert_keys(tx: &mut WriteTransaction, doc: i64, hashes: BTreeSet<i64>) -> Result<(), StoreError> {
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
        let sql = format!("SELECT count(*) FROM incidents i WHERE 1 = 1{}", self.visible());
        query_scalar(AssertSqlSafe(sql)).fetch_one(&self.read).await
    }

    /// For each key the incidents that have it, newest first; keys beyond `MAX_POSTINGS` return an empty list.
    pub async fn find_keys(
        &self,
        hashes: &[(KeyKind, i64)],
    ) -> Result<BTreeMap<(KeyKind, i64), Vec<i64>>, StoreError> {
        let asked = serde_json::Value::from(hashes.iter().map(|(_, hash)| *hash).collect::<Vec<_>>());
        // One row per key, because each row costs a thread switch and a key may have a thousand incidents.
        let rows: Vec<(i64, Option<String>)> = query_as(match self.read.dialect() {
            SqlDialect::Sqlite => {
                "SELECT asked.value, (SELECT group_concat(doc) FROM (SELECT doc FROM incident_keys \
                 WHERE key_hash = asked.value ORDER BY doc DESC LIMIT $2)) FROM json_each($1) AS asked"
            }
            SqlDialect::Postgres => {
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
            // A fingerprint seen a thousand times is still the same failure; a file seen that often is a hub.
            let hub = docs.len() as i64 >= MAX_POSTINGS && kind != KeyKind::Fingerprint;
            found.entry((kind, hash)).or_insert(if hub { Vec::new() } else { docs });
        }
        Ok(found)
    }

    /// The candidates with their words; missing ones are left out.
    pub async fn documents(&self, docs: &[i64]) -> Result<HashMap<i64, RecallDocument>, StoreError> {
        let mut found = HashMap::with_capacity(docs.len());
        for batch in docs.chunks(MAX_BATCH) {
            let sql = format!(
                "SELECT i.doc, i.id, i.repository, i.service, i.environment, i.seen_at, \
                 w.title AS title_words, substr(w.body, 1, 4000) AS body_words FROM incidents i \
                 JOIN incident_words w ON w.doc = i.doc WHERE i.doc IN ({}){}",
                marks(1, batch.len()),
                self.told()
            );
            let select = batch.iter().fold(query(AssertSqlSafe(sql)), |q, doc| q.bind(*doc));
            for row in select.fetch_all(&self.read).await? {
                let words = |column: &str| -> Result<Vec<String>, StoreError> {
                    let text: String = row.try_get(column)?;
                    Ok(text.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect())
                };
                let document = RecallDocument {
                    incident_id: row.try_get("id")?,
                    repository: row.try_get("repository")?,
                    service: row.try_get("service")?,
                    environment: row.try_get("environment")?,
                    seen_at: Timestamp::parse_stored(row.try_get::<Option<String>>("seen_at")?.as_deref()),
                    words: TicketWords { title: words("title_words")?, body: words("body_words")? }.head(),
                };
                found.insert(row.try_get("doc")?, document);
            }
        }
        Ok(found)
    }
}
