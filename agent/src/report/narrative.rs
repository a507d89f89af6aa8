/*!
The content of a report, independent of the format: what was proven and by which runs, and what to do next with which
command. The text is plain, for an engineer on call at night. It says no more than the report's own runs show: each
check is derived from runs, not from the verdict.
*/

use millwright_model::{
    CheckResult, Fix, FixKind, FourWay, HypothesisStatus, Proof, ReplayOutcome, ReplayRun, Report, RootCause,
    TestsDetail, TestsResult, Verdict,
};
use millwright_redaction::placeholders;

use super::context::RenderContext;
use super::diff;
use super::phrasing::{beyond_words, fix_words, four_way_words, sandbox_words, sentence, tests_words};
use super::text::{count, line, patch, percent, shell_script, shell_word, short};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CheckMark {
    Good,
    Bad,
    Open,
}

/// One check and its result.
#[derive(Debug)]
pub(super) struct ReportCheck {
    pub(super) mark: CheckMark,
    pub(super) text: String,
    /// Positions in `replay.runs`, from 1.
    pub(super) runs: Vec<usize>,
}

/// One action, with its command if there is one.
#[derive(Debug)]
pub(super) struct NextStep {
    pub(super) text: String,
    pub(super) command: Option<String>,
}

impl NextStep {
    fn say(text: impl Into<String>) -> Self {
        Self { text: text.into(), command: None }
    }

    fn run(text: impl Into<String>, command: String) -> Self {
        Self { text: text.into(), command: Some(command) }
    }
}

/// The checks that prove the cause and the fix, from the runs themselves.
pub(super) fn checks(report: &Report, context: &RenderContext) -> Vec<ReportCheck> {
    let mut checks = Vec::new();
    let Some(replay) = &report.replay else {
        return checks;
    };
    let runs = &replay.runs;
    let of = |wanted: &dyn Fn(&ReplayRun) -> bool| -> Vec<usize> {
        runs.iter().enumerate().filter(|(_, run)| wanted(run)).map(|(at, _)| at + 1).collect()
    };
    let plain = |commit: &str, outcome| {
        of(&|run: &ReplayRun| run.is_plain() && run.commit == commit && run.outcome == outcome)
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
            // A failure that the check expected counts as a success.
            checks.push(ReportCheck { mark: CheckMark::Good, text, runs: found });
        }
    } else if replay.reproduced && culprit.is_none() {
        checks.push(ReportCheck {
            mark: CheckMark::Good,
            text: "fails at the failing revision".to_owned(),
            runs: vec![],
        });
    }
    if !replay.reproduced {
        let text = match runs.iter().rfind(|run| run.is_plain()).map(|run| run.outcome) {
            Some(ReplayOutcome::Passes) => "the replay passes at the failing revision",
            Some(ReplayOutcome::OtherFailure) => "the replay fails in another way at the failing revision",
            Some(ReplayOutcome::CannotTest) => "the replay cannot be run at the failing revision",
            Some(ReplayOutcome::Reproduces) | None => "could not be reproduced at the failing revision",
        };
        let text = text.to_owned();
        checks.push(ReportCheck { mark: CheckMark::Open, text, runs: vec![] });
    }
    if let Some(culprit) = culprit {
        let found = plain(culprit, ReplayOutcome::Reproduces);
        if !found.is_empty() {
            let text = format!("fails at the culprit {}{}", short(culprit), times(&found));
            checks.push(ReportCheck { mark: CheckMark::Good, text, runs: found });
        }
        let parents = context.culprit.as_ref().map_or(&[][..], |view| &view.parents);
        for parent in parents {
            let found = plain(parent, ReplayOutcome::Passes);
            if !found.is_empty() {
                let text = format!("passes at its parent {}{}", short(parent), times(&found));
                checks.push(ReportCheck { mark: CheckMark::Good, text, runs: found });
            }
        }
    }
    if let Some(fix) = &report.fix {
        fix_checks(fix, report, context, &mut checks);
    }
    checks
}

