/*!
Which revision of a service runs where and since when, as reported by deployments.
*/

use serde::{Deserialize, Serialize};

use crate::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    pub service: String,
    pub environment: String,
    pub revision: String,
    pub at: Timestamp,
}
