/*!
What is worth saying, before any format: what the verdict means, what was proven and by which runs, what to do
next and with which command. Plain words for somebody who was woken by this. Nothing here says more than the
report's own runs show: each check is derived from runs, not from the verdict.
*/

use millwright_memory::types::{
    CauseKind, CheckResult, Fix, FixKind, HypothesisStatus, Proof, ReplayOutcome, ReplayRun, Report,
    RootCause, SandboxLevel, Verdict,
};

use super::context::RenderContext;
use super::diff::{self, Diff};
use super::text::{count, line, percent, shell_word, short};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Good,
    Bad,
    Open,
}

/// One thing that was tried, and what came out.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) mark: Mark,
    pub(super) text: String,
    /// Positions in `replay.runs`, from 1.
    pub(super) runs: Vec<usize>,
}

/// One thing to do, with the command that does it where there is one.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) text: String,
    pub(super) command: Option<String>,
}

impl Step {
    fn say(text: impl Into<String>) -> Self {
        Self { text: text.into(), command: None }
    }

    fn run(text: impl Into<String>, command: String) -> Self {
        Self { text: text.into(), command: Some(command) }
    }
}

pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Known => "KNOWN",
        Verdict::Verified => "VERIFIED",
        Verdict::Confirmed => "CONFIRMED",
        Verdict::Probable => "PROBABLE",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::NotAnIncident => "NOT AN INCIDENT",
    }
}

/// What the verdict means here, as a half-sentence.
pub fn verdict_meaning(report: &Report) -> String {
    match report.verdict {
        Verdict::Known => "seen before, and what was known of it was checked again now".to_owned(),
        Verdict::Verified => match report.fix.as_ref().map(|fix| fix.tests) {
            Some(CheckResult::Pass) => {
                "cause proven by replay; the fix passes, and the project's tests are not worse".to_owned()
            }
            _ => "cause proven by replay; the fix passes; project tests NOT RUN".to_owned(),
        },
        Verdict::Confirmed => "cause proven by replay; no fix has passed yet".to_owned(),
        Verdict::Probable => match &report.root_cause {
            Some(cause) => format!("{} likely, not proven by a replay", percent(cause.confidence)),
            None => "likely, not proven by a replay".to_owned(),
        },
        Verdict::Inconclusive => "the cause is not known; below is what is missing".to_owned(),
        Verdict::NotAnIncident => "nothing here calls for a change".to_owned(),
    }
}

pub(super) fn kind_words(kind: CauseKind) -> &'static str {
    match kind {
        CauseKind::CodeChange => "a code change",
        CauseKind::Configuration => "a configuration",
        CauseKind::Dependency => "a dependency",
        CauseKind::Data => "the data",
        CauseKind::Infrastructure => "the infrastructure",
        CauseKind::External => "something outside",
        CauseKind::NotABug => "not a bug",
    }
}

pub fn proof_words(proof: Proof) -> &'static str {
    match proof {
        Proof::None => "not proven",
        Proof::Reproduced => "failure reproduced",
        Proof::CauseConfirmed => "cause confirmed by replay",
        Proof::FixVerified => "fix verified by replay",
    }
}

pub(super) fn outcome_words(outcome: ReplayOutcome) -> &'static str {
    match outcome {
        ReplayOutcome::Passes => "passes",
        ReplayOutcome::Reproduces => "fails the same way",
        ReplayOutcome::OtherFailure => "fails in another way",
        ReplayOutcome::CannotTest => "cannot be tested",
    }
}

pub(super) fn check_words(result: CheckResult) -> &'static str {
    match result {
        CheckResult::Pass => "pass",
        CheckResult::Fail => "fail",
        CheckResult::NotRun => "not run",
    }
}

/// `partial revert, only the guilty lines (1 file, 3 lines added, 1 removed)`.
pub(super) fn fix_words(fix: &Fix, diff: &Diff) -> String {
    let kind = match fix.kind {
        FixKind::Known => "known fix",
        FixKind::Revert => "revert of the whole commit",
        FixKind::PartialRevert => "partial revert, only the guilty lines",
        FixKind::Patch => "patch",
    };
    let files = count(diff.files.len(), "file");
    format!("{kind} ({files}, {} added, {} removed)", count(diff.added(), "line"), diff.removed())
}

