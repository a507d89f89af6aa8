/*!
An id may be shortened to its beginning, as long as only one id begins like that.
*/

use millwright_model::IncidentId;
use millwright_store::{Store, StoreError};

use super::Problem;

const INCIDENT: &str = "inc_";
/// Length of a full id: the prefix of its kind, and 26 letters.
const WHOLE: usize = INCIDENT.len() + 26;

/// The incident that an id in a path names, full or shortened. When no id begins with the text, it is returned as it was
/// given.
pub(super) async fn resolve(store: &Store, id: &str) -> Result<IncidentId, Problem> {
    if id.starts_with(INCIDENT) && id.len() < WHOLE {
        match store.resolve_incident_id(id).await {
            Ok(whole) => return Ok(whole),
            // The handler says that the incident does not exist.
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    IncidentId::parse(id).map_err(|_| {
        let id: String = id.chars().take(80).collect();
        Problem::not_found(format!("there is no incident {id}; ids look like inc_01h…"))
    })
}
