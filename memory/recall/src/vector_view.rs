/*!
The dense view: asks the model for the ticket's vector and the engine for its neighbours. It may fail without failing
recall: if the model or the vector server is away, the other views answer and the caller is told.
*/

use std::collections::HashMap;

use millwright_model::IncidentId;
use millwright_store::embed::EmbedText;
use millwright_store::tokenize::TicketWords;
use millwright_store::vectors::{VectorError, VectorQuery};
use millwright_store::{Store, StoreError};

use super::RecallQuery;

/// Neighbours with their score, or why there are none. Only a failure of the database itself is an error.
pub(crate) async fn candidates(
    store: &Store,
    query: &RecallQuery<'_>,
    words: &TicketWords,
    limit: usize,
) -> Result<(HashMap<i64, f64>, Option<String>), StoreError> {
    match neighbours(store, query, words, limit).await {
        Ok(found) => Ok((found, None)),
        Err(VectorError::Store(error)) => Err(error),
        Err(error) => {
            tracing::warn!(error = %error, "recall continues without vectors");
            Ok((HashMap::new(), Some(error.to_string())))
        }
    }
}

async fn neighbours(
    store: &Store,
    query: &RecallQuery<'_>,
    words: &TicketWords,
    limit: usize,
) -> Result<HashMap<i64, f64>, VectorError> {
    let dense = store.vector_index();
    let model = dense.embedder().model();
    let text = EmbedText::of_ticket(query.ticket);
    let vector = match dense.embedder().at_once(&text) {
        Some(vector) => vec![vector],
        None => dense.embedder().embed(&[text]).await?,
    };
    let vectors = model.check(vector, 1)?;
    let Some(vector) = vectors.first().filter(|v| v.iter().any(|x| *x != 0.0)) else {
        return Ok(HashMap::new());
    };
    let words: Vec<String> = words.title.iter().chain(&words.body).cloned().collect();
    let asked = VectorQuery {
        dense: vector,
        words: if dense.is_embedded() { &[] } else { &words },
        repository: query.repository,
        limit,
    };
    let hits = dense.engine().search(model, asked).await?;
    let ids: Vec<IncidentId> = hits.iter().map(|hit| hit.incident_id.clone()).collect();
    let docs: HashMap<IncidentId, i64> = store.docs_of(&ids).await?.into_iter().collect();
    Ok(hits.into_iter().filter_map(|hit| Some((*docs.get(&hit.incident_id)?, hit.score))).collect())
}
