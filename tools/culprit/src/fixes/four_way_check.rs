/*!
Connects the four-way check to the sandbox: runs inputs around the replay's own at the culprit's parent, at the
culprit, at the failing revision, and at that revision with a candidate fix. [`crate::four_way`] makes the decisions.
*/

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use millwright_git::checkout::{CheckoutChange, OverlayMode};
use millwright_git::{self as git, Repo, unified_diff};
use millwright_model::{CommitId, FixKind, FourWay};
use millwright_replay::{LaidFile, ObservationRequest, ReplayError, ReplayRecipe, Replayer};
use millwright_sandbox::{ExitStatus, LimitHit};

use super::FixCandidate;
use crate::four_way::{
    CheckedFixKind as CheckedKind, ExecutionEnding, FileOrigin, FourWayDriver, FourWayExample,
    FourWayObservation, FourWayOptions, FourWaySide, InputFile, InputRule, InputSource, InputVariant,
    ObservationCache, SideRunner, input_files_of,
};

/// Default number of inputs that run on all four sides.
pub const DEFAULT_INPUTS: u32 = 12;
/// Time limit of the whole check.
const MAX_TIME: Duration = Duration::from_secs(600);
/// Time limit of one execution, in multiples of the replay's own time. A variation that runs much longer does something
/// else, such as a test runner that lost the name of its test.
const TIMES_AS_LONG: u64 = 5;
const MIN_TIMEOUT_S: u64 = 10;
/// Files that a command names and that are varied.
const MAX_FILES: usize = 8;
const MAX_FILE_BYTES: usize = 256 * 1024;
/// Maximum length of an example, in characters.
const MAX_EXAMPLE: usize = 900;
const MAX_ON_PURPOSE: usize = 12;

/// Observations of the sides before the fix, kept for the next candidate of the same culprit.
#[derive(Debug, Default)]
pub struct SharedObservations(Mutex<ObservationCache>);

/// The four-way check of one culprit.
pub struct FourWayCheck<'a> {
    pub replayer: &'a Replayer,
    /// Full ids.
    pub culprit: &'a CommitId,
    pub parent: &'a CommitId,
    pub bad: &'a CommitId,
    /// Inputs that run on all four sides at most.
    pub max_inputs: u32,
    /// Time left for the whole investigation.
    pub time_left: Option<Duration>,
    pub observations: &'a SharedObservations,
}

