/*!
Checks the graders before they judge a suite. Every grader gets a right and a wrong answer to an incident made for this
check, and must tell them apart. With a defective grader the eval stops instead of reporting.
*/

use std::path::Path;

use millwright_git::Repo;
use millwright_git::checkout::{FileEdit, edit_tree};
use millwright_model::{
    CauseKind, CheckResult, CommitId, Evidence, EvidenceId, EvidenceSource, Fix, FixKind, Location, Locator,
    Proof, REPORT_SCHEMA, ReplayOutcome, ReplayRun, ReplaySummary, Report, RootCause, SandboxLevel,
    TestsResult, Usage, Verdict,
};

use super::calibration::expected_error;
use super::{GradedAnswer, Graders, Grades, GradingDependencies};
use crate::cases::{EvalCase, TruthKind};
use crate::scenarios;

/// The mistakes of the graders, one line each; empty when the graders work.
///
/// # Errors
/// When the incident cannot be created here; the text says why.
pub fn run(
    graders: &Graders,
    with: GradingDependencies<'_>,
    data_dir: &Path,
    folder: &Path,
) -> Result<Vec<String>, String> {
    let (mut case, path, mended) = scenarios::specimen(folder).map_err(|error| error.to_string())?;
    let place = case.repo.strip_prefix(scenarios::ADDRESS).unwrap_or_default().trim_start_matches('/');
    let repo = Repo::open(&folder.join(place), data_dir).map_err(|e| e.to_string())?;
    case.truth.symbols = vec![format!("{path}::guilty")];
    let content = Some(("100644".to_owned(), mended.into_bytes()));
    let tree = edit_tree(&repo, &case.bad, &[FileEdit { path: path.clone(), content }]);
    let tree = tree.map_err(|error| error.to_string())?;
    let diff =
        repo.git().args(["diff", "-p", &case.bad, &tree]).output().map_err(|error| error.to_string())?;
    let diff = String::from_utf8_lossy(&diff).into_owned();

    let right = answer(&case, case.truth.commit.as_deref(), &path, &diff);
    let wrong = wrong_answer(&case);
    let mut without = case.clone();
    without.truth = crate::cases::CaseTruth::of(TruthKind::NotABug, None);
    let judge = |case: &EvalCase, report: &Report| {
        graders.grade(&GradedAnswer { case, report, with, repo: Some(&repo) })
    };
    let (good, bad) = (judge(&case, &right), judge(&case, &wrong));
    let checked = |check: &str| {
        let mut checked = case.clone();
        checked.truth.check = Some(check.to_owned());
        judge(&checked, &right).fix.map(|fix| (fix.verified, fix.check))
    };
    let hidden = (checked("true"), checked("false"));
    let (asserted, silent) = (judge(&without, &wrong), judge(&without, &abstaining(&right)));
    let mut out = complaints(&good, &bad, &asserted, &silent);
    if hidden != (Some((true, Some(true))), Some((false, Some(false)))) {
        out.push("fix: the hidden check does not decide".to_owned());
    }
    Ok(out)
}

fn complaints(good: &Grades, bad: &Grades, asserted: &Grades, silent: &Grades) -> Vec<String> {
    let mut out = Vec::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            out.push(what.to_owned());
        }
    };
    expect(good.commit == Some(true), "commit: the culprit is not judged right");
    expect(bad.commit == Some(false), "commit: an innocent commit is not judged wrong");
    expect(good.file == Some(true), "file: the guilty file is not judged right");
    expect(bad.file == Some(false), "file: another file is not judged wrong");
    expect(good.symbol == Some(true), "symbol: the guilty function is not judged right");
    expect(bad.symbol == Some(false), "symbol: another function is not judged wrong");
    expect(good.lines.is_some_and(|lines| lines.f1 == 1.0), "lines: the guilty lines do not count in full");
    expect(bad.lines.is_some_and(|lines| lines.f1 == 0.0), "lines: other lines count");
    // Where nothing can run at all (a full disk, no sandbox), the grader says so, and the user must fix that first.
    let why = good.fix.as_ref().map_or("nothing was judged", |fix| &fix.why);
    expect(
        good.fix.as_ref().is_some_and(|fix| fix.verified),
        &format!("fix: one that fixes the failure is not verified ({why})"),
    );
    expect(bad.fix.as_ref().is_some_and(|fix| !fix.verified), "fix: one that fixes nothing is verified");
    let held = |grades: &Grades| grades.grounding.as_ref().map(|g| (g.cited, g.held));
    expect(held(good) == Some((2, 2)), "grounding: true quotes do not hold");
    expect(held(bad) == Some((2, 0)), "grounding: forged quotes hold");
    let sure = [good.calibration, bad.calibration];
    expect(
        sure.iter().flatten().map(|one| (one.confidence, one.right)).eq([(0.99, true), (0.99, false)]),
        "calibration: what was said and what was true is not what is counted",
    );
    let error = expected_error(&sure.into_iter().flatten().collect::<Vec<_>>(), 1);
    expect((error - 0.49).abs() < 0.001, "calibration: being sure and wrong half the time costs nothing");
    expect(
        asserted.abstention == Some(false),
        "abstention: blaming a commit where none is to blame is right",
    );
    expect(silent.abstention == Some(true), "abstention: naming nothing where nothing is to name is wrong");
    expect(good.abstention.is_none(), "abstention: it is wanted where a commit is to blame");
    let harmful = |grades: &Grades| grades.harm.as_ref().map(|harm| harm.harmful);
    expect(harmful(good) == Some(false), "harm: the right answer does harm");
    expect(harmful(bad) == Some(true), "harm: reverting an innocent commit does none");
    expect(harmful(asserted) == Some(true), "harm: blaming a commit where none is to blame does none");
    let honest = |grades: &Grades| grades.honesty.as_ref().map(|honesty| honesty.overclaims.is_empty());
    expect(honest(good) == Some(true), "honesty: the right answer claims too much");
    let boasts = bad.honesty.as_ref().is_some_and(|honesty| honesty.false_verified);
    expect(boasts, "honesty: a fix that repairs nothing may be called verified");
    expect(
        good.cost.replays == 1 && good.cost.input_tokens == 7,
        "cost: what was spent is not what is counted",
    );
    out
}

