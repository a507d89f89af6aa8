/*! Tool: which lines of the culprit are guilty? */

use std::time::Duration;

use millwright_code as code;
use millwright_culprit::fixes;
use millwright_culprit::minimise::{CulpritHunk, hunks_of, minimise};
use millwright_git as git;
use millwright_git::checkout::CheckoutChange;
use millwright_ingest as ingest;
use millwright_model::{CommitId, EvidenceDraft, EvidenceSource, LineSpan, Location, Locator, ReplayRun};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run_resources::ShownFailure;
use super::{Effect, ProgressEvent, Tool, ToolContext, ToolError, ToolOutput};

/// What narrowing is worth in all: nobody waits longer for lines when the commit is known.
const WORTH: Duration = Duration::from_secs(600);
/// A set is guilty when the culprit would pass by luck as often with at most this probability.
const LUCKY: f64 = 0.02;
/// Locations named in a report.
const MOST_LOCATIONS: usize = 20;

#[derive(Debug, Clone, Copy)]
pub struct MinimiseTool;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MinimiseArgs {
    /// The culprit commit.
    pub commit: String,
    /// Maximum number of sets of hunks to try; by default it depends on how much a smaller set is worth.
    #[serde(default)]
    pub max_runs: Option<u32>,
}

/// The guilty part of a culprit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MinimalChange {
    pub hunks: Vec<CulpritHunk>,
    /// Hunks of the whole commit.
    pub total: usize,
    pub is_minimal: bool,
    /// The guilty lines at the failing revision.
    pub locations: Vec<Location>,
    /// The guilty hunks as the culprit brought them in, as a unified diff.
    pub diff: String,
    pub runs: Vec<(usize, ReplayRun)>,
}

impl MinimalChange {
    /// Where, for a sentence: ` with 1 of its 4 hunks, in lib/coupon.sh`.
    pub fn in_words(&self) -> String {
        let mut paths: Vec<&str> = self.hunks.iter().map(|hunk| hunk.path.as_str()).collect();
        paths.dedup();
        let place = match paths.as_slice() {
            [] => return String::new(),
            [one] => format!(", in {one}"),
            [one, rest @ ..] => format!(", in {one} and {} more files", rest.len()),
        };
        match (whole_hunks(&self.hunks), self.total) {
            (guilty, total) if guilty < total => format!(" with {guilty} of its {total} hunks{place}"),
            _ => place,
        }
    }
}

/// How many hunks the pieces are of, in their order: what one hunk was split into stands side by side.
fn whole_hunks(pieces: &[CulpritHunk]) -> usize {
    let adjoins = |one: &CulpritHunk, next: &CulpritHunk| {
        one.path == next.path
            && one.is_text()
            && next.old_start <= one.old_start + one.old_lines.max(1)
            && next.new_start <= one.new_start + one.new_lines.max(1)
    };
    pieces.chunk_by(adjoins).count()
}

/// The artifact with the guilty hunks.
pub(super) const GUILTY: &str = "guilty.json";

impl Tool for MinimiseTool {
    type Args = MinimiseArgs;
    const NAME: &'static str = "minimise";
    const EFFECT: Effect = Effect::Execute;
    const TIMEOUT: Duration = Duration::from_secs(8 * 3600);

    fn description(&self) -> String {
        "Narrows a proven culprit to the smallest set of hunks and lines whose removal makes the replay pass."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: MinimiseArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| work(ctx, &args)).await
    }
}

