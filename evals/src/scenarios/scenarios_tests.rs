//! Runs what each scenario claims, class by class.

use millwright_model::CommitId;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use millwright_git::Repo;
use millwright_redaction::RedactionConfig;

use super::*;
use crate::baselines::baselines;
use crate::cases::{CaseReplay, RememberedCase, TruthKind};
use crate::grader_sandbox::{GraderSandbox, RecipeEnding, recipe};
use crate::options::tests::options;
use crate::options::{EvalOptions, EvalTask, RepoMapping};

millwright_sandbox::sandbox_stage_before_main!();

struct Made {
    folder: tempfile::TempDir,
    cases: Vec<(Class, EvalCase)>,
}

/// All scenarios, made once for all tests.
fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let cases = all()
            .iter()
            .map(|scenario| {
                let case = scenario.make(folder.path());
                (scenario.class, case.unwrap_or_else(|error| panic!("{scenario:?}: {error}")))
            })
            .collect();
        Made { folder, cases }
    })
}

/// Each test has a data folder of its own.
fn with_map(folder: &Path, test: &str) -> EvalOptions {
    let data = folder.join("data").join(test);
    let mapping = RepoMapping { address: ADDRESS.into(), path: folder.to_owned() };
    EvalOptions {
        repo_map: vec![mapping],
        data_dir: data,
        ..options(EvalTask::Investigate, Path::new(""), Path::new(""))
    }
}

fn open(case: &EvalCase, options: &EvalOptions) -> Repo {
    Repo::open(&options.repository(&case.repo), &options.data_dir).unwrap()
}

fn parents(repo: &Repo, commit: &str) -> Vec<CommitId> {
    let said = repo.git().args(["rev-list", "--parents", "-n", "1", commit]).output().unwrap();
    String::from_utf8(said).unwrap().split_whitespace().skip(1).map(|id| id.parse().unwrap()).collect()
}

#[test]
fn every_class_has_scenarios_and_every_case_is_whole() {
    let made = made();
    assert!(made.cases.len() >= 48, "{}", made.cases.len());
    let mut counted: BTreeMap<Class, usize> = BTreeMap::new();
    for (class, case) in &made.cases {
        *counted.entry(*class).or_default() += 1;
        let line = serde_json::to_vec(case).unwrap();
        assert_eq!(crate::cases::parse(&line).as_ref(), Ok(case), "{}", case.id);
        assert!(case.tags.contains(&class.as_str().to_owned()));
        if case.truth.commit.is_some() {
            assert!(!case.truth.lines.is_empty() && !case.truth.files.is_empty(), "{}", case.id);
        }
    }
    let few: Vec<_> =
        Class::ALL.iter().filter(|class| counted.get(class).copied().unwrap_or(0) < 2).collect();
    assert!(few.is_empty(), "too few of {few:?}");
}

#[test]
fn the_same_seed_gives_the_same_commits() {
    let (first, again) = (made(), tempfile::tempdir().unwrap());
    for scenario in all().iter().step_by(9) {
        let case = scenario.make(again.path()).unwrap();
        let before = first.cases.iter().find(|(_, before)| before.id == case.id).unwrap();
        assert_eq!((&before.1.bad, &before.1.truth), (&case.bad, &case.truth), "{scenario:?}");
        // The second call reuses the existing case.
        assert_eq!(scenario.make(again.path()).unwrap(), case);
    }
}

/// Whether the replay fails at least once in a few attempts; a flaky failure may pass.
fn fails(bench: &GraderSandbox, revision: &CommitId, attempts: usize) -> Option<String> {
    for _ in 0..attempts {
        match bench.run(revision, None) {
            RecipeEnding::Fails { tail } => return Some(tail),
            RecipeEnding::Passes => {}
            RecipeEnding::Unknown { why } => panic!("{revision} cannot be run: {why}"),
        }
    }
    None
}

