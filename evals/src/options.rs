/*!
The options of `millwright eval run`, after parsing.
*/

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use millwright_agent::planner::Planner;
use millwright_agent::planner::playbook::Playbook;
use millwright_agent::run::RunBudget;
use millwright_store::embed::Embedder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grader_sandbox::ExecutionSettings;
use crate::graders::prose::ProseJudge;
use crate::graders::{Graders, GradingDependencies};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EvalTask {
    /// Ranks commits from the ticket, the repository, `bad` and `good` alone.
    Rank,
    /// The whole run, with the case's replay.
    Investigate,
    /// Groups and templates of labelled log lines.
    LogTemplates,
    /// The commits that changed a code unit.
    Lineage,
    /// The functions that a failing run executed.
    Trace,
    /// Finds the duplicates of issue reports.
    Retrieval,
    /// Masks planted secrets and leaves look-alikes alone.
    Redaction,
}

impl EvalTask {
    pub fn as_str(self) -> &'static str {
        match self {
            EvalTask::Rank => "rank",
            EvalTask::Investigate => "investigate",
            EvalTask::LogTemplates => "log-templates",
            EvalTask::Lineage => "lineage",
            EvalTask::Trace => "trace",
            EvalTask::Retrieval => "retrieval",
            EvalTask::Redaction => "redaction",
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemoryMode {
    /// Neither read nor written.
    #[default]
    Off,
    /// Every case starts with empty memory.
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
        // An address may contain `=` in its query; a path rarely does.
        let (address, path) = text
            .rsplit_once('=')
            .filter(|(a, p)| !a.is_empty() && !p.is_empty())
            .ok_or(format!("{text:?} is not ADDRESS=PATH, such as https://github.com/acme/shop=/srv/shop"))?;
        Ok(Self { address: address.trim_end_matches('/').to_owned(), path: PathBuf::from(path) })
    }
}

/// Makes a planner for each case, so that cases share nothing.
#[derive(Clone)]
pub struct PlannerFactory(Arc<dyn Fn() -> Result<Box<dyn Planner>, String> + Send + Sync>);

impl PlannerFactory {
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

impl std::fmt::Debug for PlannerFactory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Planners")
    }
}

#[derive(Debug, Clone)]
pub struct EvalOptions {
    pub cases: PathBuf,
    pub task: EvalTask,
    pub repo_map: Vec<RepoMapping>,
    /// Who plans; by the playbook, `rank` is the ranking alone.
    pub planner: PlannerFactory,
    /// For `investigate`: who judges the same cases once more, to stand beside the planner: the model alone.
    pub bare: Option<PlannerFactory>,
    /// For `investigate`: who says how well reports are written.
    pub judge: Option<ProseJudge>,
    /// What one case may use.
    pub budget: RunBudget,
    pub memory: MemoryMode,
    /// A file of figures that must hold, for the caller to judge by [`crate::EvalSummary::gate`].
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

impl EvalOptions {
    /// One case at a time, once, planned by the playbook, without memory and without a gate.
    pub fn new(task: EvalTask, cases: &Path, out: &Path) -> Self {
        Self {
            cases: cases.to_owned(),
            task,
            repo_map: Vec::new(),
            planner: PlannerFactory::playbook(),
            bare: None,
            judge: None,
            budget: RunBudget::default(),
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

    /// What every execution is handed.
    pub(crate) fn execution(&self) -> ExecutionSettings<'_> {
        ExecutionSettings { env: &self.env, allow_read: &self.allow_read }
    }

    /// What graders judge with.
    pub fn grading(&self) -> GradingDependencies<'_> {
        GradingDependencies { execution: self.execution(), judge: self.judge.as_ref() }
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

    pub(crate) fn options(task: EvalTask, cases: &Path, out: &Path) -> EvalOptions {
        EvalOptions::new(task, cases, out)
    }

    #[test]
    fn maps_addresses_to_paths() {
        let mappings =
            ["https://a.example/x/y=/one", "https://a.example=/all", "https://b.example/q.git=/two"];
        let options = EvalOptions {
            repo_map: mappings.iter().map(|text| text.parse().unwrap()).collect(),
            ..options(EvalTask::Rank, Path::new(""), Path::new(""))
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