fn work(ctx: &ToolContext, args: &MinimiseArgs) -> Result<ToolOutput, ToolError> {
    let culprit = ctx.visible(Some(&args.commit))?;
    let (replayer, shown) = ctx.reproduced()?;
    let hunks = hunks_of(&ctx.repo, &culprit)?;
    let weight = |hunk: &CulpritHunk| suspicion(hunk, &shown, culprit == ctx.bad);
    let repeats = shown.flakiness.passes_needed(LUCKY);
    let allowed = allowed_questions(hunks.len(), one_replay(&replayer.runs()) * repeats, ctx.time_left());
    let allowed = allowed.min(args.max_runs.unwrap_or(u32::MAX));
    let done = minimise(hunks, weight, allowed, |set| -> Result<bool, ToolError> {
        if ctx.cancel.is_cancelled() {
            return Err(ToolError::timeout("minimising was interrupted; it goes on from its last replay"));
        }
        let edits = match fixes::take_back(&ctx.repo, &culprit, set, &culprit)? {
            Ok(edits) => edits,
            Err(_) => return Ok(false),
        };
        let change = CheckoutChange::Files(edits);
        let (passes, _) =
            replayer.stays_away(&culprit, Some(&change), (shown.flakiness, LUCKY), |replayed| {
                ctx.progress.note(ProgressEvent::Replay {
                    commit: culprit.clone(),
                    outcome: replayed.outcome(),
                    number: replayed.number as u64,
                    left: None,
                    duration_ms: replayed.run.duration_ms,
                });
            })?;
        Ok(passes)
    })?;
    ctx.workbench.keep(GUILTY, &done.guilty)?;
    let mut found = MinimalChange {
        total: done.total,
        is_minimal: done.is_minimal,
        diff: guilty_diff(ctx, &culprit, &done.guilty)?,
        runs: replayer.runs(),
        ..MinimalChange::default()
    };
    let mut evidence = Vec::new();
    for hunk in done.guilty.iter().take(MOST_LOCATIONS) {
        if let Some(location) = location_at_bad(ctx, &culprit, &hunk.path, hunk.new_span())? {
            match found.locations.last_mut() {
                Some(last) if last.path == location.path && location.start_line <= last.end_line + 1 => {
                    last.end_line = last.end_line.max(location.end_line);
                }
                _ => found.locations.push(location),
            }
        }
        let more = hunk_evidence(ctx, &culprit, hunk);
        let is_known = |draft: &EvidenceDraft| {
            evidence.iter().any(|known: &EvidenceDraft| known.locator == draft.locator)
        };
        let more: Vec<EvidenceDraft> = more.into_iter().filter(|draft| !is_known(draft)).collect();
        evidence.extend(more);
    }
    found.hunks = done.guilty;
    let text = format!(
        "{} of {} hunks are guilty{}:\n{}",
        whole_hunks(&found.hunks),
        found.total,
        if found.is_minimal { "" } else { " (the search was cut off; it may be fewer)" },
        found.diff
    );
    Ok(ToolOutput::new(text, found).with_evidence(evidence))
}

/// The usual time of one replay, from those that were recorded; a resumed run finds the same.
fn one_replay(runs: &[(usize, ReplayRun)]) -> Duration {
    let unchanged = runs.iter().map(|(_, run)| run);
    let mut durations: Vec<u64> = unchanged.filter(|run| run.is_plain()).map(|run| run.duration_ms).collect();
    durations.sort_unstable();
    Duration::from_millis(durations.get(durations.len() / 2).copied().unwrap_or(1000).max(1))
}

/// Sets that may be asked about: what delta debugging takes for a few guilty hunks among so many, as long as the time
/// it takes is worth it and leaves most of the deadline for the fix.
fn allowed_questions(hunks: usize, each: Duration, time_left: Option<Duration>) -> u32 {
    /// The most suspected hunks are asked first, so that even a few questions narrow most commits.
    const FEWEST: u32 = 3;
    let levels = (hunks.max(2) as f64).log2().ceil() as u32;
    let wanted = 6 + 8 * levels;
    let time = time_left.map_or(WORTH, |left| WORTH.min(left / 4));
    let affordable = u32::try_from(time.as_millis() / each.as_millis().max(1)).unwrap_or(u32::MAX);
    wanted.min(affordable.max(FEWEST))
}

/// How suspected a hunk is before anything is run: executed lines first, then executed files, then product code.
fn suspicion(hunk: &CulpritHunk, shown: &ShownFailure, trace_is_of_culprit: bool) -> f64 {
    if ingest::is_test_path(&hunk.path) {
        return 0.05;
    }
    let Some(trace) = &shown.trace else { return if is_document(&hunk.path) { 0.1 } else { 1.0 } };
    let Some(file) = trace.files.get(&hunk.path) else {
        return if is_document(&hunk.path) { 0.05 } else { 0.5 };
    };
    // The trace has line numbers of the failing revision; near the culprit they still fit approximately.
    let slack = if trace_is_of_culprit { 0 } else { 3 };
    let (from, to) = hunk.new_span();
    let executed = file.lines.range(from.saturating_sub(slack)..=to.saturating_add(slack)).count();
    1.0 + f64::from(u8::from(executed > 0)) + (executed as f64).ln_1p() / 10.0
}

