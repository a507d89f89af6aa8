/*!
The playbook: the whole investigation by rules, deterministic, without a network.

The playbook reads the state of the run and asks for missing information in the order of a careful engineer: has this
occurred before, does it fail here, who is suspected, where does the replay flip, which lines are guilty, what fixes
it. Each rule is a question about the state; the first rule that wants a call wins.
*/

mod conclude;
mod summary;

use millwright_ingest::ticket_purpose;
use millwright_model::ReplayOutcome;
use millwright_tools::ToolCall;
use serde_json::{Value, json};

use crate::facts::{RunFacts, called_since_bisect};

use super::{PlanFuture, Planner, PlannerStep};
use crate::run::{ReplayPlan, Run, RunRequest};

/// Maximum number of candidate fixes that are tried before the report says that none held.
const FIX_ATTEMPTS: usize = 5;

#[derive(Debug, Default, Clone, Copy)]
pub struct Playbook;

impl Planner for Playbook {
    fn name(&self) -> &str {
        "playbook"
    }

    fn plan<'a>(&'a mut self, run: &'a Run) -> PlanFuture<'a> {
        Box::pin(std::future::ready(Ok(next(run))))
    }
}

/// The next plan for a run in this state.
pub fn next(run: &Run) -> PlannerStep {
    let Some(request) = run.request() else {
        return PlannerStep::Conclude { note: String::new(), finding: Box::default() };
    };
    let facts = RunFacts::of(run);
    // A ticket that is a question or thanks gets no suspects. With a replay there is a failure.
    let has_replay = matches!(request.replay, ReplayPlan::Recipe(_));
    if run.called("ticket")
        && !has_replay
        && let Some(why) = ticket_purpose(&request.ticket).no_failure()
    {
        return PlannerStep::Conclude {
            note: String::new(),
            finding: Box::new(conclude::no_failure(run, why)),
        };
    }
    // Earlier incidents are checked twice: before the bisect by suspected culprits, after it by the proven one.
    let rules = [
        look_back,
        suspect_before_the_deadline,
        reproduce,
        look_for_fix,
        recheck,
        trace,
        suspect,
        recognise,
        locate,
        recognise,
        narrow,
        mend,
        prove_fix,
    ];
    if run.interrupted().is_none() {
        for rule in rules {
            if let Some(wanted) = rule(run, request, &facts) {
                return wanted.into_plan(run);
            }
        }
        if facts.needs_owner() && !run.called("owners") {
            let paths: Vec<String> = facts.paths_in_question(request);
            let calls = vec![("owners", json!({ "paths": paths }))];
            return Wanted { note: "asking who knows this code".into(), calls }.into_plan(run);
        }
    }
    PlannerStep::Conclude { note: String::new(), finding: Box::new(conclude::finding(run, request, &facts)) }
}

struct Wanted {
    note: String,
    calls: Vec<(&'static str, Value)>,
}

impl Wanted {
    fn one(note: impl Into<String>, tool: &'static str, arguments: Value) -> Option<Self> {
        Some(Self { note: note.into(), calls: vec![(tool, arguments)] })
    }

