/*!
What is worth saying, before any format: what the verdict means, what was proven and by which runs, what to do
next and with which command. Plain words for somebody who was woken by this. Nothing here says more than the
report's own runs show: each check is derived from runs, not from the verdict.
*/

use millwright_memory::types::{
    CauseKind, CheckResult, FailureAgreement, Fix, FixKind, FourWay, HypothesisStatus, Proof, ReplayOutcome,
    ReplayRun, Report, Resolution, RootCause, SandboxLevel, TestsResult, Verdict,
};

use super::context::RenderContext;
use super::diff::{self, Diff};
use super::text::{count, duration, line, percent, shell_word, short};

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
        Verdict::Verified => {
            let beyond = report.fix.as_ref().map(beyond_words).unwrap_or_default();
            format!("cause proven by replay; the fix passes it, and {beyond}")
        }
        Verdict::Confirmed => match &report.fix {
            Some(fix) if fix.is_stopgap => {
                "cause proven by replay; the fix takes a protection back: a stopgap at most".to_owned()
            }
            Some(_) => {
                "cause proven by replay; a fix passes it, and nothing more shows that it is right".to_owned()
            }
            None => "cause proven by replay; no fix has passed yet".to_owned(),
        },
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

pub(super) fn tests_words(result: TestsResult) -> &'static str {
    match result {
        TestsResult::Pass => "not worse",
        TestsResult::Fail => "worse",
        TestsResult::NotComparable => "cannot be compared",
        TestsResult::CouldNotRun => "could not be run",
        TestsResult::NotRun => "not run",
    }
}

/// What speaks for a fix beyond the replay: `120 of the project's tests ran with it and none newly fails`.
pub(super) fn beyond_words(fix: &Fix) -> String {
    let mut parts = Vec::new();
    if fix.tests == TestsResult::Pass {
        let ran = fix.tests_detail.as_ref().map_or(0, |detail| detail.ran);
        parts.push(format!("of {ran} tests that ran none newly fails"));
    }
    if let Some(check) = fix.four_way.as_ref().filter(|check| check.held()) {
        parts.push(format!("the four-way check held on {} inputs", check.deciding));
    }
    match parts.is_empty() {
        true => "nothing beyond the replay was run".to_owned(),
        false => parts.join("; "),
    }
}

/// What the four-way check showed, as a sentence part.
pub(super) fn four_way_words(check: &FourWay) -> String {
    let time = duration(check.wall_ms);
    if check.contradicted > 0 {
        return format!(
            "the four-way check contradicts it on {} of {} inputs ({time})",
            check.contradicted, check.inputs
        );
    }
    match check.held() {
        true => format!(
            "the four-way check held on {} deciding inputs of {} ({time})",
            check.deciding, check.inputs
        ),
        false => format!(
            "the four-way check found {} deciding inputs among {}, and it takes {} ({time})",
            check.deciding,
            check.inputs,
            FourWay::DECIDING
        ),
    }
}

/// What is known of a fix, sentence by sentence, for channels that show no report: whether it is verified, what the
/// tests and the four-way check showed, and what it takes away.
pub fn fix_sentences(fix: &Fix) -> Vec<String> {
    let mut out = vec![match (fix.proof, fix.replay) {
        (Proof::FixVerified, _) => {
            format!("The fix is verified: the replay passes with it, and {}.", beyond_words(fix))
        }
        (_, CheckResult::Pass) if fix.is_stopgap => {
            "The replay passes with a fix that takes a protection back: a stopgap at most.".to_owned()
        }
        (_, CheckResult::Pass) => {
            "The replay passes with a candidate fix; nothing beyond the replay shows that it is right."
                .to_owned()
        }
        (_, CheckResult::Fail) => "The replay fails with the candidate fix.".to_owned(),
        (_, CheckResult::NotRun) => "A fix is proposed; it was not run.".to_owned(),
    }];
    let detail =
        fix.tests_detail.as_ref().map(|detail| line(&detail.because, 300)).filter(|why| !why.is_empty());
    out.push(sentence(&match detail {
        Some(why) => format!("Project tests: {} ({})", tests_words(fix.tests), why.trim_end_matches('.')),
        None => format!("Project tests: {}", tests_words(fix.tests)),
    }));
    if let Some(check) = &fix.four_way {
        let mut words = four_way_words(check);
        if let Some(first) = words.get(..1).map(str::to_uppercase) {
            words.replace_range(..1, &first);
        }
        out.push(sentence(&words));
    }
    out.extend(
        fix.takes_away.iter().take(3).map(|item| sentence(&format!("It takes away: {}", line(item, 300)))),
    );
    out
}

