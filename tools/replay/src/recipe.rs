/*!
A replay recipe: commands, environment and files as plain data, which memory can keep for a later re-check.
*/

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use millwright_model::Evidence;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use millwright_git::checkout::FileOverlay;
use millwright_sandbox::SandboxLimits;

/// A file that is part of a recipe, so that it can be replayed on any machine that has the recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LaidFile {
    pub path: String,
    pub content: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
    /// Whether `content` is base64, for files that are not text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub base64: bool,
}

impl LaidFile {
    /// A text file.
    pub fn text(path: impl Into<String>, content: impl Into<String>) -> Self {
        Self { path: path.into(), content: content.into(), executable: false, base64: false }
    }

    /// What is written; `None` where `content` is not the base64 that it claims to be.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self.base64 {
            true => STANDARD.decode(&self.content).ok(),
            false => Some(self.content.clone().into_bytes()),
        }
    }
}

/// How to make the failure show, at any revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRecipe {
    /// Commands to run before, in the checkout; their result is cached per content.
    #[serde(default)]
    pub setup: Vec<String>,
    /// Shell command, run in the root of the checkout. Status 0: the failure does not show.
    pub command: String,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub overlay: Option<FileOverlay>,
    /// Files laid over every checkout with this content, such as a reproduction test that no revision has.
    #[serde(default)]
    pub files: Vec<LaidFile>,
    /// Seconds one execution may take, as far as the operator's limits allow.
    #[serde(default = "default_timeout_s")]
    pub timeout_s: u64,
    /// Files and folders outside of the checkout it may read (an interpreter, an SDK).
    #[serde(default)]
    pub allow_read: Vec<PathBuf>,
    /// Whether it needs its own loopback network.
    #[serde(default)]
    pub loopback: bool,
    /// Whether the failure is that it never ends: then a time-out reproduces.
    #[serde(default)]
    pub is_hang: bool,
    /// Executions at the failing revision at most, until the failure shows.
    #[serde(default = "default_attempts")]
    pub attempts: u32,
    /// The failure that the replay shows is the wanted one, regardless of the ticket.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_failure: bool,
    /// Globs of coverage files that the command writes, relative to the checkout; they show what the failing run
    /// executed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coverage: Vec<String>,
}

fn default_timeout_s() -> u64 {
    120
}

fn default_attempts() -> u32 {
    5
}

impl ReplayRecipe {
    pub fn new(command: impl Into<String>) -> Self {
        Self {
            setup: Vec::new(),
            command: command.into(),
            env: BTreeMap::new(),
            overlay: None,
            files: Vec::new(),
            timeout_s: default_timeout_s(),
            allow_read: Vec::new(),
            loopback: false,
            is_hang: false,
            attempts: default_attempts(),
            accept_failure: false,
            coverage: Vec::new(),
        }
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s.clamp(1, 24 * 3600))
    }

    /// Whether the operator's limits give it less time than it asks for.
    pub fn is_lowered_by(&self, limits: &SandboxLimits) -> bool {
        self.timeout() > limits.wall
    }

    /// The time that one execution gets: never more than the operator's limits allow.
    pub(super) fn timeout_within(&self, limits: &SandboxLimits) -> Duration {
        self.timeout().min(limits.wall)
    }

    /// Identity of everything that decides an outcome besides the files tested.
    pub(super) fn hash(&self) -> String {
        let parts = (&self.setup, &self.command, &self.env, self.timeout_s, self.loopback, self.is_hang);
        Evidence::hash(&serde_json::to_string(&parts).unwrap_or_default())
    }

    /// Identity of the setup on given files.
    pub(super) fn setup_key(&self, tree: &str) -> String {
        Evidence::hash(&serde_json::to_string(&(&self.setup, &self.env, tree)).unwrap_or_default())
    }
}