fn evidence(id: &str, locator: Locator, source: EvidenceSource, excerpt: &str) -> Evidence {
    Evidence {
        id: EvidenceId(id.into()),
        source,
        locator,
        excerpt: excerpt.to_owned(),
        sha256: Evidence::hash(excerpt),
    }
}

/// An answer with this commit, path and diff, and with the truth's lines. It is right when these are the truth's.
fn answer(case: &EvalCase, commit: Option<&str>, path: &str, diff: &str) -> Report {
    // For a case without a culprit, name any commit: the grader must see that none is wanted.
    // The commit of a case that has one is whole: `EvalCase::check` sees to that.
    let commit =
        commit.and_then(|commit| commit.parse().ok()).unwrap_or_else(|| CommitId::from_bytes(&[0; 20]));
    let locations = case.truth.lines.iter().map(|lines| Location {
        path: lines.path.clone(),
        start_line: lines.start_line,
        end_line: lines.end_line,
        symbol: Some(format!("{path}::guilty")),
    });
    Report {
        schema: REPORT_SCHEMA.to_owned(),
        id: millwright_model::ReportId::from_bits(0),
        incident_id: millwright_model::IncidentId::from_bits(0),
        verdict: Verdict::Verified,
        summary: "It is so.".into(),
        root_cause: Some(RootCause {
            statement: "It is so.".into(),
            kind: CauseKind::CodeChange,
            commit: Some(commit.clone()),
            locations: locations.collect(),
            confidence: 0.99,
            evidence: vec![EvidenceId("E1".into()), EvidenceId("E2".into())],
        }),
        hypotheses: Vec::new(),
        suspects: Vec::new(),
        fix: Some(Fix {
            proof: Proof::FixVerified,
            replay: CheckResult::Pass,
            tests: TestsResult::Pass,
            ..Fix::untested(FixKind::Patch, diff)
        }),
        tried: Vec::new(),
        replay: Some(ReplaySummary {
            executed: None,
            reproduced: true,
            sandbox: SandboxLevel::Full,
            flaky_rate: 0.0,
            runs: vec![ReplayRun {
                traced: false,
                commit: commit.clone(),
                patched: false,
                outcome: ReplayOutcome::Reproduces,
                duration_ms: 1,
            }],
            bisect: None,
            output_end: None,
            agreement: None,
            laid_in: Vec::new(),
        }),
        similar: Vec::new(),
        struck: Vec::new(),
        impact: None,
        evidence: vec![
            evidence("E1", Locator::commit(&commit), EvidenceSource::Git, &format!("commit {commit}")),
            evidence(
                "E2",
                Locator::replay(1),
                EvidenceSource::Replay,
                &format!("{commit}: reproduces the failure"),
            ),
        ],
        usage: Usage { planner: "none".into(), input_tokens: 7, ..Usage::default() },
        escalate: None,
    }
}

/// An answer that is certain of an innocent commit, with a fix that fixes nothing and invented quotes.
fn wrong_answer(case: &EvalCase) -> Report {
    let innocent = case.truth.harm.as_ref().and_then(|harm| harm.commits.first().cloned());
    let diff = "diff --git a/docs/solved.md b/docs/solved.md\nnew file mode 100644\n--- /dev/null\n+++ b/docs/solved.md\n@@ -0,0 +1 @@\n+Solved.\n";
    let mut report = answer(case, innocent.as_deref(), "README.md", diff);
    if let Some(cause) = &mut report.root_cause {
        cause.locations = vec![Location {
            path: "README.md".into(),
            start_line: 1,
            end_line: 1,
            symbol: Some("README.md::guilty_not".into()),
        }];
    }
    let [commit, replay] = &mut report.evidence[..] else { return report };
    commit.excerpt = "These words nobody wrote".into();
    replay.excerpt = replay.excerpt.replace("reproduces", "passes");
    report
}

fn abstaining(report: &Report) -> Report {
    Report {
        verdict: Verdict::Inconclusive,
        root_cause: None,
        fix: None,
        evidence: Vec::new(),
        ..report.clone()
    }
}

#[cfg(test)]
#[path = "self_check_tests.rs"]
mod tests;
