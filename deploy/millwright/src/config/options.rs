/*!
The options. `millwright schema config` and readers of the README see the comments of the fields.
*/

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::service::{AuthSection, ChannelsSection, ConnectorsSection, ServerSection, TelemetrySection};
use super::vectors::{EmbeddingsSection, VectorsSection};

/// `millwright.toml`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ConfigFile {
    /// Repositories by name.
    pub(crate) repositories: BTreeMap<String, RepositorySection>,
    pub(crate) sandbox: SandboxSection,
    pub(crate) redaction: RedactionSection,
    pub(crate) store: StoreSection,
    pub(crate) model: ModelSection,
    pub(crate) vectors: VectorsSection,
    pub(crate) embeddings: EmbeddingsSection,
    pub(crate) server: ServerSection,
    pub(crate) auth: AuthSection,
    pub(crate) connectors: ConnectorsSection,
    pub(crate) channels: ChannelsSection,
    pub(crate) telemetry: TelemetrySection,
}

/// How one repository is found, tested and run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RepositorySection {
    /// Its clone; relative to this file. Default: the folder of this file.
    /// `MILLWRIGHT__REPOSITORIES__NAME__PATH`
    pub(crate) path: Option<PathBuf>,
    /// Where the service clones it from, and keeps fetching: `https://…` (or `http://`, `file:///`); instead of `path`.
    /// `MILLWRIGHT__REPOSITORIES__NAME__URL`
    pub(crate) url: Option<String>,
    /// The account of the token. Default: `x-access-token`. `MILLWRIGHT__REPOSITORIES__NAME__USERNAME`
    pub(crate) username: Option<String>,
    /// The variable that holds a token which may read it. `MILLWRIGHT__REPOSITORIES__NAME__TOKEN_ENV`
    pub(crate) token_env: Option<String>,
    /// The branch that is deployed. `MILLWRIGHT__REPOSITORIES__NAME__BRANCH`
    pub(crate) branch: Option<String>,
    /// Services built from it, as tickets and alerts name them. `MILLWRIGHT__REPOSITORIES__NAME__SERVICES`
    pub(crate) services: Vec<String>,
    /// Folders where its files lie at run time, such as `/app` or `/usr/src/app`: removed from the paths of stack
    /// traces. `MILLWRIGHT__REPOSITORIES__NAME__PATH_PREFIXES`
    pub(crate) path_prefixes: Vec<String>,
    /// Commands that prepare a checkout, run once for each content. `MILLWRIGHT__REPOSITORIES__NAME__SETUP`
    pub(crate) setup: Vec<String>,
    /// Runs all tests. `MILLWRIGHT__REPOSITORIES__NAME__TEST`
    pub(crate) test: Option<String>,
    /// Runs one test; `{test}` stands for its name. `MILLWRIGHT__REPOSITORIES__NAME__TEST_ONE`
    pub(crate) test_one: Option<String>,
    /// Reports that its tests write, as globs relative to the checkout: JUnit XML, TAP, `go test -json`. They name every
    /// test, where output often names failing ones only. `MILLWRIGHT__REPOSITORIES__NAME__TEST_REPORT`
    pub(crate) test_report: Vec<String>,
    /// Coverage files that its commands write, as globs relative to the checkout: LCOV, Cobertura, JaCoCo XML and others.
    /// They show what the failing run executed. `MILLWRIGHT__REPOSITORIES__NAME__COVERAGE`
    pub(crate) coverage: Vec<String>,
    /// Files laid over every checkout before a replay: `PATH[=TARGET]` of the working tree, `REV:PATH[=TARGET]` of a
    /// revision. `MILLWRIGHT__REPOSITORIES__NAME__OVERLAY`
    pub(crate) overlay: Vec<String>,
    /// Files and folders outside the checkout that its commands may read, such as an interpreter.
    /// `MILLWRIGHT__REPOSITORIES__NAME__ALLOW_READ`
    pub(crate) allow_read: Vec<PathBuf>,
    /// Environment of its commands. `MILLWRIGHT__REPOSITORIES__NAME__ENV`
    pub(crate) env: BTreeMap<String, String>,
    /// Where a fix may be pushed after a person approved it, by name: `shared = "file:///srv/git/name.git"`.
    /// `MILLWRIGHT__REPOSITORIES__NAME__REMOTES`
    pub(crate) remotes: BTreeMap<String, String>,
    /// Longest time for one replay, in seconds; at most `sandbox.wall_s`. `MILLWRIGHT__REPOSITORIES__NAME__TIMEOUT_S`
    pub(crate) timeout_s: Option<u64>,
}