fn fix_checks(fix: &Fix, report: &Report, context: &RenderContext, checks: &mut Vec<ReportCheck>) {
    let runs = report.replay.as_ref().map_or(&[][..], |replay| &replay.runs);
    let bad = context.failing_revision.as_deref();
    let last = runs
        .iter()
        .rposition(|run| {
            run.patched && run.outcome == ReplayOutcome::Passes && bad.is_none_or(|bad| run.commit == bad)
        })
        .map(|at| at + 1);
    match fix.replay {
        CheckResult::Pass => checks.push(ReportCheck {
            mark: CheckMark::Good,
            text: "passes at the failing revision with the fix".to_owned(),
            runs: last.into_iter().collect(),
        }),
        CheckResult::Fail => checks.push(ReportCheck {
            mark: CheckMark::Bad,
            text: "still fails with the fix".to_owned(),
            runs: vec![],
        }),
        CheckResult::NotRun => {}
    }
    if fix.proven_then.is_some() {
        let text = "the project's tests and the four-way check were NOT RUN again".to_owned();
        checks.push(ReportCheck { mark: CheckMark::Open, text, runs: vec![] });
        return;
    }
    checks.push(tests_check(fix.tests, fix.tests_detail.as_ref()));
    checks.extend(fix.four_way.as_ref().map(four_way_check));
}

fn tests_check(tests: TestsResult, detail: Option<&TestsDetail>) -> ReportCheck {
    let why = detail.map(|detail| detail.because.trim_end_matches('.'));
    let why =
        why.filter(|why| !why.is_empty()).map(|why| format!(": {}", line(why, 400))).unwrap_or_default();
    let (mark, text) = match tests {
        TestsResult::Pass => (CheckMark::Good, "the project's tests are not worse with the fix"),
        TestsResult::Fail => (CheckMark::Bad, "the project's tests are worse with the fix"),
        TestsResult::NotComparable => (CheckMark::Open, "the project's tests CANNOT BE COMPARED"),
        TestsResult::CouldNotRun => (CheckMark::Open, "the project's tests COULD NOT BE RUN"),
        TestsResult::NotRun => (CheckMark::Open, "the project's tests were NOT RUN"),
    };
    ReportCheck { mark, text: format!("{text}{why}"), runs: vec![] }
}

fn four_way_check(check: &FourWay) -> ReportCheck {
    let mark = match (check.contradicted, check.held()) {
        (0, true) => CheckMark::Good,
        (0, false) => CheckMark::Open,
        _ => CheckMark::Bad,
    };
    ReportCheck { mark, text: four_way_words(check), runs: vec![] }
}

/// The heading of the section of [`checks`]; an answer from memory was proven earlier and checked again now.
pub(super) fn checks_heading(report: &Report) -> &'static str {
    if report.verdict == Verdict::Known { "What was checked again now" } else { "How it was proven" }
}