impl FourWayCheck<'_> {
    /// Checks `candidate` against the history.
    ///
    /// # Errors
    /// When the investigation was interrupted, or nothing can be run at all.
    pub fn run(&self, candidate: &FixCandidate) -> Result<FourWay, ReplayError> {
        let begun = Instant::now();
        let source = self.source(candidate);
        let mut options = FourWayOptions::new(match candidate.kind {
            FixKind::Revert => CheckedKind::Revert,
            FixKind::PartialRevert => CheckedKind::PartialRevert,
            FixKind::Known | FixKind::Patch => CheckedKind::Patch,
        });
        options.max_inputs = self.max_inputs as usize;
        let time = self.time_left.map_or(MAX_TIME, |left| MAX_TIME.min(left / 3));
        let longest = self.replayer.runs().iter().map(|(_, run)| run.duration_ms).max().unwrap_or(0);
        let mut sides = SandboxedSides {
            check: self,
            timeout_s: (longest.div_ceil(1_000) * TIMES_AS_LONG).max(MIN_TIMEOUT_S),
            fix: CheckoutChange::Patch(candidate.diff.clone()),
            until: begun + time,
            failed: None,
        };
        let mut cache = self.observations.0.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = FourWayDriver::new(&source, options, &mut cache, &mut sides).check();
        if let Some(error) = sides.failed {
            return Err(error);
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let on_purpose: Vec<&FourWayExample> = outcome.on_purpose.iter().collect();
        Ok(FourWay {
            inputs: count(outcome.inputs),
            deciding: count(outcome.deciding),
            contradicted: count(outcome.contradicted),
            kept: count(outcome.kept_alike),
            restored: count(on_purpose.len()),
            example: outcome.examples.first().map(in_words),
            on_purpose: on_purpose.iter().take(MAX_ON_PURPOSE).map(|example| purpose(example)).collect(),
            wall_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// The replay's own input: its command, and the files that the command names.
    fn source(&self, candidate: &FixCandidate) -> InputSource {
        let recipe = self.replayer.recipe();
        let repo = self.replayer.pool().repo();
        let culprit = diff_of(repo, self.parent, self.culprit);
        let mut files = BTreeMap::new();
        let touched: Vec<String> = [culprit.as_str(), candidate.diff.as_str()]
            .iter()
            .flat_map(|diff| unified_diff::parse(diff).files)
            .map(|file| file.path().to_owned())
            .collect();
        for path in input_files_of(&recipe.command).into_iter().take(MAX_FILES) {
            let laid = laid_text(repo, recipe, &path);
            let origin = if laid.is_some() { FileOrigin::Laid } else { FileOrigin::Checkout };
            let own = || git::blob_at(repo, self.bad, &path).ok()?.text().ok();
            // A file in which the four sides differ is not an input.
            let text = laid.or_else(|| own().filter(|_| !touched.contains(&path)));
            if let Some(text) = text.filter(|text| text.len() <= MAX_FILE_BYTES) {
                files.insert(path, InputFile { text, origin });
            }
        }
        let mut programs = BTreeMap::new();
        for path in touched.into_iter().take(MAX_FILES) {
            let text = git::blob_at(repo, self.bad, &path).ok().and_then(|blob| blob.text().ok());
            programs.extend(text.filter(|text| text.len() <= MAX_FILE_BYTES).map(|text| (path, text)));
        }
        InputSource {
            programs,
            command: recipe.command.clone(),
            env: recipe.env.clone(),
            files,
            diffs: vec![culprit, candidate.diff.clone()],
        }
    }
}

/// The text that the recipe writes over the checkout at `path`.
fn laid_text(repo: &Repo, recipe: &ReplayRecipe, path: &str) -> Option<String> {
    if let Some(file) = recipe.files.iter().find(|file| file.path == path) {
        return String::from_utf8(file.bytes()?).ok();
    }
    let overlay = recipe.overlay.as_ref().filter(|overlay| overlay.mode == OverlayMode::Replace)?;
    let covers = |folder: &String| {
        let folder = folder.trim_end_matches('/');
        path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    };
    overlay.paths.iter().any(covers).then(|| git::blob_at(repo, &overlay.from, path).ok()?.text().ok())?
}

fn diff_of(repo: &Repo, from: &str, to: &str) -> String {
    const MAX_BYTES: usize = 512 * 1024;
    let cancel = millwright_sandbox::CancelFlag::default();
    git::diff(repo, from, to, &[], MAX_BYTES, &cancel).map(|diff| diff.patch).unwrap_or_default()
}

struct SandboxedSides<'a> {
    check: &'a FourWayCheck<'a>,
    /// Time limit of one execution.
    timeout_s: u64,
    fix: CheckoutChange,
    until: Instant,
    failed: Option<ReplayError>,
}

impl SideRunner for SandboxedSides<'_> {
    fn run(&mut self, side: FourWaySide, input: &InputVariant) -> Result<FourWayObservation, String> {
        let check = self.check;
        let recipe = ReplayRecipe {
            command: input.command.clone(),
            env: input.env.clone(),
            timeout_s: self.timeout_s.min(check.replayer.recipe().timeout_s),
            ..check.replayer.recipe().clone()
        };
        let replayer = check.replayer.with_recipe(recipe);
        let (commit, change) = match side {
            FourWaySide::Parent => (check.parent, None),
            FourWaySide::Culprit => (check.culprit, None),
            FourWaySide::Bad => (check.bad, None),
            FourWaySide::Fixed => (check.bad, Some(&self.fix)),
        };
        let late: Vec<LaidFile> =
            input.files.iter().map(|(path, text)| LaidFile::text(path.clone(), text.clone())).collect();
        let request = ObservationRequest { written: true, late: &late, ..ObservationRequest::default() };
        let seen = match replayer.observe(commit, change, request, &mut |_, _| {}) {
            Ok(Ok(seen)) => seen,
            Ok(Err(error)) => return Err(error.to_string()),
            Err(error) => {
                let words = error.to_string();
                self.failed = Some(error);
                return Err(words);
            }
        };
        if let Some(step) = seen.failed_step {
            return Err(format!("the setup step `{step}` failed"));
        }
        let ending = match (seen.execution.limit, seen.execution.exit) {
            (Some(LimitHit::Wall), _) => ExecutionEnding::TimedOut,
            (Some(_), _) => ExecutionEnding::Limit,
            (None, ExitStatus::Code(status)) => ExecutionEnding::Status(status),
            (None, ExitStatus::Signal(signal)) => ExecutionEnding::Signal(signal),
        };
        let files =
            seen.written.into_iter().map(|(path, digest)| (path.to_string_lossy().into_owned(), digest));
        Ok(FourWayObservation { output: seen.execution.output, ending, files: files.collect() })
    }

    fn roots(&self) -> Vec<String> {
        vec![self.check.replayer.pool().repo().data().to_string_lossy().into_owned()]
    }

    fn may_continue(&mut self) -> bool {
        self.failed.is_none() && Instant::now() < self.until
    }
}

/// An input and what the four sides showed, for a reader.
fn in_words(example: &FourWayExample) -> String {
    let rule = match example.rule {
        InputRule::Unaffected => "the culprit does not matter for it, so the fix must change nothing",
        InputRule::Restored => "the culprit changed it, so the fix must restore what its parent did",
        InputRule::OnlyTheReplay => {
            "it differs as the replay's input does, and the fix restores only that one"
        }
        InputRule::KeepsNewBehaviour | InputRule::Undecided => "it decides nothing",
    };
    let text = format!(
        "input {}: {rule}. Before the culprit: {}. At the culprit: {}. At the failing revision: {}. With the fix: {}",
        example.input.description, example.parent, example.culprit, example.bad, example.fixed
    );
    cut(&text, MAX_EXAMPLE)
}

fn purpose(example: &FourWayExample) -> String {
    let each = MAX_EXAMPLE / 6;
    format!(
        "for input {}: {} becomes {} again",
        cut(&example.input.description, each),
        cut(&example.bad, each),
        cut(&example.parent, each)
    )
}

fn cut(text: &str, most: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match clean.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", clean.get(..at).unwrap_or_default()),
        None => clean,
    }
}
