/*! Tool: what is new or surged in the logs? */

use std::time::Duration;

use millwright_memory::types::EvidenceDraft;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput};