fn is_document(path: &str) -> bool {
    [".md", ".rst", ".txt", ".adoc"].iter().any(|ending| path.ends_with(ending))
}

fn guilty_diff(ctx: &ToolContext, culprit: &CommitId, guilty: &[CulpritHunk]) -> Result<String, ToolError> {
    // The diff from the culprit without its guilty hunks to the culprit as it is.
    match fixes::take_back(&ctx.repo, culprit, guilty, culprit)? {
        Ok(edits) => {
            let tree = millwright_git::checkout::edit_tree(&ctx.repo, culprit, &edits)
                .map_err(|error| ToolError::failed(error.to_string()))?;
            Ok(git::diff(&ctx.repo, &tree, culprit, &[], 200_000, &ctx.cancel)?.patch)
        }
        Err(_) => Ok(String::new()),
    }
}

fn hunk_evidence(ctx: &ToolContext, culprit: &CommitId, hunk: &CulpritHunk) -> Option<EvidenceDraft> {
    let text = git::blob_at(&ctx.repo, culprit, &hunk.path).ok()?.text().ok()?;
    let (from, to) = hunk.new_span();
    let lines: Vec<&str> =
        text.lines().skip(from as usize - 1).take((to - from + 1).min(400) as usize).collect();
    (!lines.is_empty()).then(|| EvidenceDraft {
        source: EvidenceSource::Git,
        locator: Locator::commit_lines(culprit, &hunk.path, from, to),
        text: lines.join("\n"),
    })
}

/// Where lines of a commit stand at the failing revision; `None` when the file is gone.
pub(super) fn location_at_bad(
    ctx: &ToolContext,
    commit: &CommitId,
    path: &str,
    (start, end): (u32, u32),
) -> Result<Option<Location>, ToolError> {
    if !git::exists_at(&ctx.repo, commit, path)? {
        return Ok(None); // the commit removed the file
    }
    let span = LineSpan { start, end };
    let mapped = git::map_lines(&ctx.repo, path, span, commit, &ctx.bad, &ctx.cancel)?;
    Ok(mapped.map(|at| Location {
        symbol: symbol_at(ctx, &at.path, at.span.start),
        start_line: at.span.start,
        end_line: at.span.end,
        path: at.path,
    }))
}

/// `path::Qualified.name` of the definition around a line at the failing revision.
pub(super) fn symbol_at(ctx: &ToolContext, path: &str, line: u32) -> Option<String> {
    let text = git::blob_at(&ctx.repo, &ctx.bad, path).ok()?.text().ok()?;
    code::enclosing(path, &text, line).map(|symbol| code::symbol_id(path, &symbol.qualified))
}

/// The lines of a definition by its qualified name.
pub(super) fn span_of(path: &str, text: &str, qualified: &str) -> Option<LineSpan> {
    let lang = code::SourceLanguage::from_path(path)?;
    let found = code::symbols(text, lang).into_iter().find(|symbol| symbol.qualified == qualified)?;
    Some(LineSpan { start: found.start_line, end: found.end_line })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_follow_from_the_commit_the_replay_and_the_deadline() {
        let check = |hunks, each_s, left_s: Option<u64>, expected| {
            let left = left_s.map(Duration::from_secs);
            assert_eq!(
                allowed_questions(hunks, Duration::from_secs(each_s), left),
                expected,
                "{hunks} {each_s}"
            );
        };
        check(2, 1, None, 14);
        check(8, 1, None, 30);
        check(200, 1, None, 70);
        check(200, 60, None, 10);
        check(8, 3600, None, 3);
        check(8, 10, Some(400), 10);
        check(8, 10, Some(0), 3);
    }
}