/// The checks from the time when a known fix was proven, with their heading. None of them ran now.
pub(super) fn checks_then(report: &Report) -> Option<(String, Vec<ReportCheck>)> {
    let fix = report.fix.as_ref()?;
    let then = fix.proven_then.as_ref()?;
    let mut checks = Vec::new();
    if fix.proof >= Proof::CauseConfirmed {
        let text = "the replay failed at the culprit and passed at its parent".to_owned();
        checks.push(ReportCheck { mark: CheckMark::Good, text, runs: vec![] });
    }
    checks.push(tests_check(then.checks.tests, then.checks.tests_detail.as_ref()));
    checks.extend(then.checks.four_way.as_ref().map(four_way_check));
    Some((format!("What was shown when it was proven, on {}", line(&then.on, 40)), checks))
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

/// How to apply the fix to a work tree.
pub(super) fn apply_steps(fix: &Fix, report: &Report, context: &RenderContext) -> Vec<NextStep> {
    let git = match context.repository.as_deref() {
        Some(path) if path != "." => format!("git -C {}", shell_word(path)),
        _ => "git".to_owned(),
    };
    let commit = report.root_cause.as_ref().and_then(|cause| cause.commit.as_deref());
    let mut steps = Vec::new();
    if !placeholders(&fix.diff).is_empty() {
        steps.push(NextStep::say(
            "First restore the masked values in the diff (such as [EMAIL_1]): git applies it only if it \
             matches the file",
        ));
    }
    match &context.fix_file {
        Some(file) => steps.push(NextStep::run("Apply it", format!("{git} apply {}", shell_word(file)))),
        None if fix.kind != FixKind::Revert || commit.is_none() => {
            // `git -C` would search for the file in the repository.
            let file = if git == "git" { "fix.patch" } else { "\"$PWD/fix.patch\"" };
            steps.push(NextStep::run(
                "Save the diff as fix.patch (or investigate again with --write-fix fix.patch), then",
                format!("{git} apply {file}"),
            ));
        }
        None => {}
    }
    if let (FixKind::Revert, Some(commit)) = (fix.kind, commit) {
        let text = if steps.is_empty() { "Revert the commit" } else { "Or revert the commit" };
        steps.push(NextStep::run(text, format!("{git} revert {}", shell_word(commit))));
    }
    steps
}

/// A command that can be pasted anywhere: it changes to the repository first. Several lines stay several lines.
fn in_repository(command: &str, context: &RenderContext) -> String {
    let command = patch(command);
    let command = command.trim();
    let command = match command.contains('\n') {
        true => format!("sh -c {}", shell_script(command)),
        false => command.to_owned(),
    };
    match context.repository.as_deref() {
        Some(path) if path != "." => format!("(cd {} && {command})", shell_word(path)),
        _ => command,
    }
}

/// What to do now, most useful first.
pub(super) fn next_steps(report: &Report, context: &RenderContext) -> Vec<NextStep> {
    let mut steps = Vec::new();
    let fixed = report.fix.as_ref().filter(|fix| fix.replay == CheckResult::Pass);
    match report.verdict {
        Verdict::Known | Verdict::Verified => {
            if let Some(fix) = fixed {
                steps.extend(apply_steps(fix, report, context));
                steps.extend(tests_step(fix, context));
                steps.push(NextStep::say(match report.verdict {
                    Verdict::Verified => "Ship it, and keep the replay as a regression test",
                    _ => "Keep the replay as a regression test",
                }));
            } else if report.verdict == Verdict::Known {
                let command = report.similar.iter().find(|similar| similar.recheck == CheckResult::Pass);
                let data_dir = context.data_dir.as_deref();
                let data_dir =
                    data_dir.map(|dir| format!(" --data-dir {}", shell_word(dir))).unwrap_or_default();
                let command = command.map(|similar| {
                    format!("millwright memory show {}{data_dir}", shell_word(similar.incident_id.as_str()))
                });
                let text = "Apply the earlier resolution; to see it".to_owned();
                steps.push(NextStep { text, command });
            }
        }
        Verdict::Confirmed => {
            let tried = match (&report.fix, report.tried.is_empty()) {
                (Some(fix), _) if fix.is_stopgap => {
                    "The fix removes a protection: use it as a stopgap at most, and change the guilty lines \
                     by hand"
                }
                (Some(_), _) => {
                    "The replay passes with the fix, and nothing else confirms it: have it reviewed by \
                     somebody who knows this code"
                }
                (None, false) => {
                    "None of the fixes that were tried is verified; change the guilty lines by hand"
                }
                (None, true) => "No fix has passed yet; change the guilty lines by hand",
            };
            steps.push(NextStep::say(tried));
            steps.extend(report.fix.as_ref().and_then(|fix| tests_step(fix, context)));
            if let Some(command) = &context.replay_command {
                steps.push(NextStep::run("Until this passes", in_repository(command, context)));
            }
            if let Some(view) = &context.culprit {
                steps.push(NextStep::say(format!("{} wrote the commit", line(&view.author, 80))));
            }
        }
        Verdict::Probable => {
            if let Some(commit) = report.root_cause.as_ref().and_then(|cause| cause.commit.as_deref()) {
                let repository = context.repository.as_deref().unwrap_or(".");
                let git = format!("git -C {} show {}", shell_word(repository), shell_word(commit));
                steps.push(NextStep::run("Read the named commit with the ticket in mind", git));
            }
            if report.suspects.len() > 1 {
                steps.push(NextStep::say("If it is not this one, check the suspects in order"));
            }
            if context.replay_command.is_none() {
                steps.push(NextStep::say(
                    "To prove it, investigate again with a command that fails because of this (--replay CMD)",
                ));
            }
        }
        Verdict::Inconclusive => {
            for missing in report.escalate.iter().flat_map(|escalate| &escalate.missing).take(8) {
                steps.push(NextStep::say(format!("Missing: {}", line(missing, 500))));
            }
        }
        Verdict::NotAnIncident => steps.push(NextStep::say("Close the ticket with this explanation")),
    }
    if let Some(escalate) = &report.escalate {
        let to = context.contact.as_deref().unwrap_or(&escalate.to);
        steps.push(NextStep::say(format!("Ask {} ({})", line(to, 120), line(&escalate.because, 300))));
    }
    steps
}

fn tests_step(fix: &Fix, context: &RenderContext) -> Option<NextStep> {
    match (fix.tests, &context.tests_command) {
        (TestsResult::Pass, _) => None,
        (TestsResult::NotRun, None) if fix.proven_then.is_some() => Some(NextStep::say(
            "Run the project's tests first: an answer from memory does not run them again",
        )),
        (TestsResult::NotRun, None) => Some(NextStep::say(
            "Run the project's tests first: none were run, since no test command is known (--tests 'COMMAND')",
        )),
        (_, Some(command)) => {
            let why = fix.tests_detail.as_ref().map(|detail| detail.because.as_str()).unwrap_or_default();
            let why = if why.is_empty() { String::new() } else { format!(" ({})", line(why, 200)) };
            Some(NextStep::run(
                format!("Run the project's tests first{why}"),
                in_repository(command, context),
            ))
        }
        (_, None) => Some(NextStep::say("Run the project's tests first")),
    }
}

/// The summary of a report: cause, proof and fix in a few sentences. Says so if no tests ran.
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
                let id = line(similar.incident_id.as_str(), 80);
                sentences.push(format!("Known from incident {id} and checked again now."));
            }
        }
        Verdict::Verified | Verdict::Confirmed => {
            sentences.push("The replay fails at this commit and passes at its parent.".to_owned());
        }
        Verdict::Probable => sentences.push("No replay has proven it.".to_owned()),
        Verdict::Inconclusive => {
            if let Some(missing) = report.escalate.as_ref().and_then(|escalate| escalate.missing.first()) {
                sentences.push(format!("The most important missing input: {}.", line(missing, 300)));
            }
        }
        Verdict::NotAnIncident => {}
    }
    if let Some(fix) = &report.fix {
        let words = fix_words(fix, &diff::parse(&fix.diff));
        sentences.push(match (fix.replay, fix.proof) {
            (CheckResult::Pass, Proof::FixVerified) => {
                format!("The replay passes with the fix, a {words}; {}.", beyond_words(fix))
            }
            (CheckResult::Pass, _) => format!(
                "The replay passes with a {words}, which is not verified: the project's tests: {}.",
                tests_words(fix.tests)
            ),
            (CheckResult::Fail, _) => format!("A {words} did not fix it."),
            (CheckResult::NotRun, _) => format!("A {words} is proposed, but was not tried."),
        });
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
