/*!
The typed results of the tools of a run. The playbook and the verdict read only these, so that no claim rests on text:
only on the results of tools that really ran.
*/

use millwright_model::{CheckResult, CommitId, IncidentId, Location, Proof, ReplayOutcome, ResolutionId};
use millwright_replay::ReplayRecipe;
use millwright_tools::ToolCall;
use millwright_tools::{
    bisect::BisectResult, earlier_culprits::EarlierIncident, find_fix::FixingCommit, log_changes::LogChange,
    minimise::MinimalChange, owners::OwnersTool, propose_fix::CandidateList, recall::RecallResult,
    recheck::RecheckResult, rejected_causes::RejectedCause, reproduce::ReproduceResult,
    suspects::SuspectList, verify_fix::FixCheck, write_reproduction::WrittenReproduction,
};
use serde::de::DeserializeOwned;

use crate::run::{ReplayPlan, Run, RunRequest, ToolOutcome};

/// Maximum number of similar incidents that are re-checked before a new investigation starts.
const RECHECKS: usize = 2;
/// Maximum number of earlier incidents with a suspected or proven culprit that are re-checked.
const EARLIER_RECHECKS: usize = 3;
/// Maximum number of reopened bisects before the contradiction is reported as it is.
const REOPENED: usize = 2;

#[derive(Debug, Clone, Default)]
pub struct RunFacts {
    pub recollection: Option<RecallResult>,
    pub reproduction: Option<ReproduceResult>,
    pub suspects: Option<SuspectList>,
    pub bisection: Option<BisectResult>,
    /// If the replay passes at the failing revision: the commit that fixed the failure.
    pub found_fix: Option<FixingCommit>,
    pub minimal: Option<MinimalChange>,
    pub candidates: Option<CandidateList>,
    pub fix_checks: Vec<FixCheck>,
    pub rechecks: Vec<RecheckResult>,
    pub log_changes: Option<LogChange>,
    pub owners: Option<OwnersTool>,
    /// The planner's test that was accepted as this run's replay.
    pub written: Option<WrittenReproduction>,
}

impl RunFacts {
    pub fn of(run: &Run) -> Self {
        Self {
            recollection: latest(run, "recall"),
            reproduction: latest(run, "reproduce"),
            suspects: latest(run, "suspects"),
            bisection: latest(run, "bisect"),
            found_fix: latest(run, "find_fix"),
            minimal: since_bisect(run, "minimise").pop(),
            candidates: since_bisect(run, "propose_fix").pop(),
            fix_checks: since_bisect(run, "verify_fix"),
            rechecks: all(run, "recheck"),
            log_changes: latest(run, "log_changes"),
            owners: latest(run, "owners"),
            written: latest(run, "write_reproduction"),
        }
    }

    pub fn reproduced(&self) -> bool {
        self.reproduction.as_ref().is_some_and(|r| r.outcome == ReplayOutcome::Reproduces)
    }

    /// The re-check that made a remembered resolution known.
    pub fn known(&self) -> Option<&RecheckResult> {
        self.rechecks.iter().find(|recheck| recheck.result == CheckResult::Pass)
    }

    /// Whether the re-checked incident resembles this one in words or structure, and not only in its culprit.
    pub fn looks_like(&self, recheck: &RecheckResult) -> bool {
        let matches = self.recollection.iter().flat_map(|recollection| &recollection.matches);
        matches.into_iter().any(|found| found.resolution_id.as_ref() == Some(&recheck.resolution))
    }

    /// The culprit, if its red run and its parents' green runs really took place.
    pub fn proven_culprit(&self) -> Option<&CommitId> {
        let bisection = self.bisection.as_ref().filter(|bisection| bisection.proven)?;
        bisection.culprit.as_ref()
    }

    /// Whether the failure stayed after the whole culprit was taken back: a lucky pass may have misled the bisect,
    /// which must continue with this result. A culprit that was proven twice stays.
    pub fn has_to_reopen(&self, run: &Run) -> bool {
        let Some(culprit) = self.proven_culprit() else { return false };
        let proven = all::<BisectResult>(run, "bisect");
        let times = proven.iter().filter(|other| other.culprit.as_ref() == Some(culprit)).count();
        times < 2
            && proven.len() <= REOPENED
            && !self.fix_verified()
            && self.fix_checks.iter().any(|check| check.contradicts)
    }

