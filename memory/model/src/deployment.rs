/*!
What runs where since when, as deployments tell it.
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
