/*!
What the service is started with. Plain data: where it comes from (a file, the environment, a command line) is the
business of the binary.
*/

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use millwright_agent::planner::Planner;
use millwright_agent::planner::openai::Speaker;
use millwright_agent::run::Budget;
use millwright_memory::redaction::Redactor;
use millwright_tools::git::Remote;
use millwright_tools::replay::{ReplayOptions, TestRecipes};
use secrecy::SecretString;

/// What one process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    All,
    Api,
    Worker,
}

impl Duty {
    pub(crate) fn answers(self) -> bool {
        self != Self::Worker
    }

    pub(crate) fn works(self) -> bool {
        self != Self::Api
    }
}

/// Makes what decides; anew for each investigation.
pub type MakePlanner = Arc<dyn Fn() -> Result<Box<dyn Planner>, String> + Send + Sync>;
/// Makes what answers questions that rules do not understand; `None` without a model.
pub type MakeSpeaker = Arc<dyn Fn() -> Result<Option<Speaker>, String> + Send + Sync>;

pub struct Settings {
    pub listen: SocketAddr,
    pub duty: Duty,
    /// Whoever reaches the loopback address is an administrator. Refused on any other address.
    pub anonymous: bool,
    pub data_dir: PathBuf,
    pub repositories: Vec<Repository>,
    pub redactor: Arc<Redactor>,
    pub planner: MakePlanner,
    pub speaker: MakeSpeaker,
    pub budget: Budget,
    pub sandbox: ReplayOptions,
    pub limits: Limits,
    /// Where people reach this service, for links in notes.
    pub public_url: Option<String>,
    /// Systems that may call in, by the name in their route.
    pub hooks: BTreeMap<String, Hook>,
    /// Systems that notes are written to, by name.
    pub tickets: BTreeMap<String, TicketSystem>,
    pub slack: Option<Slack>,
}

#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest body of a request.
    pub body_bytes: usize,
    /// A client that takes longer for the headers of a request, or rests longer between two, is cut off.
    pub header_patience: Duration,
    /// A body that takes longer to arrive is refused.
    pub body_patience: Duration,
    /// Requests of one token, or of one stranger's address.
    pub requests_per_minute: u32,
    pub connections: usize,
    /// Investigations at once in this process.
    pub investigations: usize,
    /// A failure that comes back within this time joins the incident that is known already.
    pub join_within: Duration,
    /// How long a worker that died may hold a job.
    pub lease: Duration,
    /// How long a shutdown waits for what is under way.
    pub grace: Duration,
    /// Days after which an incident is forgotten that nothing was proven of and nobody judged. `None`: never.
    pub keep_unproven_days: Option<u32>,
    /// How long the deployed branch must have had a fix, and the failure have stayed away, before it counts as shipped.
    pub stay_away: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 10 << 20,
            header_patience: Duration::from_secs(10),
            body_patience: Duration::from_secs(30),
            requests_per_minute: 600,
            connections: 1_024,
            investigations: 1,
            join_within: Duration::from_secs(24 * 3_600),
            lease: Duration::from_secs(30),
            grace: Duration::from_secs(20),
            keep_unproven_days: None,
            stay_away: Duration::from_secs(24 * 3_600),
        }
    }
}

/// Where the code of services is, and how it is tested.
#[derive(Debug, Clone)]
pub struct Repository {
    pub name: String,
    pub path: PathBuf,
    /// Where it is cloned and fetched from into `path`; otherwise the clone at `path` is somebody else's to keep.
    pub remote: Option<Remote>,
    /// The branch that is deployed.
    pub branch: Option<String>,
    pub services: Vec<String>,
    pub path_prefixes: Vec<String>,
    pub recipes: TestRecipes,
    pub tests: Option<String>,
    pub remotes: BTreeMap<String, String>,
}

/// A system that calls in. Several secrets are valid at once while one is being replaced.
#[derive(Debug, Clone)]
pub struct Hook {
    pub secrets: Vec<SecretString>,
}

/// A system that notes are written to.
#[derive(Debug, Clone)]
pub struct TicketSystem {
    /// With scheme and host, without a trailing slash.
    pub base_url: String,
    /// The account of the token, where the system wants one.
    pub email: Option<String>,
    pub token: SecretString,
    /// Jira only: requests of a service desk, whose comments can be internal.
    pub service_desk: bool,
}

/// Slack as a door.
#[derive(Debug, Clone)]
pub struct Slack {
    /// Several while one is replaced; none where only the socket is used.
    pub signing_secrets: Vec<SecretString>,
    pub bot_token: SecretString,
    /// For Socket Mode.
    pub app_token: Option<SecretString>,
    /// Of its Web API, without a trailing slash.
    pub base_url: String,
    /// Users, by their ids, who may stop and consent.
    pub responders: BTreeSet<String>,
}
