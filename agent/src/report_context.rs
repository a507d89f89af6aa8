/*!
Collects the context that a page shows beside the report's JSON: the culprit's diff and author, the order of the
candidates, and how the runs narrowed them. All of it is optional; unavailable parts are left out, never guessed.
*/

use std::collections::HashMap;
use std::path::Path;

use millwright_git::{self as git, Repo};
use millwright_model::{CommitId, Report};
use millwright_tools::CancelFlag;

use crate::citations::Quote;
use crate::facts::RunFacts;
use crate::report::{BisectCandidate, BisectStep, BisectView, CitedEvidence, CommitView, RenderContext};
use crate::run::{ReplayPlan, RunRequest};

/// Maximum number of bytes of the culprit's diff on a page.
const DIFF_BYTES: usize = 200_000;
/// Maximum number of candidates in a chart.
const MOST_CANDIDATES: usize = 20_000;
const MOST_QUOTES: usize = 200;

/// Collects the context. Blocking.
pub(crate) fn illustrate(
    repo: &Repo,
    request: &RunRequest,
    facts: &RunFacts,
    report: &Report,
    ranking: &[(CommitId, f64)],
    quotes: Vec<Quote>,
) -> RenderContext {
    let culprit = report.root_cause.as_ref().and_then(|cause| cause.commit.as_ref());
    RenderContext {
        ticket_title: Some(request.ticket.title.clone()),
        repository: Some(std::path::absolute(&request.repo).unwrap_or_else(|_| request.repo.clone()))
            .map(|path| path.display().to_string()),
        failing_revision: Some(request.bad.to_string()),
        good_revision: request.good.clone().map(String::from),
        culprit: culprit.and_then(|commit| view(repo, commit, facts)),
        bisect: bisect(repo, request, facts, ranking),
        replay_command: match &request.replay {
            ReplayPlan::Recipe(recipe) => Some(recipe.command.clone()),
            ReplayPlan::None(_) => None,
        },
        tests_command: request.tests.clone(),
        notes: request.ticket.notes.clone(),
        quotes: quotes
            .into_iter()
            .take(MOST_QUOTES)
            .map(|quote| CitedEvidence { evidence: quote.evidence, text: quote.text })
            .collect(),
        ..RenderContext::default()
    }
}

fn view(repo: &Repo, commit: &CommitId, facts: &RunFacts) -> Option<CommitView> {
    let detail = git::show(repo, commit, &[], DIFF_BYTES, &CancelFlag::default()).ok()?;
    let summary = detail.summary;
    let guilty = facts.minimal.as_ref().map(|minimal| minimal.diff.clone());
    // The lines that a known fix takes back are the guilty ones.
    let fix = facts.known().and_then(|known| known.fix.as_ref()).filter(|_| guilty.is_none());
    Some(CommitView {
        commit: summary.id.to_string(),
        parents: summary.parents,
        author: summary.author,
        date: jiff::Timestamp::from_second(summary.author_time).map(|at| at.to_string()).unwrap_or_default(),
        subject: summary.subject,
        diff: detail.diff.patch,
        guilty_diff: guilty.filter(|diff| !diff.is_empty()),
        taken_back_by: fix.map(|fix| fix.diff.clone()).filter(|diff| !diff.is_empty()),
    })
}

fn bisect(
    repo: &Repo,
    request: &RunRequest,
    facts: &RunFacts,
    ranking: &[(CommitId, f64)],
) -> Option<BisectView> {
    let bisection = facts.bisection.as_ref()?;
    let mut nodes = git::range_graph(repo, request.good.as_ref(), &request.bad).ok()?;
    if nodes.len() > MOST_CANDIDATES {
        return None;
    }
    if nodes.first().is_some_and(|node| node.id == request.bad) {
        nodes.reverse();
    }
    let mass: HashMap<&CommitId, f64> = ranking.iter().map(|(id, mass)| (id, *mass)).collect();
    let even = 1.0 / nodes.len().max(1) as f64;
    let candidates = nodes.into_iter().map(|node| BisectCandidate {
        mass: if mass.is_empty() { even } else { mass.get(&node.id).copied().unwrap_or(0.0) },
        commit: node.id,
    });
    let steps = bisection.steps.iter().map(|(run, left)| BisectStep { run: *run, left: *left });
    Some(BisectView { candidates: candidates.collect(), steps: steps.collect() })
}

/// The ranking that the suspects tool stored in the run's folder.
pub(crate) fn ranking_of(run_dir: &Path) -> Vec<(CommitId, f64)> {
    let read = std::fs::read(run_dir.join("ranking.json")).ok();
    read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}
