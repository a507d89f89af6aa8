/*!
How many incidents contain a word: this separates specific words from common ones.

The cost of a query to the word index grows with its result, so results are cached in the process. They become
outdated slowly (a weight is the logarithm of a share), so they are read again only once the memory has grown by a
tenth.
*/

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::db::{AssertSqlSafe, marks, query_as, query_scalar};
use super::{Store, StoreError};

/// Most cached words; beyond that the cache starts again.
const MAX_WORDS: usize = 300_000;
/// Most words in one statement.
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
    /// The number of incidents (at the time of the frequencies) and, for each word, the number of incidents that
    /// contain it.
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
