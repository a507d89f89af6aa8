/*!
What an eval is run with: the options of `millwright eval run`, parsed but not yet acted on.
*/

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use millwright_agent::planner::Planner;
use millwright_agent::planner::playbook::Playbook;
use millwright_agent::run::Budget;
use millwright_memory::embed::Embedder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graders::Graders;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Gets the ticket, the repository, `bad` and `good`, and nothing else.
    Rank,
    /// The whole run, with the case's replay.
    Investigate,
    /// Groups and templates of labelled log lines.
    LogTemplates,
    /// Finds the duplicates of issue reports.
    Retrieval,
}

impl Task {
    pub fn as_str(self) -> &'static str {
        match self {
            Task::Rank => "rank",
            Task::Investigate => "investigate",
            Task::LogTemplates => "log-templates",
            Task::Retrieval => "retrieval",
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemoryMode {
    /// Neither read nor written.
    #[default]
    Off,
    /// Every case gets an empty one.
    Fresh,
    /// Cases in the order given, while memory grows: in `rank` the label becomes memory after each case, in
    /// `investigate` what the run itself proved.
    Sequential,
    /// The same with false resolutions planted.
    Poisoned,
    /// The same with outdated resolutions planted.
    Stale,
}

impl MemoryMode {
    pub fn as_str(self) -> &'static str {
        match self {
            MemoryMode::Off => "off",
            MemoryMode::Fresh => "fresh",
            MemoryMode::Sequential => "sequential",
            MemoryMode::Poisoned => "poisoned",
            MemoryMode::Stale => "stale",
        }
    }

    /// Whether one case follows the other.
    pub fn is_sequence(self) -> bool {
        matches!(self, MemoryMode::Sequential | MemoryMode::Poisoned | MemoryMode::Stale)
    }
}

/// `https://host/owner/name=PATH`: where a repository that cases name by address lies on this machine. The
/// address may be a prefix (`https://host=/mirrors`); then the rest of the address is appended to the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoMapping {
    pub address: String,
    pub path: PathBuf,
}

impl FromStr for RepoMapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Addresses may hold `=` in a query; paths rarely do.
        let (address, path) = text
            .rsplit_once('=')
            .filter(|(a, p)| !a.is_empty() && !p.is_empty())
            .ok_or(format!("{text:?} is not ADDRESS=PATH, such as https://github.com/acme/shop=/srv/shop"))?;
        Ok(Self { address: address.trim_end_matches('/').to_owned(), path: PathBuf::from(path) })
    }
}

/// Makes a planner for each case, so that cases share nothing.
#[derive(Clone)]
pub struct Planners(Arc<dyn Fn() -> Result<Box<dyn Planner>, String> + Send + Sync>);

impl Planners {
    pub fn new(make: impl Fn() -> Result<Box<dyn Planner>, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub fn playbook() -> Self {
        Self::new(|| Ok(Box::new(Playbook)))
    }

    /// Whether cases are decided by rules alone. A planner that cannot be set up says so when a case wants it.
    pub fn is_playbook(&self) -> bool {
        self.make().is_ok_and(|planner| planner.name() == millwright_agent::planner::PLAYBOOK)
    }

    /// # Errors
    /// When the planner cannot be set up, in words.
    pub fn make(&self) -> Result<Box<dyn Planner>, String> {
        (self.0)()
    }
}

impl std::fmt::Debug for Planners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Planners")
    }
}

type AskModel = dyn Fn(&str, &str) -> Result<String, String> + Send + Sync;

/// A model that is asked how well reports are written. Asking blocks.
#[derive(Clone)]
pub struct ProseJudge {
    name: String,
    ask: Arc<AskModel>,
}

impl ProseJudge {
    /// `ask` takes the instructions and the question, and answers the model's words, or why there are none.
    pub fn new(
        name: impl Into<String>,
        ask: impl Fn(&str, &str) -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), ask: Arc::new(ask) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn ask(&self, instructions: &str, question: &str) -> Result<String, String> {
        (self.ask)(instructions, question)
    }
}

