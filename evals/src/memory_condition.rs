/*!
The memory of one eval: a real store in its own folder, filled as a person or a run would fill it. Conditions that test harm
also add false or outdated entries.

*Poisoned*: before every fourth case, a person has confirmed a false resolution of the same ticket that names the strongest
wrong commit, and a run has claimed another commit without proof. *Stale*: before every fourth case there is a confirmed
resolution of the same ticket from before the range, for code that was guilty then.
*/

use millwright_culprit::suspects::SignalWeights;
use millwright_culprit::suspects::relearn::{RelearnResult, relearn, weights_of};
use millwright_model::{
    Approval, NewIncident, NewResolution, ParsedTicket, Precedent, Proof, RankingSample, RepositoryId, Scope,
};
use millwright_store::{Actor, Store};
use tokio::runtime::Runtime;

use crate::cases::EvalCase;
use crate::options::MemoryMode;
use crate::repositories::ResolvedRepository;

/// One of this many cases gets a false or outdated entry before it.
const PLANT_EVERY: usize = 4;

/// The weights are learned again after this many cases.
const LEARN_EVERY: usize = 10;

const PERSON: Actor<'static> = Actor { who: "eval", why: "the label of the case" };
const CARELESS: Actor<'static> = Actor { who: "eval", why: "planted" };

#[derive(Debug)]
pub(crate) struct MemoryCondition {
    mode: MemoryMode,
    runtime: Runtime,
    store: Store,
    _folder: tempfile::TempDir,
    seen: usize,
}

/// The entry that is planted about a case, in the repository's own terms.
#[derive(Debug, Clone)]
pub(crate) struct PlantedFalsehood {
    /// A commit of the range that is not the culprit.
    pub(crate) commit: String,
    /// The files of that commit.
    pub(crate) units: Vec<String>,
    /// A revision from before the range.
    pub(crate) before: String,
    /// The replay of the failure, as a run would have stored it.
    pub(crate) replay: Option<serde_json::Value>,
}

impl MemoryCondition {
    pub(crate) fn new(mode: MemoryMode) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let runtime = runtime()?;
        let store = runtime
            .block_on(Store::open(&folder.path().to_string_lossy(), Scope::installation("evals")))
            .map_err(|error| error.to_string())?;
        Ok(Self { mode, runtime, store, _folder: folder, seen: 0 })
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Whether an entry is planted before the next case.
    pub(crate) fn plants(&self) -> bool {
        matches!(self.mode, MemoryMode::Poisoned | MemoryMode::Stale)
            && self.seen % PLANT_EVERY == PLANT_EVERY - 1
    }

    /// Counts a case as finished.
    pub(crate) fn next(&mut self) {
        self.seen += 1;
    }

    pub(crate) fn precedents(&self, repository: &RepositoryId) -> Result<Vec<Precedent>, String> {
        self.runtime.block_on(self.store.precedents(repository, None)).map_err(|error| error.to_string())
    }

    /// The weights in force.
    pub(crate) fn weights(&self) -> Result<Option<SignalWeights>, String> {
        let active = self.runtime.block_on(self.store.active_weights()).map_err(|error| error.to_string())?;
        Ok(active.map(|version| weights_of(&version.learned.weights)))
    }

    /// Stores the resolution that a person would confirm after the case.
    pub(crate) fn confirm(
        &self,
        case: &EvalCase,
        resolved: &ResolvedRepository,
        ticket: &ParsedTicket,
        sample: Option<&RankingSample>,
    ) -> Result<(), String> {
        let Some(culprit) = case.truth.commit.clone() else { return Ok(()) };
        let units = if case.truth.symbols.is_empty() { &case.truth.files } else { &case.truth.symbols };
        let new = resolution(resolved, Some(culprit), units.clone(), resolved.bad.to_string());
        self.keep(&new, ticket, Some((Approval::Confirmed, PERSON)), sample)
    }