/// Whether a ticket describes this failure: it quotes the whole line of the exception, or else another line of the output.
fn quotes(ticket: &str, tail: &str) -> bool {
    let is_raised = |line: &&str| {
        line.split_once(": ").is_some_and(|(name, _)| name.ends_with("Error") && !name.contains(' '))
    };
    let raised: Vec<&str> = ticket.lines().map(str::trim).filter(is_raised).collect();
    let printed = tail.lines().map(|line| line.trim().trim_start_matches("got: "));
    match raised.is_empty() {
        false => tail.lines().any(|line| raised.contains(&line.trim())),
        true => printed.filter(|line| line.len() > 8).any(|line| ticket.contains(line)),
    }
}

/// The differences between the case's claims and what runs show.
fn untrue(class: Class, case: &EvalCase, options: &EvalOptions) -> Vec<String> {
    let repo = open(case, options);
    let mut out = Vec::new();
    let Some(replay) = case.truth.replay.as_ref().or(case.replay.as_ref()) else {
        if case.truth.commit.is_some() {
            out.push("it cannot be checked".to_owned());
        }
        return out;
    };
    let bench = GraderSandbox::new(&repo, recipe(replay, options.execution()));
    // The work done in a second of processor time differs by machine and load. So a replay that must fail gets that second,
    // and a replay that must pass gets a minute, which still detects what hangs or grows without bound.
    let patient =
        CaseReplay { command: replay.command.replace("ulimit -t 1;", "ulimit -t 60;"), ..replay.clone() };
    let patient = GraderSandbox::new(&repo, recipe(&patient, options.execution()));
    let attempts = if class == Class::Flaky { 25 } else { 1 };
    let mut check = |revision: &CommitId, fail: bool, what: &str| {
        let seen = fails(if fail { &bench } else { &patient }, revision, attempts);
        if seen.is_some() != fail {
            out.push(format!("at {what} ({revision}): {seen:?}"));
        }
        seen.unwrap_or_default()
    };
    let commit = |revision: &String| repo.resolve(revision).unwrap();
    let (bad, good) = (commit(&case.bad), commit(case.good.as_ref().unwrap()));
    match (case.truth.commit.as_ref().map(commit), class) {
        (Some(culprit), _) => {
            let tail = check(&bad, true, "bad");
            check(&culprit, true, "the culprit");
            check(&good, false, "good");
            parents(&repo, &culprit).iter().for_each(|parent| drop(check(parent, false, "its parent")));
            for accomplice in &case.truth.accomplices {
                check(&commit(accomplice), false, "the accomplice");
            }
            if class != Class::Recurrence && !quotes(&case.ticket, &tail) {
                out.push(format!("the ticket quotes nothing of\n{tail}"));
            }
        }
        (None, Class::Healthy) => drop(check(&bad, false, "bad")),
        (None, _) => {
            check(&bad, true, "bad");
            check(&good, true, "good");
        }
    }
    if let Some(tests) = case.truth.tests.as_ref().or(case.tests.as_ref()) {
        let tests = GraderSandbox::of_tests(&repo, &recipe(replay, options.execution()), tests);
        let passes = |revision: &CommitId, attempts: usize| {
            (0..attempts).map(|_| tests.run(revision, None)).any(|ended| ended == RecipeEnding::Passes)
        };
        match class {
            // The environment lacks the same things at every revision, so the tests cannot blame a commit.
            Class::Environment if passes(&bad, 1) != passes(&good, 1) => {
                out.push("the project's tests tell two revisions apart where no code is to blame".to_owned());
            }
            Class::Environment => {}
            // The tests may fail by chance, but not always.
            _ if !passes(&bad, attempts) => {
                out.push(format!("the project's tests: {:?}", tests.run(&bad, None)));
            }
            _ => {}
        }
    }
    for known in &case.remembered {
        if let RememberedCase::Investigated { bad, replay: Some(replay), .. } = known {
            let bench = GraderSandbox::new(&repo, recipe(replay, options.execution()));
            if fails(&bench, &repo.resolve(bad).unwrap(), 1).is_none() {
                out.push("the earlier incident does not show".to_owned());
            }
        }
    }
    out
}

