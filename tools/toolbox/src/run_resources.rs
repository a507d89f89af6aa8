/*!
State that the tools of one investigation share besides the repository: the replay recipe, the run's folder and
memory.

Results that are too large for an event (the execution trace, the whole ranking) are artifacts in the run's folder. A
tool reads them from there, so that every tool works alone and a resumed run continues from files.
*/

use millwright_model::{CommitId, IncidentId, RepositoryId};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use millwright_culprit::fixes::SharedObservations;
use millwright_git::checkout::FileOverlay;
use millwright_replay::exec_trace::ExecutionTrace;
use millwright_replay::{
    FailureSignature, Flakiness, ReplayLedger, ReplayOptions, ReplayRecipe, TestRecipes,
};
use millwright_store::Store;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ToolError;

/// Shared by all calls of a run.
#[derive(Debug, Clone, Default)]
pub struct RunResources {
    /// Folder of this run's artifacts and replay ledger.
    pub run_dir: PathBuf,
    pub recipe: Option<ReplayRecipe>,
    /// Configured recipes for running the repository's tests.
    pub recipes: TestRecipes,
    /// Command that runs the project's tests.
    pub tests: Option<String>,
    /// Inputs that the four-way check of a fix may run; 0 leaves it out.
    pub four_way_inputs: Option<u32>,
    pub attempts: WriteAttemptLimits,
    /// Remotes to which a fix may be pushed, as declared for this repository, by name.
    pub remotes: BTreeMap<String, String>,
    /// No code of the repository may run (`--no-replay`), not even a recipe from memory.
    pub runs_nothing: bool,
    pub jobs: usize,
    pub sandbox: ReplayOptions,
    /// `None` when the question is about code without an incident.
    pub incident: Option<IncidentId>,
    /// `None`: this run neither recalls nor remembers.
    pub memory: Option<RunMemory>,
    /// Observations of each culprit and its parent in the four-way check, for the next candidate.
    pub observations: SeenByCulprit,
}

/// The memory that a run recalls from.
#[derive(Debug, Clone)]
pub struct RunMemory {
    pub store: Store,
    /// The repository whose incidents are recalled.
    pub repository: RepositoryId,
}

/// Observations by culprit. Not stored: a resumed run observes again.
type SeenByCulprit = Arc<Mutex<BTreeMap<CommitId, Arc<SharedObservations>>>>;

/// Maximum number of attempts for patches and reproductions that a planner writes in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteAttemptLimits {
    pub patches: u32,
    pub reproductions: u32,
}

impl Default for WriteAttemptLimits {
    fn default() -> Self {
        Self { patches: 4, reproductions: 4 }
    }
}

/// The part of the reproduction that later tools need.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct ShownFailure {
    pub(super) failure: FailureSignature,
    /// How often the failure showed as far as known: first at the failing revision, and after a bisect at every
    /// revision that contains the culprit.
    #[serde(default)]
    pub(super) flakiness: Flakiness,
    /// The same at the failing revision alone, from the first `runs` executions.
    #[serde(default)]
    pub(super) at_bad: Flakiness,
    #[serde(default)]
    pub(super) runs: usize,
    pub(super) trace: Option<ExecutionTrace>,
    /// The end of the failing output.
    pub(super) output: String,
}

impl RunResources {
    const LEDGER: &str = "replays.jsonl";
    const SHOWN: &str = "reproduction.json";
    const RECIPE: &str = "recipe.json";
    const OVERLAY: &str = "overlay.json";

    /// Writes an artifact, whole or not at all.
    pub(super) fn keep<T: Serialize>(&self, name: &str, value: &T) -> Result<(), ToolError> {
        let path = self.run_dir.join(name);
        let beside = self.run_dir.join(format!("{name}.new"));
        let failed = |error: std::io::Error| {
            ToolError::unavailable(format!("the run's folder cannot be written: {error}; is the disk full?"))
        };
        let bytes = serde_json::to_vec(value).map_err(|error| ToolError::failed(error.to_string()))?;
        fs::create_dir_all(&self.run_dir).map_err(failed)?;
        fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, &path)).map_err(failed)
    }

    pub(super) fn artifact<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&fs::read(self.run_dir.join(name)).ok()?).ok()
    }

    pub(super) fn keep_shown(&self, shown: &ShownFailure) -> Result<(), ToolError> {
        self.keep(Self::SHOWN, shown)
    }

    pub(super) fn shown(&self) -> Option<ShownFailure> {
        self.artifact(Self::SHOWN)
    }

    /// The current recipe: the requested one, else the one from a remembered incident.
    pub(super) fn recipe(&self) -> Option<ReplayRecipe> {
        let mut recipe: ReplayRecipe = self.recipe.clone().or_else(|| self.artifact(Self::RECIPE))?;
        recipe.overlay = recipe.overlay.or_else(|| self.overlay());
        Some(recipe)
    }

    /// Files younger than the fault, laid over every checkout of this run.
    pub(super) fn overlay(&self) -> Option<FileOverlay> {
        self.artifact(Self::OVERLAY)
    }

    pub(super) fn keep_overlay(&self, overlay: &FileOverlay) -> Result<(), ToolError> {
        self.keep(Self::OVERLAY, overlay)
    }

    /// Uses the recipe of a remembered incident for this run.
    pub(super) fn adopt_recipe(&self, recipe: &ReplayRecipe) -> Result<(), ToolError> {
        self.keep(Self::RECIPE, recipe)
    }

    /// The run's ledger, for one call. It does not repeat executions that an interrupted call recorded.
    pub(super) fn open_ledger(&self) -> Result<ReplayLedger, ToolError> {
        ReplayLedger::open(&self.run_dir.join(Self::LEDGER)).map_err(|error| {
            ToolError::unavailable(format!("the replay ledger cannot be opened: {error}; is the disk full?"))
        })
    }

    /// Observations of `culprit` and its parent so far.
    pub(super) fn observations_of(&self, culprit: &CommitId) -> Arc<SharedObservations> {
        let mut all = self.observations.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(culprit.clone()).or_default())
    }
}
