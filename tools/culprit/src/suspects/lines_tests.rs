use millwright_git::Repo;
use millwright_git::history::HistoryIndex;
use millwright_model::CommitId;
use millwright_redaction::RedactionConfig;
use millwright_testkit::imported::{CommittedChange, ImportedRepo};

use super::super::candidates::SuspectCandidates;
use super::super::query::TicketQuery;
use super::*;

fn candidates(repo: &mut ImportedRepo) -> (SuspectCandidates, Vec<CommitId>) {
    let ids = repo.import();
    let opened = Repo::open(&repo.path(), &repo.data("data")).unwrap();
    let bad = ids.last().unwrap();
    let mut history = HistoryIndex::open(&opened, &RedactionConfig::default(), bad).unwrap();
    let position = history.structure.position(bad).unwrap();
    let range = history.structure.range(position, None);
    history.text.ensure(&opened, &history.structure, &range).unwrap();
    (SuspectCandidates::read(&history, &range, &TicketQuery::default(), &[]).unwrap(), ids)
}

/// Position of the owner of every line at the newest commit; candidates are ordered newest first.
fn owners(candidates: &SuspectCandidates, path: &str, lines: u32) -> Vec<usize> {
    let mut owners = vec![0; lines as usize];
    for owned in follow(candidates, path, lines).owned {
        for line in owned.start..owned.start + owned.len {
            owners[line as usize - 1] = candidates.len() - owned.candidate as usize;
        }
    }
    owners
}

#[test]
fn follows_lines_through_insertions_removals_and_renames() {
    let mut repo = ImportedRepo::new();
    let text = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let write = |repo: &mut ImportedRepo, path: &str, lines: &[&str]| {
        repo.commit("x", &[CommittedChange::Write(path, &text(lines))]);
    };
    write(&mut repo, "a.py", &["one", "two", "three", "four", "five", "six"]);
    write(&mut repo, "a.py", &["zero", "one", "two", "three", "four", "five", "six"]);
    write(&mut repo, "a.py", &["zero", "one", "TWO", "three", "five", "six"]);
    repo.commit("x", &[CommittedChange::Rename("a.py", "b.py")]);
    write(&mut repo, "b.py", &["zero", "one", "TWO", "three", "five", "six", "end"]);
    let (candidates, _) = candidates(&mut repo);
    assert_eq!(owners(&candidates, "b.py", 7), [2, 1, 3, 1, 1, 1, 5]);
    let beside: Vec<(usize, u32)> = follow(&candidates, "b.py", 7)
        .beside
        .into_iter()
        .map(|(at, line)| (candidates.len() - at as usize, line))
        .collect();
    assert_eq!(beside, [(3, 4), (3, 5)]);
}

#[test]
fn agrees_with_git_blame() {
    let mut repo = ImportedRepo::new();
    let mut chance = fastrand::Rng::with_seed(12_345);
    let mut draw = |limit: usize| chance.usize(..limit);
    let mut lines: Vec<String> = (0..40).map(|n| format!("line {n}")).collect();
    for commit in 0..30 {
        for edit in 0..3 {
            let at = draw(lines.len());
            match draw(3) {
                0 => lines.insert(at, format!("new {commit} {edit}")),
                1 if lines.len() > 5 => drop(lines.remove(at)),
                _ => lines[at] = format!("changed {commit} {edit}"),
            }
        }
        repo.commit("x", &[CommittedChange::Write("f.txt", &(lines.join("\n") + "\n"))]);
    }
    let (candidates, ids) = candidates(&mut repo);
    let opened = Repo::open(&repo.path(), &repo.data("data")).unwrap();
    let blame = opened
        .git()
        .args(["blame", "-s", "-l", "--root", ids.last().unwrap(), "--", "f.txt"])
        .output()
        .unwrap();
    let expected: Vec<usize> = String::from_utf8_lossy(&blame)
        .lines()
        .map(|line| 1 + ids.iter().position(|id| line.starts_with(id.as_str())).unwrap())
        .collect();
    let found = owners(&candidates, "f.txt", lines.len() as u32);
    // Git may slide an equal line between hunks; the texts here are unique, so it cannot.
    assert_eq!(found, expected);
}
