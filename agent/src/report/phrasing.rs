/*!
The wording of a report: the names of verdicts, outcomes and checks, and the sentences about a fix that are the same
in every channel. Independent of the format and of the order of a page.
*/

use millwright_model::{
    CauseKind, CheckResult, Evidence, FailureAgreement, Fix, FixChecks, FixKind, FourWay, Proof, Reason,
    ReplayOutcome, Report, Resolution, SandboxLevel, Suspect, TestsResult, Verdict,
};

use millwright_tools::suspects::REJECTED;

use super::diff::ReportDiff;
use super::text::{count, duration, line, percent};

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

/// The meaning of the verdict, as a part of a sentence.
pub fn verdict_meaning(report: &Report) -> String {
    match report.verdict {
        Verdict::Known => "seen before, and what is known about it was checked again now".to_owned(),
        Verdict::Verified => {
            let beyond = report.fix.as_ref().map(beyond_words).unwrap_or_default();
            format!("cause proven by replay; the replay passes with the fix; {beyond}")
        }
        Verdict::Confirmed => match &report.fix {
            Some(fix) if fix.is_stopgap => {
                "cause proven by replay; the fix removes a protection: a stopgap at most".to_owned()
            }
            Some(_) => {
                "cause proven by replay; it passes with a fix, and nothing else shows that the fix is right"
                    .to_owned()
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

/// The heading above the named commit: a guess is not called a cause.
pub fn cause_heading(report: &Report) -> &'static str {
    match report.verdict {
        Verdict::Inconclusive => "Most suspected, not proven",
        _ => "Cause",
    }
}

/// The reasons for a suspect, strongest first; two signals with the same text are listed once.
pub(crate) fn reasons(suspect: &Suspect) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    // A person's rejection is listed although it speaks against the suspect.
    let is_told = |reason: &&Reason| reason.contribution > 0.0 || reason.signal == REJECTED;
    for reason in suspect.reasons.iter().filter(is_told) {
        if !out.contains(&reason.detail.as_str()) {
            out.push(&reason.detail);
        }
    }
    out
}

/// Whether a line of evidence is more informative than its locator.
pub(super) fn tells(text: &str, evidence: &Evidence) -> bool {
    const PREAMBLES: [&str; 6] = ["commit ", "Author: ", "diff --git ", "index ", "--- ", "+++ "];
    text.len() > 3
        && !evidence.locator.0.ends_with(text)
        && !PREAMBLES.iter().any(|preamble| text.starts_with(preamble))
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
        Proof::FixVerified => "fix verified",
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

/// The support for a fix beyond the replay: `none of the 120 tests that ran newly fails`.
pub(super) fn beyond_words(fix: &Fix) -> String {
    let now = match fix.proven_then {
        None => shown_beyond(&FixChecks::from(fix)),
        Some(_) => None,
    };
    let then = fix.proven_then.as_ref().map(|then| {
        let shown = shown_beyond(&then.checks);
        let shown = shown.unwrap_or_else(|| "nothing beyond the replay was run".to_owned());
        format!("when it was proven, on {}, {shown}", then.on)
    });
    now.or(then).unwrap_or_else(|| "nothing beyond the replay was run".to_owned())
}

fn shown_beyond(checks: &FixChecks) -> Option<String> {
    let mut parts = Vec::new();
    if checks.tests == TestsResult::Pass {
        let ran = checks.tests_detail.as_ref().map_or(0, |detail| detail.ran);
        parts.push(format!("none of the {ran} tests that ran newly fails"));
    }
    if let Some(check) = checks.four_way.as_ref().filter(|check| check.held()) {
        parts.push(format!("the four-way check held on {} inputs", check.deciding));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The result of the four-way check, as a part of a sentence.
pub(crate) fn four_way_words(check: &FourWay) -> String {
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

/// The result of the four-way check as a complete sentence.
pub(super) fn four_way_sentence(check: &FourWay) -> String {
    let mut words = four_way_words(check);
    if let Some(first) = words.get(..1).map(str::to_uppercase) {
        words.replace_range(..1, &first);
    }
    sentence(&words)
}

/// The facts about a fix, sentence by sentence, for channels that show no report: whether it is verified, what the
/// tests and the four-way check showed, and what it takes away.
pub fn fix_sentences(fix: &Fix) -> Vec<String> {
    let mut out = vec![match (fix.proof, fix.replay) {
        (Proof::FixVerified, _) if fix.proven_then.is_some() => {
            format!("The replay passes with the known fix; {}.", beyond_words(fix))
        }
        (Proof::FixVerified, _) => {
            format!("The fix is verified: the replay passes with it, and {}.", beyond_words(fix))
        }
        (_, CheckResult::Pass) if fix.is_stopgap => {
            "The replay passes with a fix that removes a protection: a stopgap at most.".to_owned()
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
        out.push(four_way_sentence(check));
    }
    out.extend(
        fix.takes_away.iter().take(3).map(|item| sentence(&format!("It removes: {}", line(item, 300)))),
    );
    out
}

/// The same for a fix in memory. `None` if the resolution has no fix.
pub fn remembered_fix_sentences(known: &Resolution) -> Vec<String> {
    if known.fix_diff.is_empty() {
        return Vec::new();
    }
    let Some(checks) = &known.fix_checks else {
        return vec!["What was run beyond the replay when the fix was found is not recorded.".to_owned()];
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

/// The two failures, if the replay shows a different one from the ticket's.
pub(super) fn two_failures(report: &Report) -> Option<(&str, &str)> {
    match report.replay.as_ref()?.agreement.as_ref()? {
        FailureAgreement::Differs { ticket, replay } | FailureAgreement::Accepted { ticket, replay } => {
            Some((ticket, replay))
        }
        _ => None,
    }
}

/// Whether the replay shows the ticket's failure, as a sentence; `None` if nothing was reproduced.
pub(super) fn agreement_words(report: &Report) -> Option<String> {
    Some(match report.replay.as_ref()?.agreement.as_ref()? {
        FailureAgreement::Agrees { why } => format!("The replay shows what the ticket says: {why}."),
        FailureAgreement::NotNamed => {
            "The ticket names no error, so there was nothing to compare the replay with.".to_owned()
        }
        FailureAgreement::CannotTell { why } => {
            format!("Whether the replay shows what the ticket says cannot be determined: {why}.")
        }
        FailureAgreement::Differs { .. } => "The replay shows another failure than the ticket.".to_owned(),
        FailureAgreement::Accepted { .. } => {
            "The replay shows another failure than the ticket; it was accepted by --accept-failure."
                .to_owned()
        }
    })
}

/// `partial revert of the commit (1 file, 3 lines added, 1 removed)`.
pub(super) fn fix_words(fix: &Fix, diff: &ReportDiff) -> String {
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
        SandboxLevel::None => "NO sandbox, as requested",
    }
}

/// Adds a full stop, unless the text ends like a sentence.
pub(super) fn sentence(text: &str) -> String {
    let end = if text.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{text}{end}")
}