/// The same for what memory keeps of a fix. `None` where it keeps none.
pub fn remembered_fix_sentences(known: &Resolution) -> Vec<String> {
    if known.fix_diff.is_empty() {
        return Vec::new();
    }
    let Some(checks) = &known.fix_checks else {
        return vec!["What was run beyond the replay when the fix was found is not on record.".to_owned()];
    };
    let fix = Fix {
        proof: known.proof,
        replay: CheckResult::Pass,
        tests: checks.tests,
        tests_detail: checks.tests_detail.clone(),
        four_way: checks.four_way.clone(),
        takes_away: checks.takes_away.clone(),
        ..Fix::untested(known.fix_kind.unwrap_or(FixKind::Known), known.fix_diff.clone())
    };
    fix_sentences(&fix)
}

/// The two failures side by side, where the replay shows another one than the ticket tells.
pub(super) fn two_failures(report: &Report) -> Option<(&str, &str)> {
    match report.replay.as_ref()?.agreement.as_ref()? {
        FailureAgreement::Differs { ticket, replay } | FailureAgreement::Accepted { ticket, replay } => {
            Some((ticket, replay))
        }
        _ => None,
    }
}

/// Whether the replay shows what the ticket says, as a sentence; `None` where nothing was reproduced.
pub(super) fn agreement_words(report: &Report) -> Option<String> {
    Some(match report.replay.as_ref()?.agreement.as_ref()? {
        FailureAgreement::Agrees { why } => format!("The replay shows what the ticket says: {why}."),
        FailureAgreement::NotNamed => {
            "The ticket names no error, so what the replay shows was compared with nothing.".to_owned()
        }
        FailureAgreement::CannotTell { why } => {
            format!("Whether the replay shows what the ticket says cannot be told: {why}.")
        }
        FailureAgreement::Differs { .. } => "The replay shows another failure than the ticket.".to_owned(),
        FailureAgreement::Accepted { .. } => {
            "The replay shows another failure than the ticket; it was accepted by --accept-failure."
                .to_owned()
        }
    })
}

/// `partial revert of the commit (1 file, 3 lines added, 1 removed)`.
pub(super) fn fix_words(fix: &Fix, diff: &Diff) -> String {
    let kind = match fix.kind {
        FixKind::Known => "known fix",
        FixKind::Revert => "revert of the whole commit",
        FixKind::PartialRevert => "partial revert of the commit",
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
    let why = fix.tests_detail.as_ref().map(|detail| detail.because.trim_end_matches('.'));
    let why =
        why.filter(|why| !why.is_empty()).map(|why| format!(": {}", line(why, 400))).unwrap_or_default();
    let (mark, text) = match fix.tests {
        TestsResult::Pass => (Mark::Good, "the project's tests are not worse with the fix"),
        TestsResult::Fail => (Mark::Bad, "the project's tests are worse with the fix"),
        TestsResult::NotComparable => (Mark::Open, "the project's tests CANNOT BE COMPARED"),
        TestsResult::CouldNotRun => (Mark::Open, "the project's tests COULD NOT BE RUN"),
        TestsResult::NotRun => (Mark::Open, "the project's tests were NOT RUN"),
    };
    checks.push(Check { mark, text: format!("{text}{why}"), runs: vec![] });
    if let Some(check) = &fix.four_way {
        let mark = match (check.contradicted, check.held()) {
            (0, true) => Mark::Good,
            (0, false) => Mark::Open,
            _ => Mark::Bad,
        };
        checks.push(Check { mark, text: four_way_words(check), runs: vec![] });
    }
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
                steps.push(Step::say(match report.verdict {
                    Verdict::Verified => "Ship it, and keep the replay as a regression test",
                    _ => "Keep the replay as a regression test",
                }));
            } else if report.verdict == Verdict::Known {
                steps.push(Step::say("Do what mended it then (see the similar incident below)"));
            }
        }
        Verdict::Confirmed => {
            let tried = match (&report.fix, report.tried.is_empty()) {
                (Some(fix), _) if fix.is_stopgap => {
                    "The fix takes a protection back: use it as a stopgap at most, and change the guilty lines by hand"
                }
                (Some(_), _) => {
                    "The replay passes with the fix, and that is all that is known of it: have it reviewed by somebody \
                     who knows this code"
                }
                (None, false) => "None of the fixes that were tried held; change the guilty lines by hand",
                (None, true) => "No fix has passed yet; change the guilty lines by hand",
            };
            steps.push(Step::say(tried));
            steps.extend(report.fix.as_ref().and_then(|fix| tests_step(fix, context)));
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
        (TestsResult::Pass, _) => None,
        (TestsResult::NotRun, None) => Some(Step::say(
            "Run the project's tests first: none were run, since no test command is known (--tests 'COMMAND')",
        )),
        (_, Some(command)) => {
            let why = fix.tests_detail.as_ref().map(|detail| detail.because.as_str()).unwrap_or_default();
            let why = if why.is_empty() { String::new() } else { format!(" ({})", line(why, 200)) };
            Some(Step::run(format!("Run the project's tests first{why}"), line(command, 2_000)))
        }
        (_, None) => Some(Step::say("Run the project's tests first")),
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

fn sentence(text: &str) -> String {
    let end = if text.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{text}{end}")
}