pub(super) fn sandbox_words(level: SandboxLevel) -> &'static str {
    match level {
        SandboxLevel::Full => "full sandbox",
        SandboxLevel::Reduced => "reduced sandbox (no namespaces here)",
        SandboxLevel::None => "NO sandbox, as was asked for",
    }
}

/// How the cause and the fix were proven, from the runs themselves.
pub(super) fn checks(report: &Report, context: &RenderContext) -> Vec<Check> {
    let mut checks = Vec::new();
    let Some(replay) = &report.replay else {
        return checks;
    };
    let runs = &replay.runs;
    let of = |wanted: &dyn Fn(&ReplayRun) -> bool| -> Vec<usize> {
        runs.iter().enumerate().filter(|(_, run)| wanted(run)).map(|(at, _)| at + 1).collect()
    };
    let plain = |commit: &str, outcome| {
        of(&|run: &ReplayRun| !run.patched && run.commit == commit && run.outcome == outcome)
    };
    let times = |found: &[usize]| match found.len() {
        1 => String::new(),
        n => format!(", {n} times"),
    };
    // A suspect is not called the culprit.
    let settled = matches!(report.verdict, Verdict::Known | Verdict::Verified | Verdict::Confirmed);
    let culprit = report.root_cause.as_ref().filter(|_| settled).and_then(|cause| cause.commit.as_deref());
    if let Some(bad) = context.failing_revision.as_deref() {
        let found = plain(bad, ReplayOutcome::Reproduces);
        if !found.is_empty() && culprit != Some(bad) {
            let text = format!("fails at the failing revision {}{}", short(bad), times(&found));
            checks.push(Check { mark: Mark::Bad, text, runs: found });
        }
    } else if replay.reproduced && culprit.is_none() {
        checks.push(Check {
            mark: Mark::Bad,
            text: "fails at the failing revision".to_owned(),
            runs: vec![],
        });
    }
    if !replay.reproduced {
        let text = match runs.iter().rfind(|run| !run.patched).map(|run| run.outcome) {
            Some(ReplayOutcome::Passes) => "the replay passes at the failing revision",
            Some(ReplayOutcome::OtherFailure) => "the replay fails in another way at the failing revision",
            Some(ReplayOutcome::CannotTest) => "the replay cannot be run at the failing revision",
            Some(ReplayOutcome::Reproduces) | None => "could not be reproduced at the failing revision",
        };
        let text = text.to_owned();
        checks.push(Check { mark: Mark::Open, text, runs: vec![] });
    }
    if let Some(culprit) = culprit {
        let found = plain(culprit, ReplayOutcome::Reproduces);
        if !found.is_empty() {
            let text = format!("fails at the culprit {}{}", short(culprit), times(&found));
            checks.push(Check { mark: Mark::Bad, text, runs: found });
        }
        let parents = context.culprit.as_ref().map_or(&[][..], |view| &view.parents);
        for parent in parents {
            let found = plain(parent, ReplayOutcome::Passes);
            if !found.is_empty() {
                let text = format!("passes at its parent {}{}", short(parent), times(&found));
                checks.push(Check { mark: Mark::Good, text, runs: found });
            }
        }
    }
    if let Some(fix) = &report.fix {
        fix_checks(fix, report, context, &mut checks);
    }
    checks
}

fn fix_checks(fix: &Fix, report: &Report, context: &RenderContext, checks: &mut Vec<Check>) {
    let runs = report.replay.as_ref().map_or(&[][..], |replay| &replay.runs);
    let bad = context.failing_revision.as_deref();
    let last = runs
        .iter()
        .rposition(|run| {
            run.patched && run.outcome == ReplayOutcome::Passes && bad.is_none_or(|bad| run.commit == bad)
        })
        .map(|at| at + 1);
    match fix.replay {
        CheckResult::Pass => checks.push(Check {
            mark: Mark::Good,
            text: "passes at the failing revision with the fix".to_owned(),
            runs: last.into_iter().collect(),
        }),
        CheckResult::Fail => {
            checks.push(Check { mark: Mark::Bad, text: "still fails with the fix".to_owned(), runs: vec![] })
        }
        CheckResult::NotRun => {}
    }
    let (mark, text) = match fix.tests {
        CheckResult::Pass => (Mark::Good, "the project's tests are not worse with the fix".to_owned()),
        CheckResult::Fail => (Mark::Bad, "the project's tests are worse with the fix".to_owned()),
        CheckResult::NotRun => (Mark::Open, "the project's tests were NOT RUN".to_owned()),
    };
    checks.push(Check { mark, text, runs: vec![] });
}