#[test]
fn replays_fail_at_bad_and_at_the_culprit_and_pass_at_good_and_at_its_parents() {
    let made = made();
    let options = with_map(made.folder.path(), "0");
    let (mut skipped, mut wrong) = (Vec::new(), Vec::new());
    for (class, case) in &made.cases {
        if !crate::grader_sandbox::missing(&case.needs, options.execution(), made.folder.path())
            .unwrap()
            .is_empty()
        {
            skipped.push(case.id.clone());
            continue;
        }
        wrong.extend(untrue(*class, case, &options).into_iter().map(|what| format!("{}: {what}", case.id)));
    }
    println!("not judged for want of an interpreter: {skipped:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(skipped.len() * 2 < made.cases.len());
}

#[test]
fn guilty_lines_are_the_culprits_own() {
    let made = made();
    let options = with_map(made.folder.path(), "1");
    for (_, case) in &made.cases {
        let Some(culprit) = &case.truth.commit else { continue };
        let repo = open(case, &options);
        for lines in &case.truth.lines {
            let span = format!("-L{},{}", lines.start_line, lines.end_line);
            let blame = ["blame", "-w", "-C", "-C", "-l", "--abbrev=40", &span, &case.bad, "--", &lines.path];
            let said = String::from_utf8(repo.git().args(blame).output().unwrap()).unwrap();
            for line in said.lines() {
                // Git blames renamed lines on the renaming commit, although the culprit wrote their content.
                let moved = case.tags.iter().any(|tag| tag == Class::Refactored.as_str());
                assert!(line.starts_with(culprit.as_str()) || moved, "{}: {line}", case.id);
            }
        }
    }
}

#[test]
fn simple_rules_solve_a_quarter_at_most() {
    let made = made();
    let options = with_map(made.folder.path(), "2");
    let (mut of, mut newest, mut text, mut either) = (0, Vec::new(), Vec::new(), 0);
    for (_, case) in &made.cases {
        let Some(truth) = &case.truth.commit else { continue };
        let repo = open(case, &options);
        let ticket = millwright_ingest::parse(case.ticket.as_bytes());
        let commit = |revision: &String| repo.resolve(revision).unwrap();
        let (bad, good) = (commit(&case.bad), case.good.as_ref().map(commit));
        let simple = baselines(&repo, &RedactionConfig::default(), &bad, good.as_ref(), &ticket).unwrap();
        let by_newest = simple.newest_in_trace.first() == Some(truth);
        let by_text = simple.text.first() == Some(truth);
        of += 1;
        newest.extend(by_newest.then_some(&case.id));
        text.extend(by_text.then_some(&case.id));
        either += usize::from(by_newest || by_text);
    }
    println!("of {of}: newest on a trace file {newest:?}, text similarity {text:?}");
    assert!(of >= 40 && either * 4 <= of, "{either} of {of}: {newest:?} {text:?}");
}

#[test]
fn there_is_much_else_in_every_history_and_kinds_are_what_classes_say() {
    let made = made();
    let options = with_map(made.folder.path(), "3");
    for (class, case) in &made.cases {
        let repo = open(case, &options);
        let said = repo.git().args(["rev-list", "--count", &case.bad]).output().unwrap();
        let count: usize = String::from_utf8(said).unwrap().trim().parse().unwrap();
        assert!(count >= 120, "{}: {count} commits", case.id);
        let expected = match class {
            Class::Dependency => TruthKind::Dependency,
            Class::Configuration => TruthKind::Configuration,
            Class::Data => TruthKind::Data,
            _ if case.truth.commit.is_some() => TruthKind::CodeChange,
            _ => continue,
        };
        assert_eq!(case.truth.kind, expected, "{}", case.id);
    }
}
