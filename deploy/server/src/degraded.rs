/*!
Parts that do not work while the service itself does: a missing repository, a model or a server that cannot be reached.
The part of the service that notices a fault records it here, and clears it when the part works again; `/readyz` and the
metrics show it.
*/

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;

/// One part that does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct DegradedPart {
    /// As the configuration names it: `repository NAME`, `model`, `vectors`, `tickets of NAME`, or the chat's name.
    pub(crate) part: String,
    /// Text that anyone may read, without paths or addresses. The log and `millwright doctor` say more.
    pub(crate) why: String,
}

#[derive(Debug, Default)]
pub(crate) struct DegradedParts(Mutex<BTreeMap<String, String>>);

impl DegradedParts {
    /// Records whether a part works; answers whether that is new.
    pub(crate) fn set(&self, part: &str, state: Result<(), &str>) -> bool {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state {
            Ok(()) => parts.remove(part).is_some(),
            Err(why) => parts.insert(part.to_owned(), why.to_owned()).is_none(),
        }
    }

    /// In the order of names.
    pub(crate) fn list(&self) -> Vec<DegradedPart> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.iter().map(|(part, why)| DegradedPart { part: part.clone(), why: why.clone() }).collect()
    }
}
