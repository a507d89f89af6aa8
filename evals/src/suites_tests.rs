//! A suite can fail: these tests plant defects in the ranking and in the verifier.

use std::path::Path;

use millwright_culprit::suspects::SignalWeights;
use millwright_model::{CheckResult, Proof, Report, TestsResult, Verdict};

use super::*;
use crate::options::tests::options;
use crate::tasks;
use crate::tasks::investigate::{CaseInput, report_on, run_with};

#[test]
fn an_unknown_suite_is_told_the_known_ones() {
    let error = "smoky".parse::<Suite>().unwrap_err();
    assert!(error.contains("smoke, nightly, learning-curve, retold, safety, honesty, no-cause"), "{error}");
    for suite in Suite::ALL {
        assert_eq!(suite.as_str().parse::<Suite>(), Ok(suite));
        assert!(suite.gate().is_object());
    }
}

#[test]
fn smoke_has_most_classes_and_nightly_all() {
    let count = |suite: Suite| scenarios::all().iter().filter(|one| suite.has(one)).count();
    assert_eq!(count(Suite::Smoke), Class::ALL.len() - SLOW_TO_JUDGE.len());
    assert_eq!(count(Suite::Nightly), scenarios::all().len());
    assert!(count(Suite::Safety) >= 20);
}

/// Options for a case file with the named incidents.
fn small(folder: &Path, ids: &[&str], task: EvalTask) -> EvalOptions {
    let made: Vec<EvalCase> = scenarios::all()
        .iter()
        .filter(|scenario| ids.contains(&scenario.id.as_str()))
        .map(|scenario| scenario.make(folder).unwrap())
        .collect();
    assert_eq!(made.len(), ids.len());
    let out = folder.join("out");
    fs::create_dir_all(&out).unwrap();
    let mapping = RepoMapping { address: scenarios::ADDRESS.into(), path: folder.to_owned() };
    let cases = write_cases(&out, task, made.iter()).unwrap();
    EvalOptions { repo_map: vec![mapping], data_dir: folder.join("data"), ..options(task, &cases, &out) }
}

#[test]
fn a_defect_in_the_ranking_fails_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let ids = ["regression-crash-2", "regression-wrong-result-1", "trace-elsewhere-2", "no-replay-3"];
    let options = small(folder.path(), &ids, EvalTask::Rank);
    let mrr = |weights: &SignalWeights| {
        let (summary, _) = tasks::rank::run_with(&options, weights).unwrap();
        summary.0["rank"]["mrr"]["value"].as_f64().unwrap()
    };
    let sound = mrr(&SignalWeights::default());
    let gate = json!({"rank": {"mrr": sound * 0.9}});
    let mut turned = SignalWeights::default();
    for (signal, weight) in SignalWeights::default().iter() {
        turned.set(signal, -weight);
    }
    let (summary, _) = tasks::rank::run_with(&options, &turned).unwrap();
    assert_eq!(summary.gate(&gate).len(), 1, "{sound} and {}", mrr(&turned));
}

#[test]
fn a_fault_that_came_back_is_laid_to_whoever_brought_it_in_last_and_moved_code_is_mended_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    // Two faults that memory knows, one with its fix and one by a person's statement; both entries were true once. Then a
    // culprit whose file was renamed, and one that changed more than the fault in the same hunk.
    let ids = ["stale-memory-1", "stale-memory-3", "refactored-since-1", "partial-revert-2"];
    let options = small(folder.path(), &ids, EvalTask::Investigate);
    let (_, results) =
        run_with(&options, &|case, options, shared| report_on(case, CaseInput::Everything, options, shared))
            .unwrap();
    for result in results {
        let grades = result.grades.unwrap_or_else(|| panic!("{}: {:?}", result.id, result.not_judged));
        assert!(result.hit && grades.harm.is_some_and(|harm| !harm.harmful), "{}", result.id);
        assert!(grades.fix.as_ref().is_some_and(|fix| fix.verified), "{}: {:?}", result.id, grades.fix);
    }
}

/// The gate's failures for the answers of an agent.
fn complaints(options: &EvalOptions, spoil: fn(&mut Report)) -> Vec<String> {
    let agent = |case: &EvalCase,
                 options: &EvalOptions,
                 shared: Option<&crate::memory_condition::MemoryCondition>| {
        let mut report = report_on(case, CaseInput::Everything, options, shared)?;
        spoil(&mut report);
        Ok(report)
    };
    let (summary, results) = run_with(options, &agent).unwrap();
    assert!(results.iter().all(|result| result.not_judged.is_none()), "{results:?}");
    summary.gate(&json!({ "investigate": Suite::Nightly.gate()["investigate"] }))
}

#[test]
fn a_defect_in_the_verifier_the_bisect_the_citations_or_the_verdict_fails_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let ids = ["regression-wrong-result-1", "partial-revert-1", "healthy-1"];
    let options = small(folder.path(), &ids, EvalTask::Investigate);
    assert_eq!(complaints(&options, |_| {}), Vec::<String>::new());
    let named = |all: Vec<String>, figure: &str| {
        assert!(all.iter().any(|one| one.contains(figure)), "nothing about {figure}: {all:?}");
    };
    // A verifier that passes everything.
    let blind = complaints(&options, |report| {
        let Some(fix) = &mut report.fix else { return };
        fix.diff = "diff --git a/docs/n.md b/docs/n.md\nnew file mode 100644\n--- /dev/null\n+++ b/docs/n.md\n@@ -0,0 +1 @@\n+n\n".into();
        (fix.proof, fix.replay, fix.tests) = (Proof::FixVerified, CheckResult::Pass, TestsResult::Pass);
        report.verdict = Verdict::Verified;
    });
    named(blind.clone(), "verified_fix");
    named(blind, "safe");
    // A bisect that stops one commit too early or too late.
    named(
        complaints(&options, |report| {
            let other = report.suspects.last().map(|suspect| suspect.commit.clone());
            if let (Some(cause), Some(other)) = (&mut report.root_cause, other) {
                cause.commit = Some(other);
            }
        }),
        "exact_commit",
    );
    // Invented quotes.
    named(
        complaints(&options, |report| {
            report.evidence.iter_mut().for_each(|evidence| evidence.excerpt = "words nobody wrote".into());
        }),
        "grounding",
    );
    // An agent that always asserts a cause.
    named(
        complaints(&options, |report| {
            let first = report.suspects.first().map(|suspect| suspect.commit.clone());
            if report.root_cause.is_none() {
                report.verdict = Verdict::Confirmed;
                report.root_cause = Some(millwright_model::RootCause {
                    statement: "It must be".into(),
                    kind: millwright_model::CauseKind::CodeChange,
                    commit: first,
                    locations: Vec::new(),
                    confidence: 0.99,
                    evidence: Vec::new(),
                });
            }
        }),
        "abstention",
    );
}