impl std::fmt::Debug for ProseJudge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ProseJudge").field(&self.name).finish()
    }
}

#[derive(Debug, Clone)]
pub struct Options {
    pub cases: PathBuf,
    pub task: Task,
    pub repo_map: Vec<RepoMapping>,
    /// Who plans; by the playbook, `rank` is the ranking alone.
    pub planner: Planners,
    /// For `investigate`: who judges the same cases once more, to stand beside the planner: the model alone.
    pub bare: Option<Planners>,
    /// For `investigate`: who says how well reports are written.
    pub judge: Option<ProseJudge>,
    /// What one case may use.
    pub budget: Budget,
    pub memory: MemoryMode,
    /// A file of figures that must hold, for the caller to judge by [`crate::Summary::gate`].
    pub gate: Option<PathBuf>,
    /// Handed to replays.
    pub env: BTreeMap<String, String>,
    /// Readable inside the sandbox.
    pub allow_read: Vec<PathBuf>,
    /// Where `results.jsonl` and `summary.json` are written.
    pub out: PathBuf,
    pub data_dir: PathBuf,
    /// Cases judged at once.
    pub jobs: usize,
    pub limit: Option<usize>,
    /// How often each case is judged: planners that are not deterministic need more than one look.
    pub repeat: usize,
    /// What one case may take; then it is not judged, and the others go on.
    pub time_limit: Option<Duration>,
    /// What all of it may take; cases not begun by then are left for the next start.
    pub deadline: Option<Duration>,
    pub graders: Graders,
    /// For `retrieval`: a model to judge beside the built-in embedding.
    pub embedder: Option<Arc<dyn Embedder>>,
}

impl Options {
    /// One case at a time, once, planned by the playbook, without memory and without a gate.
    pub fn new(task: Task, cases: &Path, out: &Path) -> Self {
        Self {
            cases: cases.to_owned(),
            task,
            repo_map: Vec::new(),
            planner: Planners::playbook(),
            bare: None,
            judge: None,
            budget: Budget::default(),
            memory: MemoryMode::Off,
            gate: None,
            env: BTreeMap::new(),
            allow_read: Vec::new(),
            out: out.to_owned(),
            data_dir: PathBuf::new(),
            jobs: 1,
            limit: None,
            repeat: 1,
            time_limit: None,
            deadline: None,
            graders: Graders::default(),
            embedder: None,
        }
    }

    /// Where the repository of a case lies: by the longest matching mapping, or as a path.
    pub fn repository(&self, address: &str) -> PathBuf {
        let plain = address.trim_end_matches('/');
        let plain = plain.strip_suffix(".git").unwrap_or(plain);
        let fitting = self.repo_map.iter().filter_map(|mapping| {
            let known = mapping.address.strip_suffix(".git").unwrap_or(&mapping.address);
            let rest = plain.strip_prefix(known)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((known.len(), rest, &mapping.path))
        });
        match fitting.max_by_key(|(length, _, _)| *length) {
            Some((_, "", path)) => path.clone(),
            Some((_, rest, path)) => path.join(rest.trim_start_matches('/')),
            None => Path::new(address).to_owned(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn options(task: Task, cases: &Path, out: &Path) -> Options {
        Options::new(task, cases, out)
    }

    #[test]
    fn maps_addresses_to_paths() {
        let mappings =
            ["https://a.example/x/y=/one", "https://a.example=/all", "https://b.example/q.git=/two"];
        let options = Options {
            repo_map: mappings.iter().map(|text| text.parse().unwrap()).collect(),
            ..options(Task::Rank, Path::new(""), Path::new(""))
        };
        let check = |address: &str, path: &str| assert_eq!(options.repository(address), Path::new(path));
        check("https://a.example/x/y", "/one");
        check("https://a.example/x/y.git", "/one");
        check("https://a.example/x/yz", "/all/x/yz");
        check("https://b.example/q", "/two");
        check("/somewhere/else", "/somewhere/else");
        assert!("no-path".parse::<RepoMapping>().is_err());
    }
}
