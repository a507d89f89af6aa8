/*!
The playbook: the whole investigation by rules, deterministic, without a network.

It reads the state of the run and asks for what is missing, in the order in which a careful engineer would:
has this been seen, does it fail here, who is suspected, where does it flip, which lines, what mends it.
Each rule is a question about the state; the first one that wants something wins.
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

/// How many candidate fixes are tried before the report says that none held.
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
    // A question or thanks gets no suspects. With a replay there is something that fails.
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
    // Earlier incidents are recognised twice: by suspected culprits before the bisect, by the proven one after it.
    let rules = [
        look_back,
        suspect_before_the_deadline,
        reproduce,
        look_for_fix,
        recheck,
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

/// Has anything like this been seen, and what do the logs say? Both cost next to nothing.
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
    Wanted::one("replaying the failure at the failing revision", "reproduce", json!({}))
}

/// Where the replay passes: was it fixed already, and by which commit?
fn look_for_fix(run: &Run, _: &RunRequest, facts: &RunFacts) -> Option<Wanted> {
    let passes = facts.reproduction.as_ref().is_some_and(|seen| seen.outcome == ReplayOutcome::Passes);
    (passes && !run.called("find_fix")).then_some(())?;
    Wanted::one("the replay passes there; looking for the commit that fixed it", "find_fix", json!({}))
}

/// Is a resolution that memory trusts still true here and now? Best match first, one at a time.
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

/// A replay that hangs must not take all the time there is.
fn suspect_before_the_deadline(run: &Run, request: &RunRequest, _: &RunFacts) -> Option<Wanted> {
    let hurried = request.budget.deadline_ms.is_some();
    (hurried && !run.called("suspects")).then_some(())?;
    Wanted::one("ranking the commits of the range", "suspects", json!({}))
}

fn suspect(run: &Run, _: &RunRequest, facts: &RunFacts) -> Option<Wanted> {
    // Also where memory knows the answer: a report names the suspects of its range, and a reader may doubt memory.
    if !run.called("suspects") {
        return Wanted::one("ranking the commits of the range", "suspects", json!({}));
    }
    // What the failure went through says more than the ticket alone.
    let traced = facts.reproduction.as_ref().is_some_and(|seen| seen.executed_files > 0);
    (traced && run.comes_after("reproduce", "suspects")).then_some(())?;
    Wanted::one("ranking them again by the code that the failure ran", "suspects", json!({}))
}

fn locate(run: &Run, _: &RunRequest, facts: &RunFacts) -> Option<Wanted> {
    let reproduces = facts.reproduction.as_ref().is_some_and(|r| r.outcome == ReplayOutcome::Reproduces);
    (reproduces && facts.known().is_none()).then_some(())?;
    if facts.has_to_reopen(run) {
        let note =
            "the failure stays without the culprit; bisecting on, with what that says about lucky passes";
        return Wanted::one(note, "bisect", json!({}));
    }
    (!run.called("bisect")).then_some(())?;
    // Where memory was outdated, the code told who did the same again.
    let instead: Vec<&str> = facts.rechecks.iter().filter_map(|recheck| recheck.instead.as_deref()).collect();
    let args = if instead.is_empty() { json!({}) } else { json!({ "favour": instead }) };
    Wanted::one("bisecting, most probable first", "bisect", args)
}

/// Is it an earlier incident told in other words? One replay without what was guilty then tells.
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
    // A person has rejected this cause and its fix.
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