    /// Learns the weights again at intervals, as `memory weights learn` does.
    pub(crate) fn relearn(&self) -> Result<(), String> {
        if self.seen == 0 || !self.seen.is_multiple_of(LEARN_EVERY) {
            return Ok(());
        }
        self.runtime
            .block_on(async {
                let samples = self.store.settled_samples().await?;
                if let RelearnResult::Learned { learned, adopted } = relearn(&samples) {
                    self.store.add_weights(&learned, adopted, PERSON).await?;
                }
                Ok::<_, millwright_store::StoreError>(())
            })
            .map_err(|error| error.to_string())
    }

    /// The number of learned versions of the weights, and how many of them were adopted.
    pub(crate) fn learned(&self) -> Result<(usize, usize), String> {
        let versions =
            self.runtime.block_on(self.store.weight_versions()).map_err(|error| error.to_string())?;
        Ok((versions.len(), versions.iter().filter(|version| version.adopted).count()))
    }

    /// Adds the false or outdated entries of this condition before a case.
    pub(crate) fn plant(
        &self,
        resolved: &ResolvedRepository,
        ticket: &ParsedTicket,
        falsehood: &PlantedFalsehood,
    ) -> Result<(), String> {
        let confirmed = Some((Approval::Confirmed, CARELESS));
        match self.mode {
            MemoryMode::Poisoned => {
                let commit = Some(falsehood.commit.clone());
                let mut new = resolution(resolved, commit, falsehood.units.clone(), resolved.bad.to_string());
                new.replay.clone_from(&falsehood.replay);
                self.keep(&new, ticket, confirmed, None)?;
                let claim = resolution(
                    resolved,
                    Some(resolved.bad.to_string()),
                    Vec::new(),
                    resolved.bad.to_string(),
                );
                self.keep(&claim, ticket, None, None)
            }
            MemoryMode::Stale => {
                let before = falsehood.before.clone();
                let mut new = resolution(resolved, Some(before.clone()), falsehood.units.clone(), before);
                new.replay.clone_from(&falsehood.replay);
                self.keep(&new, ticket, confirmed, None)
            }
            MemoryMode::Off | MemoryMode::Fresh | MemoryMode::Sequential => Ok(()),
        }
    }

    fn keep(
        &self,
        new: &NewResolution,
        ticket: &ParsedTicket,
        approval: Option<(Approval, Actor<'_>)>,
        sample: Option<&RankingSample>,
    ) -> Result<(), String> {
        let incident = NewIncident {
            repository_name: None,
            repository: new.repository.clone(),
            source: Some("eval".into()),
            ticket: ticket.clone(),
            mapped: Vec::new(),
        };
        let kept = async {
            let incident = self.store.create_incident(&incident).await?;
            let run = self.store.create_run(&incident.id).await?;
            if let Some(sample) = sample {
                self.store.save_sample(&incident.id, sample).await?;
            }
            let kept = self.store.remember(&incident.id, &run.id, Some(new), &[], PERSON).await?;
            if let (Some(resolution), Some((approval, by))) = (kept.resolution, approval) {
                self.store.set_approval(&resolution.id, approval, by).await?;
            }
            Ok::<_, millwright_store::StoreError>(())
        };
        self.runtime.block_on(kept).map_err(|error| error.to_string())
    }
}

/// A runtime for the asynchronous work of a case.
pub(crate) fn runtime() -> Result<Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
}

fn resolution(
    resolved: &ResolvedRepository,
    culprit: Option<String>,
    units: Vec<String>,
    failing_revision: String,
) -> NewResolution {
    NewResolution {
        repository: resolved.repo.identity().ok(),
        statement: culprit.iter().map(|commit| format!("{commit} brought the fault in")).collect(),
        culprit,
        units,
        failing_revision,
        fix_diff: String::new(),
        fix_kind: None,
        fix_checks: None,
        failed_fixes: Vec::new(),
        replay: None,
        proof: Proof::None,
    }
}
