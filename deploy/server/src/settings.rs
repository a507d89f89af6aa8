/*!
The settings that the service starts with. Plain data: the binary takes it from a file, the environment or the command
line.
*/

use millwright_usecases::{CodeLocation, CodeLocations, Principal};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use millwright_agent::planner::Planner;
use millwright_agent::planner::openai::ModelSpeaker;
use millwright_agent::run::RunBudget;
use millwright_git::MirrorRemote;
pub use millwright_integrations::chat::ChatSettings;
use millwright_integrations::ticket_client::TicketConnection;
use millwright_model::{Audience, RepositoryName};
use millwright_redaction::Redactor;
use millwright_replay::{ReplayOptions, TestRecipes};
use secrecy::SecretString;

use crate::auth::TokenRole;

/// The duties of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessRole {
    All,
    Api,
    Worker,
}

impl ProcessRole {
    pub(crate) fn answers(self) -> bool {
        self != Self::Worker
    }

    pub(crate) fn works(self) -> bool {
        self != Self::Api
    }
}

/// Makes the planner, a new one for each investigation.
pub type MakePlanner = Arc<dyn Fn() -> Result<Box<dyn Planner>, String> + Send + Sync>;
/// Makes the model client that answers questions which rules do not understand; `None` without a model.
pub type MakeSpeaker = Arc<dyn Fn() -> Result<Option<ModelSpeaker>, String> + Send + Sync>;

pub struct ServiceSettings {
    pub listen: SocketAddr,
    /// The address that serves metrics without a token.
    pub metrics_listen: Option<SocketAddr>,
    pub duty: ProcessRole,
    /// Anyone who reaches the loopback address is an administrator. Refused on any other address.
    pub anonymous: bool,
    pub data_dir: PathBuf,
    pub repositories: Vec<RepositorySettings>,
    pub redactor: Arc<Redactor>,
    pub planner: MakePlanner,
    pub speaker: MakeSpeaker,
    pub budget: RunBudget,
    pub sandbox: ReplayOptions,
    pub limits: ServiceLimits,
    /// The URL at which people reach this service, for links in notes.
    pub public_url: Option<String>,
    /// Systems that may call a hook, by the name in their route.
    pub hooks: BTreeMap<String, HookSettings>,
    /// Systems that the service writes notes to, by name.
    pub tickets: BTreeMap<String, TicketConnection>,
    /// The chat system in which people talk to the service.
    pub chat: Option<ChatSettings>,
    /// The lowest role whose confirmation alone lets an answer be presented as known.
    pub confirming_role: TokenRole,
}

impl ServiceSettings {
    /// Which repository contains which code.
    pub(crate) fn locations(&self) -> CodeLocations {
        let location = |repository: &RepositorySettings| CodeLocation {
            repository: repository.name.clone(),
            services: repository.services.clone(),
            path_prefixes: repository.path_prefixes.clone(),
        };
        CodeLocations(self.repositories.iter().map(location).collect())
    }

    pub(crate) fn repository(&self, name: &RepositoryName) -> Option<&RepositorySettings> {
        self.repositories.iter().find(|repository| repository.name == *name)
    }

    /// The other repositories, if `name` is one of several.
    pub(crate) fn others_than(&self, name: Option<&RepositoryName>) -> BTreeSet<RepositoryName> {
        let names = self.repositories.iter().map(|repository| &repository.name);
        names.filter(|other| name.is_some_and(|name| *other != name)).cloned().collect()
    }

    /// The repositories that a caller may see.
    pub(crate) fn repositories_of<'s>(
        &'s self,
        principal: &'s Principal,
    ) -> impl Iterator<Item = &'s RepositorySettings> {
        self.repositories.iter().filter(|repository| principal.repositories.includes(&repository.name))
    }
}

#[derive(Debug, Clone)]
pub struct ServiceLimits {
    /// Largest request body, in bytes.
    pub body_bytes: usize,
    /// A client that takes longer for the headers of a request, or is idle longer between two requests, is disconnected.
    pub header_patience: Duration,
    /// A body that takes longer to arrive is refused.
    pub body_patience: Duration,
    /// Requests of one token, or of the address of one unauthenticated caller.
    pub requests_per_minute: u32,
    pub connections: usize,
    /// The part of the connections that one address may have.
    pub connections_per_address: usize,
    /// Most streams of events that are open at once; never more than half of the connections.
    pub streams: usize,
    /// The part of the streams that one token may have.
    pub streams_per_token: usize,
    /// Most investigations that run at once in this process.
    pub investigations: usize,
    /// A failure that is reported again within this time joins the incident that is already known.
    pub join_within: Duration,
    /// How long a job stays with a worker that died.
    pub lease: Duration,
    /// How long a shutdown waits for work in progress.
    pub grace: Duration,
    /// Days after which an incident is forgotten if nothing was proven about it and nobody judged it. `None`: never.
    pub unproven_retention_days: Option<u32>,
    /// How long the links in notes that judge an answer are valid.
    pub judge_links: Duration,
    /// How long the deployed branch must contain a fix without a new failure before the fix counts as shipped.
    pub stay_away: Duration,
}

impl Default for ServiceLimits {
    fn default() -> Self {
        Self {
            body_bytes: 10 << 20,
            header_patience: Duration::from_secs(10),
            body_patience: Duration::from_secs(30),
            requests_per_minute: 600,
            connections: 1_024,
            connections_per_address: 512,
            streams: 256,
            streams_per_token: 64,
            investigations: 1,
            join_within: Duration::from_secs(24 * 3_600),
            lease: Duration::from_secs(30),
            grace: Duration::from_secs(20),
            unproven_retention_days: None,
            judge_links: Duration::from_secs(30 * 24 * 3_600),
            stay_away: Duration::from_secs(24 * 3_600),
        }
    }
}

/// Where the code of services is, and how it is tested.
#[derive(Debug, Clone)]
pub struct RepositorySettings {
    pub name: RepositoryName,
    pub path: PathBuf,
    /// The remote that the service clones and fetches into `path`; without it, someone else maintains the clone at `path`.
    pub remote: Option<MirrorRemote>,
    /// The branch that is deployed.
    pub branch: Option<String>,
    pub services: Vec<String>,
    pub path_prefixes: Vec<String>,
    pub recipes: TestRecipes,
    pub tests: Option<String>,
    pub remotes: BTreeMap<String, String>,
}

/// A system that calls a hook. Several secrets are valid at once while one is being replaced.
#[derive(Debug, Clone)]
pub struct HookSettings {
    pub secrets: Vec<SecretString>,
    /// Who reads what the system reports and what is written back; `None`: as the delivery says, otherwise as is usual for
    /// the system.
    pub audience: Option<Audience>,
}