    /// A person's rejection of `commit` (by its spelling) as the cause of this failure.
    pub fn rejection_of(&self, commit: &str) -> Option<&RejectedCause> {
        self.rejections().into_iter().find(|rejection| rejection.culprit.as_deref() == Some(commit))
    }

    /// Rejected causes of this failure, of the listed suspects and of the proven culprit, each once.
    pub fn rejections(&self) -> Vec<&RejectedCause> {
        let recalled = self.recollection.iter().flat_map(|recollection| &recollection.rejected_causes);
        let listed = self.suspects.iter().flat_map(|list| &list.rejected_causes);
        let mut out: Vec<&RejectedCause> = Vec::new();
        for rejection in recalled.chain(listed).chain(self.rejected_culprit()) {
            if !out.iter().any(|other| other.incident_id == rejection.incident_id) {
                out.push(rejection);
            }
        }
        out
    }

    /// The rejection of the culprit that this run's replay proves: for this failure, or for one with the same guilty
    /// code.
    pub fn rejected_culprit(&self) -> Option<&RejectedCause> {
        let culprit = self.proven_culprit()?;
        let recalled = self.recollection.iter().flat_map(|recollection| &recollection.rejected_causes);
        let of_this = recalled.into_iter().find(|rejection| rejection.culprit.as_deref() == Some(culprit));
        let units = self.guilty_units();
        let of_the_code = self.bisection.as_ref().and_then(|bisection| bisection.rejected_cause.as_ref());
        of_this.or_else(|| of_the_code.filter(|rejection| rejection.is_about(&units)))
    }

    /// The guilty code in the form that memory keeps: symbols if known, otherwise files.
    pub fn guilty_units(&self) -> Vec<String> {
        units_of(self.minimal.iter().flat_map(|minimal| &minimal.locations))
    }

    /// The next earlier incident that may recur here and was not re-checked yet: before a bisect, one whose culprit
    /// is suspected; after it, one with the proven culprit.
    pub fn unchecked_earlier(&self, run: &Run) -> Option<&EarlierIncident> {
        let rechecked = |earlier: &&EarlierIncident| {
            run.finished().any(|(call, _)| {
                call.name == "recheck" && call.args["resolution"] == earlier.resolution_id.as_str()
            })
        };
        let earlier = match &self.bisection {
            Some(bisection) => &bisection.earlier,
            None => &self.suspects.as_ref()?.earlier,
        };
        earlier.iter().take(EARLIER_RECHECKS).find(|earlier| !rechecked(earlier))
    }

    /// An earlier incident with the same culprit and, if known, the same guilty code.
    pub fn same_problem(&self) -> Option<&IncidentId> {
        if let Some(known) = self.known() {
            return Some(&known.incident);
        }
        self.proven_culprit()?;
        let units = self.guilty_units();
        let earlier = &self.bisection.as_ref()?.earlier;
        let same = earlier.iter().find(|earlier| units.iter().any(|unit| earlier.units.contains(unit)));
        same.map(|earlier| &earlier.incident_id)
    }

    pub fn fix_verified(&self) -> bool {
        // Only a person can overrule a person's rejection.
        self.rejected_culprit().is_none()
            && self.fix_checks.iter().any(|check| check.fix.proof == Proof::FixVerified)
    }

    /// The next trusted resolution that resembles this incident in structure and was not re-checked yet.
    pub fn untested_resolution(&self, run: &Run) -> Option<&ResolutionId> {
        let tried = run.finished().filter(|(call, _)| call.name == "recheck").count();
        let matches = &self.recollection.as_ref()?.matches;
        let rejected = |culprit: &Option<String>| {
            culprit.as_deref().is_some_and(|culprit| self.rejection_of(culprit).is_some())
        };
        let eligible =
            matches.iter().filter(|found| found.trusted && found.structural && !rejected(&found.culprit));
        eligible
            .filter_map(|found| found.resolution_id.as_ref())
            .take(RECHECKS)
            .find(|id| {
                !run.finished()
                    .any(|(call, _)| call.name == "recheck" && call.args["resolution"] == id.as_str())
            })
            .filter(|_| tried < RECHECKS)
    }

    /// Whether a resolution that memory trusts brings a replay of its own.
    pub fn remembered_recipe(&self) -> bool {
        self.recollection
            .iter()
            .flat_map(|recollection| &recollection.matches)
            .any(|found| found.trusted && found.structural && found.replay.is_some())
    }