    fn into_plan(self, run: &Run) -> PlannerStep {
        let first = run.next_call_number();
        let calls = self.calls.into_iter().zip(first..).map(|((tool, arguments), number)| ToolCall {
            id: format!("c{number}"),
            name: tool.to_owned(),
            args: arguments,
        });
        PlannerStep::Call { note: self.note, calls: calls.collect() }
    }
}

/// Has a similar incident occurred, and what do the logs say? Both questions cost almost nothing.
fn look_back(run: &Run, request: &RunRequest, _: &RunFacts) -> Option<Wanted> {
    let mut calls = Vec::new();
    if !run.called("ticket") {
        calls.push(("ticket", json!({})));
    }
    if request.use_memory && !run.called("recall") {
        calls.push(("recall", json!({})));
    }
    if !request.logs.is_empty() && !run.called("log_changes") {
        calls.push(("log_changes", json!({})));
    }
    (!calls.is_empty())
        .then(|| Wanted { note: "reading the ticket and looking for similar incidents".into(), calls })
}

/// Does it fail at the failing revision, in the sandbox?
fn reproduce(run: &Run, request: &RunRequest, facts: &RunFacts) -> Option<Wanted> {
    let replayable = matches!(request.replay, ReplayPlan::Recipe(_))
        || facts.remembered_recipe()
        || facts.written.is_some();
    (replayable && !request.runs_nothing && !run.called("reproduce")).then_some(())?;
    // If what memory knows holds, nobody needs to know what the failure executes.
    let arguments = match facts.untested_resolution(run) {
        Some(_) => json!({ "traced": false }),
        None => json!({}),
    };
    Wanted::one("replaying the failure at the failing revision", "reproduce", arguments)
}

/// If the replay passes: was the failure fixed already, and by which commit?
fn look_for_fix(run: &Run, _: &RunRequest, facts: &RunFacts) -> Option<Wanted> {
    let passes = facts.reproduction.as_ref().is_some_and(|seen| seen.outcome == ReplayOutcome::Passes);
    (passes && !run.called("find_fix")).then_some(())?;
    Wanted::one("the replay passes there; looking for the commit that fixed it", "find_fix", json!({}))
}

/// Is a trusted resolution still valid here and now? Best match first, one at a time.
fn recheck(run: &Run, _: &RunRequest, facts: &RunFacts) -> Option<Wanted> {
    if facts.known().is_some() || run.failure("reproduce").is_some() {
        return None;
    }
    let candidate = facts.untested_resolution(run)?;
    Wanted::one(
        "checking a known resolution against this revision",
        "recheck",
        json!({ "resolution": candidate }),
    )
}

/// The trace that was left out while memory seemed to know the cause.
fn trace(run: &Run, _: &RunRequest, facts: &RunFacts) -> Option<Wanted> {
    let is_known = facts.known().is_some() || facts.untested_resolution(run).is_some();
    let mut reproductions = run.finished().filter(|(call, _)| call.name == "reproduce");
    let (first, _) = reproductions.next()?;
    let is_left_out = first.args["traced"] == json!(false) && reproductions.next().is_none();
    (is_left_out && facts.reproduced() && !is_known).then_some(())?;
    Wanted::one("recording what the failure executes", "reproduce", json!({}))
}

/// Ranks suspects before the replay if the run has a deadline, because a hanging replay could use up the time.
fn suspect_before_the_deadline(run: &Run, request: &RunRequest, _: &RunFacts) -> Option<Wanted> {
    let hurried = request.budget.deadline_ms.is_some();
    (hurried && !run.called("suspects")).then_some(())?;
    Wanted::one("ranking the commits of the range", "suspects", json!({}))
}

fn suspect(run: &Run, _: &RunRequest, facts: &RunFacts) -> Option<Wanted> {
    // Rank suspects even if memory knows the answer: a report names the suspects of its range, and a reader may doubt
    // memory.
    if !run.called("suspects") {
        return Wanted::one("ranking the commits of the range", "suspects", json!({}));
    }
    // The executed code says more than the ticket alone.
    let traced = facts.reproduction.as_ref().is_some_and(|seen| seen.executed_files > 0);
    (traced && run.comes_after("reproduce", "suspects")).then_some(())?;
    Wanted::one("ranking them again by the code that the failure ran", "suspects", json!({}))
}

fn locate(run: &Run, _: &RunRequest, facts: &RunFacts) -> Option<Wanted> {
    let reproduces = facts.reproduction.as_ref().is_some_and(|r| r.outcome == ReplayOutcome::Reproduces);
    (reproduces && facts.known().is_none()).then_some(())?;
    if facts.has_to_reopen(run) {
        let note = "the failure remains without the culprit; continuing the bisect with a higher estimate of \
                    lucky passes";
        return Wanted::one(note, "bisect", json!({}));
    }
    (!run.called("bisect")).then_some(())?;
    // If memory was outdated, the code showed which commit made the same fault again.
    let instead: Vec<&str> = facts.rechecks.iter().filter_map(|recheck| recheck.instead.as_deref()).collect();
    let args = if instead.is_empty() { json!({}) } else { json!({ "favour": instead }) };
    Wanted::one("bisecting, most probable first", "bisect", args)
}

/// Is this an earlier incident in other words? One replay without the code that was guilty then decides.
fn recognise(run: &Run, _: &RunRequest, facts: &RunFacts) -> Option<Wanted> {
    if facts.known().is_some() || !facts.reproduced() {
        return None;
    }
    let earlier = facts.unchecked_earlier(run)?;
    Wanted::one(
        format!("checking whether it is incident {} again", earlier.incident_id),
        "recheck",
        json!({ "resolution": earlier.resolution_id, "at_culprit": true }),
    )
}

fn narrow(run: &Run, request: &RunRequest, facts: &RunFacts) -> Option<Wanted> {
    let culprit = facts.proven_culprit()?;
    let allowed = request.budget.minimise_runs;
    (facts.known().is_none() && !called_since_bisect(run, "minimise") && allowed != Some(0)).then_some(())?;
    let args = match allowed {
        None => json!({ "commit": culprit }),
        Some(most) => json!({ "commit": culprit, "max_runs": most }),
    };
    Wanted::one("narrowing the culprit to its guilty hunks", "minimise", args)
}

fn mend(run: &Run, _: &RunRequest, facts: &RunFacts) -> Option<Wanted> {
    let culprit = facts.proven_culprit()?;
    // Skip a cause that a person rejected, and its fix.
    let wanted = facts.known().is_none() && facts.rejected_culprit().is_none();
    (wanted && !called_since_bisect(run, "propose_fix")).then_some(())?;
    Wanted::one("drafting candidate fixes", "propose_fix", json!({ "commit": culprit }))
}

fn prove_fix(_: &Run, _: &RunRequest, facts: &RunFacts) -> Option<Wanted> {
    if facts.known().is_some() || facts.fix_verified() || facts.fix_checks.len() >= FIX_ATTEMPTS {
        return None;
    }
    let candidate = facts.untested_candidate()?;
    Wanted::one("verifying a candidate fix", "verify_fix", json!({ "candidate": candidate }))
}
