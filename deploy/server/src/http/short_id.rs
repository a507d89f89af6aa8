/*!
Ids may be shortened to how they begin, as long as only one begins so.
*/

use millwright_model::IncidentId;
use millwright_store::{Store, StoreError};

use super::Problem;

const INCIDENT: &str = "inc_";
/// Of an id that is not shortened: what kind it is, and 26 letters.
const WHOLE: usize = INCIDENT.len() + 26;

/// The incident that an id in a path names, shortened or whole; of one that nothing begins with, the id as it was given.
pub(super) async fn resolve(store: &Store, id: &str) -> Result<IncidentId, Problem> {
    if id.starts_with(INCIDENT) && id.len() < WHOLE {
        match store.resolve_incident_id(id).await {
            Ok(whole) => return Ok(whole),
            // The handler answers that it does not exist.
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    IncidentId::parse(id).map_err(|_| {
        let id: String = id.chars().take(80).collect();
        Problem::not_found(format!("there is no incident {id}; ids look like inc_01h…"))
    })
}