    /// The replayed recipe, for later re-checks.
    pub fn recipe_used(&self, request: &RunRequest) -> Option<serde_json::Value> {
        match &request.replay {
            ReplayPlan::Recipe(recipe) => {
                let younger = || self.bisection.as_ref().and_then(|bisection| bisection.overlay.clone());
                let overlay = recipe.overlay.clone().or_else(younger);
                serde_json::to_value(ReplayRecipe { overlay, ..(**recipe).clone() }).ok()
            }
            ReplayPlan::None(_) if self.written.is_some() => {
                serde_json::to_value(&self.written.as_ref()?.recipe).ok()
            }
            ReplayPlan::None(_) => {
                let known = self.known()?;
                let matches = &self.recollection.as_ref()?.matches;
                let of = matches.iter().find(|found| found.resolution_id.as_ref() == Some(&known.resolution));
                of.and_then(|found| found.replay.clone())
            }
        }
    }

    /// The next candidate fix that was not verified yet, in the order proposed.
    pub fn untested_candidate(&self) -> Option<&str> {
        let candidates = &self.candidates.as_ref()?.candidates;
        let untested = candidates.iter().map(|candidate| candidate.id.as_str());
        untested.into_iter().find(|id| !self.fix_checks.iter().any(|check| check.candidate == *id))
    }

    /// Whether the answer must name a person to ask.
    pub fn needs_owner(&self) -> bool {
        self.known().is_none() && !self.fix_verified()
    }

    /// Files whose owners to ask: the guilty ones, else those of the frames and the top suspect.
    pub fn paths_in_question(&self, request: &RunRequest) -> Vec<String> {
        let guilty = self.minimal.iter().flat_map(|minimal| &minimal.locations).map(|at| at.path.clone());
        let mut paths: Vec<String> = guilty.collect();
        if paths.is_empty() {
            let frames = request.ticket.traces.iter().flat_map(|trace| &trace.exceptions);
            let mapped =
                frames.flat_map(|exception| &exception.frames).filter_map(|frame| frame.mapped.as_ref());
            paths = mapped.filter(|mapped| !mapped.is_test).map(|mapped| mapped.path.clone()).collect();
        }
        if paths.is_empty()
            && let Some(top) = self.suspects.as_ref().and_then(|list| list.suspects.first())
        {
            paths.push(format!("commit:{}", top.commit));
        }
        let mut seen = std::collections::BTreeSet::new();
        paths.retain(|path| seen.insert(path.clone()));
        paths.truncate(8);
        paths
    }

    pub fn no_replay_because<'a>(&self, request: &'a RunRequest) -> Option<&'a str> {
        match &request.replay {
            ReplayPlan::None(because) if self.reproduction.is_none() => Some(because),
            _ => None,
        }
    }
}

/// The code at the locations: symbols if known, otherwise files.
pub fn units_of<'a>(locations: impl Iterator<Item = &'a Location>) -> Vec<String> {
    let mut units: Vec<String> =
        locations.map(|at| at.symbol.clone().unwrap_or_else(|| at.path.clone())).collect();
    units.sort();
    units.dedup();
    units
}

/// Whether a tool was called (and ended, well or badly) for the culprit that the latest bisect named.
pub fn called_since_bisect(run: &Run, tool: &str) -> bool {
    finished_since_bisect(run).any(|(call, _)| call.name == tool)
}

fn finished_since_bisect(run: &Run) -> impl Iterator<Item = (&ToolCall, &ToolOutcome)> {
    let last =
        run.finished().enumerate().filter(|(_, (call, _))| call.name == "bisect").map(|(at, _)| at).last();
    run.finished().skip(last.unwrap_or(0))
}

/// Results about the culprit that the latest bisect named.
fn since_bisect<T: DeserializeOwned>(run: &Run, tool: &str) -> Vec<T> {
    finished_since_bisect(run)
        .filter(|(call, outcome)| call.name == tool && outcome.failure.is_none())
        .filter_map(|(_, outcome)| serde_json::from_value(outcome.data.clone()).ok())
        .collect()
}

fn latest<T: DeserializeOwned>(run: &Run, tool: &str) -> Option<T> {
    all(run, tool).pop()
}

fn all<T: DeserializeOwned>(run: &Run, tool: &str) -> Vec<T> {
    run.results(tool).filter_map(|data| serde_json::from_value(data.clone()).ok()).collect()
}
