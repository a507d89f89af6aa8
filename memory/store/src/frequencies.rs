/*!
How many incidents have a word: what tells a telling word from a common one.

Asking the word index costs time in proportion to the answer, so answers are remembered in the process. They go
stale slowly (a weight is the logarithm of a share), so they are asked anew only once the memory has grown by a
tenth.
*/

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::db::{AssertSqlSafe, marks, query_as, query_scalar};
use super::{Store, StoreError};

/// Words remembered; beyond that all are asked anew.
const MAX_WORDS: usize = 300_000;
/// Words asked for in one statement.
const MAX_WORDS_AT_ONCE: usize = 500;

#[derive(Debug, Default)]
pub(crate) struct WordFrequencies(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    incidents: i64,
    words: HashMap<String, i64>,
}

impl WordFrequencies {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Number of incidents (as of the frequencies) and, for each word, in how many of them it stands.
    pub async fn word_frequencies<'w>(
        &self,
        words: impl IntoIterator<Item = &'w str>,
    ) -> Result<(i64, HashMap<&'w str, i64>), StoreError> {
        let now: i64 =
            query_scalar("SELECT coalesce(max(doc), 0) FROM incidents").fetch_one(&self.read).await?;
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        let incidents = {
            let mut known = self.frequencies.known();
            let grown = (now - known.incidents).abs() * 10 > known.incidents;
            if grown || known.words.len() > MAX_WORDS {
                *known = Known { incidents: now, words: HashMap::new() };
            }
            for word in words {
                match known.words.get(word) {
                    Some(df) => {
                        found.insert(word, *df);
                    }
                    None => missing.push(word),
                }
            }
            known.incidents
        };
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok((incidents, found));
        }
        for batch in missing.chunks(MAX_WORDS_AT_ONCE) {
            let marks = marks(1, batch.len());
            let sql = format!("SELECT term, doc FROM incident_vocabulary WHERE term IN ({marks})");
            let query = batch.iter().fold(query_as(AssertSqlSafe(sql)), |q, word| q.bind(*word));
            let rows: Vec<(String, i64)> = query.fetch_all(&self.read).await?;
            let mut counts: HashMap<String, i64> = rows.into_iter().collect();
            found.extend(batch.iter().map(|word| (*word, counts.remove(*word).unwrap_or(0))));
        }
        let mut known = self.frequencies.known();
        for word in missing {
            if let Some(df) = found.get(word) {
                known.words.insert(word.to_owned(), *df);
            }
        }
        Ok((incidents, found))
    }
}