/// Limits for all code from a repository. They apply to everything that a command starts, together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SandboxSection {
    /// Seconds of elapsed time; no repository's `timeout_s` and no remembered recipe raises it.
    /// `MILLWRIGHT__SANDBOX__WALL_S`
    pub(crate) wall_s: u64,
    /// Seconds of processor time. `MILLWRIGHT__SANDBOX__CPU_S`
    pub(crate) cpu_s: u64,
    /// Memory, with what the kernel holds for its sockets, pipes and page tables. `MILLWRIGHT__SANDBOX__MEMORY_MB`
    pub(crate) memory_mb: u64,
    /// Processes and threads alive at once. `MILLWRIGHT__SANDBOX__PROCESSES`
    pub(crate) processes: u32,
    /// Largest single file. `MILLWRIGHT__SANDBOX__FILE_MB`
    pub(crate) file_mb: u64,
    /// Written to the disk in total; each file or folder made counts as 4 KiB at least. `MILLWRIGHT__SANDBOX__DISK_MB`
    pub(crate) disk_mb: u64,
    /// Standard output and error. `MILLWRIGHT__SANDBOX__OUTPUT_MB`
    pub(crate) output_mb: u64,
    /// `none`, or `loopback` for tests that talk to themselves. `MILLWRIGHT__SANDBOX__NETWORK`
    pub(crate) network: NetworkOption,
    /// Run unsandboxed where no sandbox is available, instead of refusing. `MILLWRIGHT__SANDBOX__ALLOW_WEAKER`
    pub(crate) allow_weaker: bool,
}