/// One line on the effort: `7 runs narrowed 150 commits to one (halving takes 8); full sandbox; …`.
pub(super) fn effort(report: &Report) -> Option<String> {
    let replay = report.replay.as_ref()?;
    let mut parts = Vec::new();
    match &replay.bisect {
        Some(bisect) => {
            let halving = u32::BITS - bisect.range.saturating_sub(1).leading_zeros();
            let runs = count(bisect.runs as usize, "run");
            let range = count(bisect.range as usize, "commit");
            let skipped = match bisect.skipped {
                0 => String::new(),
                n => format!(", {n} skipped"),
            };
            parts.push(format!("{runs} over {range} (halving takes {halving}){skipped}"));
        }
        None => parts.push(count(replay.runs.len(), "run")),
    }
    parts.push(sandbox_words(replay.sandbox).to_owned());
    if replay.flaky_rate > 0.0 {
        let text = format!("flaky: {} of the runs with the fault did not fail", percent(replay.flaky_rate));
        parts.push(text);
    }
    Some(parts.join("; "))
}

/// How to take the fix into a work tree.
pub(super) fn apply_steps(fix: &Fix, report: &Report, context: &RenderContext) -> Vec<Step> {
    let git = match context.repository.as_deref() {
        Some(path) if path != "." => format!("git -C {}", shell_word(path)),
        _ => "git".to_owned(),
    };
    let commit = report.root_cause.as_ref().and_then(|cause| cause.commit.as_deref());
    let mut steps = Vec::new();
    match &context.fix_file {
        Some(file) => steps.push(Step::run("Apply it", format!("{git} apply {}", shell_word(file)))),
        None if fix.kind != FixKind::Revert || commit.is_none() => {
            steps.push(Step::run("Save the diff as fix.patch, then", format!("{git} apply fix.patch")));
        }
        None => {}
    }
    if let (FixKind::Revert, Some(commit)) = (fix.kind, commit) {
        let text = if steps.is_empty() { "Revert the commit" } else { "Or revert the commit" };
        steps.push(Step::run(text, format!("{git} revert {}", shell_word(commit))));
    }
    steps
}

/// What to do now, most useful first.
pub(super) fn next_steps(report: &Report, context: &RenderContext) -> Vec<Step> {
    let mut steps = Vec::new();
    let fixed = report.fix.as_ref().filter(|fix| fix.replay == CheckResult::Pass);
    match report.verdict {
        Verdict::Known | Verdict::Verified => {
            if let Some(fix) = fixed {
                steps.extend(apply_steps(fix, report, context));
                steps.extend(tests_step(fix, context));
                steps.push(Step::say("Ship it, and keep the replay as a regression test"));
            } else if report.verdict == Verdict::Known {
                steps.push(Step::say("Do what mended it then (see the similar incident below)"));
            }
        }
        Verdict::Confirmed => {
            let tried = match report.fix {
                Some(_) => "The fix above did not hold; change the guilty lines by hand",
                None => "No fix has passed yet; change the guilty lines by hand",
            };
            steps.push(Step::say(tried));
            if let Some(command) = &context.replay_command {
                steps.push(Step::run("Until this passes", line(command, 2_000)));
            }
            if let Some(view) = &context.culprit {
                steps.push(Step::say(format!("{} wrote the commit", line(&view.author, 80))));
            }
        }
        Verdict::Probable => {
            if let Some(commit) = report.root_cause.as_ref().and_then(|cause| cause.commit.as_deref()) {
                let repository = context.repository.as_deref().unwrap_or(".");
                let git = format!("git -C {} show {}", shell_word(repository), shell_word(commit));
                steps.push(Step::run("Read the named commit with the ticket in mind", git));
            }
            if report.suspects.len() > 1 {
                steps.push(Step::say("If it is not this one, take the suspects in their order"));
            }
            if context.replay_command.is_none() {
                let text = "To have it proven, investigate again with a command that fails because of this";
                steps.push(Step::run(text, "millwright investigate … --replay 'COMMAND'".to_owned()));
            }
        }
        Verdict::Inconclusive => {
            for missing in report.escalate.iter().flat_map(|escalate| &escalate.missing).take(8) {
                steps.push(Step::say(format!("Missing: {}", line(missing, 500))));
            }
        }
        Verdict::NotAnIncident => steps.push(Step::say("Close the ticket with this explanation")),
    }
    if let Some(escalate) = &report.escalate {
        steps.push(Step::say(format!("Ask {} ({})", line(&escalate.to, 120), line(&escalate.because, 300))));
    }
    steps
}

