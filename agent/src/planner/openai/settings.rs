/*!
How to reach a model, and the limits on its cost. One struct, which the wiring fills from `[model]` and the
environment; debug output never contains the key.
*/

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::context::ContextBudget;
use crate::run::{ActionMode, TokenCounts};

/// The connection to the endpoint.
#[derive(Debug, Clone)]
pub struct ModelConnection {
    /// Base address with the version, as in `https://api.openai.com/v1`.
    pub base_url: String,
    pub model: String,
    pub api_key: Option<SecretString>,
    /// PEM file with certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    pub proxy: Option<String>,
    /// Longest time for one answer, retries included.
    pub timeout: Duration,
    pub temperature: Option<f64>,
}

/// Which action modes may be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AllowedActionModes {
    /// Native tool calls, and constrained actions if a model does not make them.
    #[default]
    Auto,
    Only(ActionMode),
}

/// Prices in US dollars per million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ModelPrices {
    pub input: f64,
    pub cached_input: f64,
    pub output: f64,
}

impl ModelPrices {
    pub fn of(self, tokens: TokenCounts) -> f64 {
        let fresh = tokens.input.saturating_sub(tokens.cached);
        let cost = |count: u64, price: f64| count as f64 * price / 1e6;
        cost(fresh, self.input) + cost(tokens.cached, self.cached_input) + cost(tokens.output, self.output)
    }
}

#[derive(Debug, Clone)]
pub struct ModelSettings {
    pub connection: ModelConnection,
    pub modes: AllowedActionModes,
    pub room: ContextBudget,
    pub prices: ModelPrices,
    /// Maximum number of questions if the run's budget sets none.
    pub steps: u32,
}

impl ModelSettings {
    pub const TIMEOUT: Duration = Duration::from_secs(300);
    pub const CONTEXT_TOKENS: u64 = 128_000;
    pub const MAX_OUTPUT_TOKENS: u64 = 4_096;
    pub const STEPS: u32 = 24;
}
