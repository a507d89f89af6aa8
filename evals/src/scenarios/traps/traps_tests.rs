//! Runs what each trap says about itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use millwright_git::Repo;
use millwright_git::checkout::{CheckoutChange, FileEdit};

use super::trap::{TrapEdit, TrapOutcome};
use super::*;
use crate::cases::EvalCase;
use crate::grader_sandbox::{GraderSandbox, RecipeEnding, missing, recipe};
use crate::options::tests::options;
use crate::options::{EvalOptions, EvalTask, RepoMapping};
use crate::scenarios::ADDRESS;

struct Made {
    folder: tempfile::TempDir,
    traps: Vec<(Trap, EvalCase)>,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let make = |trap: Trap| {
            let case = trap.make(folder.path()).unwrap_or_else(|error| panic!("{}: {error}", trap.id));
            (trap, case)
        };
        let traps = all().into_iter().map(make).collect();
        Made { folder, traps }
    })
}

fn with_map(folder: &Path, test: &str) -> EvalOptions {
    EvalOptions {
        repo_map: vec![RepoMapping { address: ADDRESS.into(), path: folder.to_owned() }],
        data_dir: folder.join("data").join(test),
        ..options(EvalTask::Investigate, Path::new(""), Path::new(""))
    }
}

#[test]
fn there_are_enough_traps_in_enough_languages_and_every_case_is_whole() {
    let made = made();
    let traps = made.traps.iter().filter(|(trap, _)| trap.family != TrapFamily::Control).count();
    assert!(traps >= 40 && made.traps.len() - traps >= 12, "{traps} of {}", made.traps.len());
    let mut languages: BTreeMap<TrapFamily, BTreeSet<&str>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for (trap, case) in &made.traps {
        languages.entry(trap.family).or_default().insert(trap.language.name());
        assert!(ids.insert(&trap.id), "{} is there twice", trap.id);
        let line = serde_json::to_vec(case).unwrap();
        assert_eq!(crate::cases::parse(&line).as_ref(), Ok(case), "{}", case.id);
        assert!(case.truth.commit.is_none() || case.truth.check.is_some(), "{}", case.id);
        assert!(case.truth.claims.is_some());
    }
    let all: BTreeSet<&str> = languages.values().flatten().copied().collect();
    assert_eq!(all.len(), program::TrapLanguage::ALL.len());
    assert_eq!(languages.len(), TrapFamily::ALL.len());
    assert!(languages[&TrapFamily::Control].len() >= 5 && languages[&TrapFamily::HalfConstruct].len() >= 5);
}

/// The edits of the failing revision, as whole files.
fn change(repo: &Repo, revision: &str, edits: &[TrapEdit]) -> CheckoutChange {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for edit in edits {
        let (TrapEdit::Write(path, _) | TrapEdit::Append(path, _) | TrapEdit::Replace(path, _, _)) = edit;
        let text = texts.entry(path.clone()).or_insert_with(|| {
            let shown = repo.git().args(["show", &format!("{revision}:{path}")]).output().unwrap();
            String::from_utf8(shown).unwrap()
        });
        match edit {
            TrapEdit::Write(_, new) => *text = new.clone(),
            TrapEdit::Append(_, more) => text.push_str(more),
            TrapEdit::Replace(_, old, new) => {
                assert_eq!(text.matches(old.as_str()).count(), 1, "{old:?} in {path}");
                *text = text.replacen(old.as_str(), new, 1);
            }
        }
    }
    let files = texts
        .into_iter()
        .map(|(path, text)| FileEdit { path, content: Some(("100644".into(), text.into_bytes())) });
    CheckoutChange::Files(files.collect())
}

/// The revert of the whole culprit.
fn revert(repo: &Repo, culprit: &str) -> CheckoutChange {
    let parent = format!("{culprit}^");
    let diff =
        repo.git().args(["diff", "-p", "--binary", "--no-renames", culprit, &parent]).output().unwrap();
    CheckoutChange::Patch(String::from_utf8(diff).unwrap())
}

fn as_said(outcome: TrapOutcome, ended: &RecipeEnding) -> bool {
    match outcome {
        TrapOutcome::Passes => *ended == RecipeEnding::Passes,
        TrapOutcome::Fails => matches!(ended, RecipeEnding::Fails { .. }),
        TrapOutcome::DoesNotPass => *ended != RecipeEnding::Passes,
    }
}