fn tests_step(fix: &Fix, context: &RenderContext) -> Option<Step> {
    match (fix.tests, &context.tests_command) {
        (CheckResult::Pass, _) => None,
        (_, Some(command)) => Some(Step::run("Run the project's tests first", line(command, 2_000))),
        (_, None) => Some(Step::say(
            "Run the project's tests first: none were run, since no test command is known (--tests 'COMMAND')",
        )),
    }
}

/// The summary of a report: cause, proof and fix in a few sentences. Says when tests were not run.
pub fn summarise(report: &Report, context: &RenderContext) -> String {
    let mut sentences = Vec::new();
    match (&report.root_cause, report.verdict) {
        (Some(cause), _) => sentences.push(cause_sentence(cause, report, context)),
        (None, Verdict::NotAnIncident) => {
            let why = report.hypotheses.iter().find(|idea| idea.status == HypothesisStatus::Supported);
            sentences.push("Nothing here calls for a change.".to_owned());
            sentences.extend(why.map(|idea| sentence(&line(&idea.statement, 600))));
        }
        (None, _) => sentences.push("The cause could not be found.".to_owned()),
    }
    match report.verdict {
        Verdict::Known => {
            if let Some(similar) = report.similar.first() {
                let id = line(&similar.incident_id, 80);
                sentences.push(format!("Known from incident {id} and checked again now."));
            }
        }
        Verdict::Verified | Verdict::Confirmed => {
            sentences.push("The replay fails at this commit and passes at its parent.".to_owned());
        }
        Verdict::Probable => sentences.push("No replay has proven it.".to_owned()),
        Verdict::Inconclusive => {
            if let Some(missing) = report.escalate.as_ref().and_then(|escalate| escalate.missing.first()) {
                sentences.push(format!("Most of all, this is missing: {}.", line(missing, 300)));
            }
        }
        Verdict::NotAnIncident => {}
    }
    if let Some(fix) = &report.fix {
        let words = fix_words(fix, &diff::parse(&fix.diff));
        match (fix.replay, fix.tests) {
            (CheckResult::Pass, CheckResult::Pass) => {
                sentences
                    .push(format!("The replay passes with the fix, a {words}, and tests are not worse."));
            }
            (CheckResult::Pass, CheckResult::Fail) => {
                sentences.push(format!("The replay passes with a {words}, but tests are worse with it."));
            }
            (CheckResult::Pass, CheckResult::NotRun) => {
                let text = format!("The replay passes with the fix, a {words}. Project tests were not run.");
                sentences.push(text);
            }
            (CheckResult::Fail, _) => sentences.push(format!("A {words} did not mend it.")),
            (CheckResult::NotRun, _) => sentences.push(format!("A {words} is proposed, but was not tried.")),
        }
    }
    sentences.join(" ")
}

fn cause_sentence(cause: &RootCause, report: &Report, context: &RenderContext) -> String {
    let statement = line(&cause.statement, 600);
    let subject = context.culprit.as_ref().map(|view| view.subject.as_str()).or_else(|| {
        report
            .suspects
            .iter()
            .find(|suspect| Some(&suspect.commit) == cause.commit.as_ref())
            .map(|s| &*s.subject)
    });
    let named = cause.commit.as_deref().is_some_and(|commit| statement.contains(&short(commit)));
    let statement = sentence(&statement);
    match (cause.commit.as_deref(), subject) {
        (Some(commit), Some(subject)) if !named => {
            format!("{statement} It came with commit {} ({}).", short(commit), line(subject, 120))
        }
        (Some(commit), None) if !named => format!("{statement} It came with commit {}.", short(commit)),
        _ => statement,
    }
}

fn sentence(text: &str) -> String {
    let end = if text.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{text}{end}")
}
