//! What a trap says about itself is really run here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use millwright_tools::checkout::{Change, FileEdit};
use millwright_tools::git::Repo;

use super::trap::{Edit, Outcome};
use super::*;
use crate::bench::{Bench, Ended, missing, recipe};
use crate::cases::Case;
use crate::options::tests::options;
use crate::options::{Options, RepoMapping, Task};
use crate::scenarios::ADDRESS;

struct Made {
    folder: tempfile::TempDir,
    traps: Vec<(Trap, Case)>,
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

fn with_map(folder: &Path, test: &str) -> Options {
    Options {
        repo_map: vec![RepoMapping { address: ADDRESS.into(), path: folder.to_owned() }],
        data_dir: folder.join("data").join(test),
        ..options(Task::Investigate, Path::new(""), Path::new(""))
    }
}

#[test]
fn there_are_enough_traps_in_enough_languages_and_every_case_is_whole() {
    let made = made();
    let traps = made.traps.iter().filter(|(trap, _)| trap.family != Family::Control).count();
    assert!(traps >= 40 && made.traps.len() - traps >= 12, "{traps} of {}", made.traps.len());
    let mut languages: BTreeMap<Family, BTreeSet<&str>> = BTreeMap::new();
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
    assert_eq!(all.len(), program::Language::ALL.len());
    assert_eq!(languages.len(), Family::ALL.len());
    assert!(languages[&Family::Control].len() >= 5 && languages[&Family::HalfConstruct].len() >= 5);
}

/// The edits as whole files of the failing revision.
fn change(repo: &Repo, revision: &str, edits: &[Edit]) -> Change {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for edit in edits {
        let (Edit::Write(path, _) | Edit::Append(path, _) | Edit::Replace(path, _, _)) = edit;
        let text = texts.entry(path.clone()).or_insert_with(|| {
            let shown = repo.git().args(["show", &format!("{revision}:{path}")]).output().unwrap();
            String::from_utf8(shown).unwrap()
        });
        match edit {
            Edit::Write(_, new) => *text = new.clone(),
            Edit::Append(_, more) => text.push_str(more),
            Edit::Replace(_, old, new) => {
                assert_eq!(text.matches(old.as_str()).count(), 1, "{old:?} in {path}");
                *text = text.replacen(old.as_str(), new, 1);
            }
        }
    }
    let files = texts
        .into_iter()
        .map(|(path, text)| FileEdit { path, content: Some(("100644".into(), text.into_bytes())) });
    Change::Files(files.collect())
}

/// What the whole culprit changed, turned round.
fn revert(repo: &Repo, culprit: &str) -> Change {
    let parent = format!("{culprit}^");
    let diff =
        repo.git().args(["diff", "-p", "--binary", "--no-renames", culprit, &parent]).output().unwrap();
    Change::Patch(String::from_utf8(diff).unwrap())
}

fn as_said(outcome: Outcome, ended: &Ended) -> bool {
    match outcome {
        Outcome::Passes => *ended == Ended::Passes,
        Outcome::Fails => matches!(ended, Ended::Fails { .. }),
        Outcome::DoesNotPass => *ended != Ended::Passes,
    }
}

/// What is not as the trap says, one line each.
fn untrue(trap: &Trap, case: &Case, options: &Options) -> Vec<String> {
    let mut out = Vec::new();
    let mut expect = |what: &str, outcome: Outcome, ended: Ended| {
        if !as_said(outcome, &ended) {
            out.push(format!("{}: {what}: {outcome:?} was expected, not {ended:?}", trap.id));
        }
    };
    let repo = Repo::open(&options.repository(&case.repo), &options.data_dir).unwrap();
    let soundness = &trap.soundness;
    let given = recipe(case.replay.as_ref().unwrap(), options);
    let bench = Bench::new(&repo, given.clone());
    let good = case.good.as_ref().unwrap();
    expect("the replay at bad", soundness.at_bad, bench.run(&case.bad, None));
    expect("the replay at good", soundness.at_good, bench.run(good, None));
    let Some(culprit) = &case.truth.commit else { return out };
    let parent = repo.resolve(&format!("{culprit}^")).unwrap();
    let bench = match &case.truth.replay {
        Some(replay) => Bench::new(&repo, recipe(replay, options)),
        None => bench,
    };
    expect("the failure at bad", Outcome::Fails, bench.run(&case.bad, None));
    expect("the failure at the culprit", Outcome::Fails, bench.run(culprit, None));
    expect("the failure at its parent", Outcome::Passes, bench.run(&parent, None));
    expect("the failure at good", Outcome::Passes, bench.run(good, None));
    let check = Bench::of_tests(&repo, &given, case.truth.check.as_ref().unwrap());
    expect("the check at bad", Outcome::Fails, check.run(&case.bad, None));
    let right = change(&repo, &case.bad, &soundness.right_fix);
    expect("the failure with the right fix", Outcome::Passes, bench.run(&case.bad, Some(&right)));
    expect("the check with the right fix", Outcome::Passes, check.run(&case.bad, Some(&right)));
    if !soundness.wrong_fix.is_empty() {
        let wrong = change(&repo, &case.bad, &soundness.wrong_fix);
        expect("the failure with the wrong fix", Outcome::Passes, bench.run(&case.bad, Some(&wrong)));
        expect("the check with the wrong fix", Outcome::Fails, check.run(&case.bad, Some(&wrong)));
        if let Some(tests) = &case.truth.tests {
            let tests = Bench::of_tests(&repo, &given, tests);
            expect("the true tests at bad", Outcome::Passes, tests.run(&case.bad, None));
            let ended = tests.run(&case.bad, Some(&wrong));
            expect("the true tests with the wrong fix", Outcome::Fails, ended);
        }
    }
    if let Some(passes) = soundness.revert_passes_check {
        let revert = revert(&repo, culprit);
        let wanted = if passes { Outcome::Passes } else { Outcome::Fails };
        // A later commit may build on the culprit; then there is no plain revert.
        if !trap.id.contains("fails-always") {
            expect("the check with the revert", wanted, check.run(&case.bad, Some(&revert)));
            expect("the failure with the revert", Outcome::Passes, bench.run(&case.bad, Some(&revert)));
        }
    }
    if let Some(tests) = &case.tests {
        let tests = Bench::of_tests(&repo, &given, tests);
        let ran = tests.run(&case.bad, None);
        match trap.family {
            Family::HalfConstruct | Family::SecurityGuard => {
                let wrong = change(&repo, &case.bad, &soundness.wrong_fix);
                let with =
                    if trap.id.contains("exception-put-back") { Outcome::Fails } else { Outcome::Passes };
                expect("the tests with the wrong fix", with, tests.run(&case.bad, Some(&wrong)));
                expect("the tests at bad", Outcome::Passes, ran);
            }
            Family::TestsRemoved => {
                let revert = revert(&repo, culprit);
                expect("the tests with the revert", Outcome::Passes, tests.run(&case.bad, Some(&revert)));
            }
            Family::TestsWorse => {
                let revert = revert(&repo, culprit);
                expect("the tests at bad", Outcome::Fails, ran);
                expect("the tests with the revert", Outcome::Fails, tests.run(&case.bad, Some(&revert)));
            }
            Family::Control => {
                expect("the tests with the fix", Outcome::Passes, tests.run(&case.bad, Some(&right)));
            }
            _ => {}
        }
    }
    out
}

fn check_families(families: &[Family], name: &str) {
    let made = made();
    let options = with_map(made.folder.path(), name);
    let (mut wrong, mut skipped) = (Vec::new(), Vec::new());
    for (trap, case) in made.traps.iter().filter(|(trap, _)| families.contains(&trap.family)) {
        if missing(&case.needs, &options, made.folder.path()).unwrap().is_empty() {
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
        &[Family::TestsNeverRan, Family::TestsWorse, Family::TestsRemoved, Family::FlakyTests],
        "tests",
    );
}

#[test]
fn traps_about_replays_are_as_they_say() {
    check_families(&[Family::OtherFailure, Family::CannotTest, Family::YoungTest], "replays");
}

#[test]
fn traps_about_fixes_are_as_they_say() {
    check_families(&[Family::HalfConstruct, Family::SecurityGuard], "fixes");
}

#[test]
fn controls_are_as_they_say() {
    check_families(&[Family::Control], "controls");
}