/// The differences between the trap's claims and what runs show, one line each.
fn untrue(trap: &Trap, case: &EvalCase, options: &EvalOptions) -> Vec<String> {
    let mut out = Vec::new();
    let mut expect = |what: &str, outcome: TrapOutcome, ended: RecipeEnding| {
        if !as_said(outcome, &ended) {
            out.push(format!("{}: {what}: {outcome:?} was expected, not {ended:?}", trap.id));
        }
    };
    let repo = Repo::open(&options.repository(&case.repo), &options.data_dir).unwrap();
    let soundness = &trap.soundness;
    let given = recipe(case.replay.as_ref().unwrap(), options.execution());
    let bench = GraderSandbox::new(&repo, given.clone());
    let resolved = |revision: &Option<String>| repo.resolve(revision.as_ref().unwrap()).unwrap();
    let (bad, good) = (repo.resolve(&case.bad).unwrap(), resolved(&case.good));
    expect("the replay at bad", soundness.at_bad, bench.run(&bad, None));
    expect("the replay at good", soundness.at_good, bench.run(&good, None));
    let Some(culprit) = &case.truth.commit else { return out };
    let culprit = &repo.resolve(culprit).unwrap();
    let parent = repo.resolve(&format!("{culprit}^")).unwrap();
    let bench = match &case.truth.replay {
        Some(replay) => GraderSandbox::new(&repo, recipe(replay, options.execution())),
        None => bench,
    };
    expect("the failure at bad", TrapOutcome::Fails, bench.run(&bad, None));
    expect("the failure at the culprit", TrapOutcome::Fails, bench.run(culprit, None));
    expect("the failure at its parent", TrapOutcome::Passes, bench.run(&parent, None));
    expect("the failure at good", TrapOutcome::Passes, bench.run(&good, None));
    let check = GraderSandbox::of_tests(&repo, &given, case.truth.check.as_ref().unwrap());
    expect("the check at bad", TrapOutcome::Fails, check.run(&bad, None));
    let right = change(&repo, &bad, &soundness.right_fix);
    expect("the failure with the right fix", TrapOutcome::Passes, bench.run(&bad, Some(&right)));
    expect("the check with the right fix", TrapOutcome::Passes, check.run(&bad, Some(&right)));
    if !soundness.wrong_fix.is_empty() {
        let wrong = change(&repo, &bad, &soundness.wrong_fix);
        expect("the failure with the wrong fix", TrapOutcome::Passes, bench.run(&bad, Some(&wrong)));
        expect("the check with the wrong fix", TrapOutcome::Fails, check.run(&bad, Some(&wrong)));
        if let Some(tests) = &case.truth.tests {
            let tests = GraderSandbox::of_tests(&repo, &given, tests);
            expect("the true tests at bad", TrapOutcome::Passes, tests.run(&bad, None));
            let ended = tests.run(&bad, Some(&wrong));
            expect("the true tests with the wrong fix", TrapOutcome::Fails, ended);
        }
    }
    if let Some(passes) = soundness.revert_passes_check {
        let revert = revert(&repo, culprit);
        let wanted = if passes { TrapOutcome::Passes } else { TrapOutcome::Fails };
        // A later commit builds on the culprit in these traps, so there is no plain revert.
        if !trap.id.contains("fails-always") {
            expect("the check with the revert", wanted, check.run(&bad, Some(&revert)));
            expect("the failure with the revert", TrapOutcome::Passes, bench.run(&bad, Some(&revert)));
        }
    }
    if let Some(tests) = &case.tests {
        let tests = GraderSandbox::of_tests(&repo, &given, tests);
        let ran = tests.run(&bad, None);
        match trap.family {
            TrapFamily::HalfConstruct | TrapFamily::SecurityGuard => {
                let wrong = change(&repo, &bad, &soundness.wrong_fix);
                let with = if trap.id.contains("exception-put-back") {
                    TrapOutcome::Fails
                } else {
                    TrapOutcome::Passes
                };
                expect("the tests with the wrong fix", with, tests.run(&bad, Some(&wrong)));
                expect("the tests at bad", TrapOutcome::Passes, ran);
            }
            TrapFamily::TestsRemoved => {
                let revert = revert(&repo, culprit);
                expect("the tests with the revert", TrapOutcome::Passes, tests.run(&bad, Some(&revert)));
            }
            TrapFamily::TestsWorse => {
                let revert = revert(&repo, culprit);
                expect("the tests at bad", TrapOutcome::Fails, ran);
                expect("the tests with the revert", TrapOutcome::Fails, tests.run(&bad, Some(&revert)));
            }
            TrapFamily::Control => {
                expect("the tests with the fix", TrapOutcome::Passes, tests.run(&bad, Some(&right)));
            }
            _ => {}
        }
    }
    out
}

fn check_families(families: &[TrapFamily], name: &str) {
    let made = made();
    let options = with_map(made.folder.path(), name);
    let (mut wrong, mut skipped) = (Vec::new(), Vec::new());
    for (trap, case) in made.traps.iter().filter(|(trap, _)| families.contains(&trap.family)) {
        if missing(&case.needs, options.execution(), made.folder.path()).unwrap().is_empty() {
            wrong.extend(untrue(trap, case, &options));
        } else {
            skipped.push(&trap.id);
        }
    }
    println!("not run for want of an interpreter: {skipped:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn traps_about_tests_are_as_they_say() {
    check_families(
        &[
            TrapFamily::TestsNeverRan,
            TrapFamily::TestsWorse,
            TrapFamily::TestsRemoved,
            TrapFamily::FlakyTests,
        ],
        "tests",
    );
}

#[test]
fn traps_about_replays_are_as_they_say() {
    check_families(&[TrapFamily::OtherFailure, TrapFamily::CannotTest, TrapFamily::YoungTest], "replays");
}

#[test]
fn traps_about_fixes_are_as_they_say() {
    check_families(&[TrapFamily::HalfConstruct, TrapFamily::SecurityGuard], "fixes");
}

#[test]
fn controls_are_as_they_say() {
    check_families(&[TrapFamily::Control], "controls");
}