impl Default for SandboxSection {
    fn default() -> Self {
        Self {
            wall_s: 600,
            cpu_s: 1_200,
            memory_mb: 4_096,
            processes: 512,
            file_mb: 1_024,
            disk_mb: 4_096,
            output_mb: 64,
            network: NetworkOption::None,
            allow_weaker: false,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NetworkOption {
    #[default]
    None,
    Loopback,
}

/// What is masked before anything is stored or shown. The default masks everything known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RedactionSection {
    /// `false` leaves every text as it is. `MILLWRIGHT__REDACTION__ENABLED`
    pub(crate) enabled: bool,
    /// E-mail addresses, card and telephone numbers, IBANs. `MILLWRIGHT__REDACTION__PERSONAL_DATA`
    pub(crate) personal_data: bool,
    /// Rules of your own.
    pub(crate) patterns: Vec<RedactionPattern>,
    /// Regular expressions of values that are never masked. `MILLWRIGHT__REDACTION__ALLOW`
    pub(crate) allow: Vec<String>,
}

impl Default for RedactionSection {
    fn default() -> Self {
        Self { enabled: true, personal_data: true, patterns: Vec::new(), allow: Vec::new() }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedactionPattern {
    /// Name in the placeholder: `CUSTOMER` gives `[CUSTOMER_1]`.
    pub(crate) name: String,
    /// A regular expression, matched line by line; its first group, or the whole match, is masked.
    pub(crate) pattern: String,
}

/// Where Millwright stores its data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoreSection {
    /// Folder for all data; `--data-dir` overrides it. `MILLWRIGHT__STORE__DATA_DIR`
    pub(crate) data_dir: Option<PathBuf>,
    /// `sqlite://PATH`, or `postgres://USER@HOST:5432/DATABASE` for several processes; `?sslmode=verify-full` requires
    /// TLS with a valid certificate. Default: a file in the data folder. `MILLWRIGHT__STORE__URL`
    pub(crate) url: Option<String>,
    /// The variable that holds the password of `url`. Default: `PGPASSWORD`. `MILLWRIGHT__STORE__PASSWORD_ENV`
    pub(crate) password_env: Option<String>,
    /// Public keys of installations whose exported proofs and approvals are trusted; `memory export` prints the
    /// key that it signs with. `MILLWRIGHT__STORE__TRUSTED_KEYS`
    pub(crate) trusted_keys: Vec<String>,
    /// Days after which the service or `memory expire` removes incidents that were neither proven nor judged by a
    /// person. Default: never.
    /// `MILLWRIGHT__STORE__UNPROVEN_RETENTION_DAYS`
    pub(crate) unproven_retention_days: Option<u32>,
}

/// A language model that plans investigations, behind any OpenAI-compatible endpoint. The key is read from the environment
/// only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ModelSection {
    /// With the version, as in `http://localhost:8080/v1`. Default: `OPENAI_BASE_URL`, else OpenAI's own.
    /// `MILLWRIGHT__MODEL__BASE_URL`
    pub(crate) base_url: Option<String>,
    /// What plans when `--planner` is not given. `MILLWRIGHT__MODEL__NAME`
    pub(crate) name: Option<String>,
    /// The variable that holds the key. Default: `OPENAI_API_KEY`. `MILLWRIGHT__MODEL__API_KEY_ENV`
    pub(crate) api_key_env: Option<String>,
    /// PEM file with certificates to trust besides the system's. `MILLWRIGHT__MODEL__CA_FILE`
    pub(crate) ca_file: Option<PathBuf>,
    /// Proxy to the endpoint, as in `http://proxy:3128`. Default: `HTTPS_PROXY` and related variables.
    /// `MILLWRIGHT__MODEL__PROXY`
    pub(crate) proxy: Option<String>,
    /// Longest time for one answer in seconds, retries included; 300 by default. `MILLWRIGHT__MODEL__TIMEOUT_S`
    pub(crate) timeout_s: Option<u64>,
    /// Input and output tokens of one request together; 128000 by default. `MILLWRIGHT__MODEL__CONTEXT_TOKENS`
    pub(crate) context_tokens: Option<u64>,
    /// Longest answer; 4096 by default. `MILLWRIGHT__MODEL__MAX_OUTPUT_TOKENS`
    pub(crate) max_output_tokens: Option<u64>,
    /// How the model requests actions: `tools` (native tool calls), `constrained` (JSON that must match a schema,
    /// for small local models), or `auto`. `MILLWRIGHT__MODEL__ACTION_MODE`
    pub(crate) action_mode: ActionModeOption,
    /// Sent with each request when set. `MILLWRIGHT__MODEL__TEMPERATURE`
    pub(crate) temperature: Option<f64>,
    pub(crate) prices: PricesSection,
    pub(crate) budgets: BudgetsSection,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActionModeOption {
    #[default]
    Auto,
    Tools,
    Constrained,
}

/// US dollars for a million tokens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PricesSection {
    /// `MILLWRIGHT__MODEL__PRICES__INPUT`
    pub(crate) input: f64,
    /// Default: as `input`. `MILLWRIGHT__MODEL__PRICES__CACHED_INPUT`
    pub(crate) cached_input: Option<f64>,
    /// `MILLWRIGHT__MODEL__PRICES__OUTPUT`
    pub(crate) output: f64,
}

/// What one investigation may use; the command line overrides it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BudgetsSection {
    /// Tokens, input and output together. `MILLWRIGHT__MODEL__BUDGETS__TOKENS`
    pub(crate) tokens: Option<u64>,
    /// US dollars by the prices above. `MILLWRIGHT__MODEL__BUDGETS__USD`
    pub(crate) usd: Option<f64>,
    /// Questions to the model; 24 by default. `MILLWRIGHT__MODEL__BUDGETS__STEPS`
    pub(crate) steps: Option<u32>,
    /// Seconds for the whole investigation. `MILLWRIGHT__MODEL__BUDGETS__DEADLINE_S`
    pub(crate) deadline_s: Option<u64>,
}
