/*!
Ids may be shortened to how they begin, as long as only one begins so.
*/

use millwright_store::{Store, StoreError};

use super::Problem;

const INCIDENT: &str = "inc_";
/// Of an id that is not shortened: what kind it is, and 26 letters.
const WHOLE: usize = INCIDENT.len() + 26;

/// The whole id of an incident; other ids, and those that nothing begins with, are left as they are.
pub(super) async fn resolve(store: &Store, id: String) -> Result<String, Problem> {
    if !id.starts_with(INCIDENT) || id.len() >= WHOLE {
        return Ok(id);
    }
    match store.resolve_incident_id(&id).await {
        Ok(whole) => Ok(whole.into()),
        // The handler answers that it does not exist.
        Err(StoreError::NotFound { .. }) => Ok(id),
        Err(error) => Err(error.into()),
    }
}
