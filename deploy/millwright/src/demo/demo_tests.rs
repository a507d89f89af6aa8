#![expect(
    clippy::disallowed_methods,
    reason = "runs the demo's own scripts, which this test has just written"
)]

use std::process::Command;
use std::time::Instant;

use super::*;

struct Ran {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs `command` on a checkout of `revision`.
fn at(repo: &DemoRepo, revision: &str, command: &str) -> Ran {
    let checkout = tempfile::tempdir().unwrap();
    let archive = git(repo, &["archive", revision]);
    let tar = checkout.path().join("a.tar");
    fs::write(&tar, archive).unwrap();
    assert!(Command::new("tar").arg("xf").arg(&tar).current_dir(checkout.path()).status().unwrap().success());
    run(checkout.path(), command)
}

fn run(dir: &Path, command: &str) -> Ran {
    let output = Command::new("sh").args(["-c", command]).current_dir(dir).output().unwrap();
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn git(repo: &DemoRepo, args: &[&str]) -> Vec<u8> {
    trusted::git(&repo.path.join(".git")).args(args).output().unwrap()
}

fn lines(repo: &DemoRepo, args: &[&str]) -> Vec<String> {
    String::from_utf8(git(repo, args)).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_same_repository_every_time_and_nothing_else_is_overwritten() {
    let parent = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let first = build(&parent.path().join("one")).unwrap();
    println!("built in {:?}", begun.elapsed());
    let second = build(&parent.path().join("two")).unwrap();
    assert_eq!((&first.bad, &first.good, &first.culprit), (&second.bad, &second.good, &second.culprit));
    let again = build(&first.path).unwrap();
    assert_eq!(again.bad, first.bad);
    assert!(lines(&first, &["rev-list", "--count", "main"])[0].parse::<u32>().unwrap() >= 150);
    let status =
        trusted::git(&first.path.join(".git")).args(["status", "--porcelain"]).work_tree(&first.path);
    assert_eq!(status.output().unwrap(), b"", "the work tree is clean");

    let other = parent.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter.txt"), "mine").unwrap();
    assert!(matches!(build(&other), Err(DemoError::Occupied { .. })));
    assert_eq!(fs::read_to_string(other.join("letter.txt")).unwrap(), "mine");
}

#[test]
fn the_failure_begins_at_the_culprit() {
    let parent = tempfile::tempdir().unwrap();
    let repo = build(&parent.path().join("shop")).unwrap();
    let failing = at(&repo, &repo.bad, &repo.replay);
    assert_eq!(failing.status, Some(1));
    for line in failing.stderr.lines() {
        assert!(repo.ticket.contains(line.trim()), "the ticket quotes {line:?}\n{}", failing.stderr);
    }
    let passing = at(&repo, &repo.good, &repo.replay);
    assert_eq!(passing.status, Some(0), "{}", passing.stderr);
    assert!(passing.stdout.starts_with("Invoice 1042 for Ines Duarte"));
    assert_eq!(at(&repo, &format!("{}^", repo.culprit), &repo.replay).status, Some(0));
    assert_eq!(at(&repo, &repo.culprit, &repo.replay).status, Some(1));
    let tests = at(&repo, &repo.bad, &repo.tests);
    assert_eq!(tests.status, Some(0), "{}", tests.stdout);
    assert!(tests.stdout.lines().count() > 20);
}

#[test]
fn every_revision_can_be_tested() {
    let parent = tempfile::tempdir().unwrap();
    let repo = build(&parent.path().join("shop")).unwrap();
    let range = lines(&repo, &["rev-list", "--reverse", &format!("{}..{}", repo.good, repo.bad)]);
    let culprit = range.iter().position(|id| *id == repo.culprit).unwrap();
    assert!(culprit > 20 && culprit < range.len() - 20, "{culprit} of {}", range.len());
    let wanted = at(&repo, &repo.bad, &repo.replay).stderr;
    for (position, id) in range.iter().enumerate() {
        let replay = at(&repo, id, &repo.replay);
        let error = replay.stderr.lines().next().unwrap_or_default();
        assert_eq!(replay.status, Some(i32::from(position >= culprit)), "{id}: {error}");
        if position >= culprit {
            assert_eq!(error, wanted.lines().next().unwrap(), "{id}");
        }
        if position % 5 == 0 {
            let tests = at(&repo, id, &repo.tests);
            assert_eq!(tests.status, Some(0), "{id}: {}", tests.stdout);
        }
    }
}

#[test]
fn a_fair_puzzle() {
    let parent = tempfile::tempdir().unwrap();
    let repo = build(&parent.path().join("shop")).unwrap();
    let files = |revision: &str| lines(&repo, &["show", "--format=", "--name-only", revision]);
    let culprit_files = files(&repo.culprit);
    let traced = ["lib/invoice.sh", "bin/counter"];
    for path in traced {
        assert!(repo.ticket.contains(path));
        assert!(!culprit_files.iter().any(|file| file == path), "{path} is traced and the culprit's");
        let later = lines(&repo, &["rev-list", &format!("{}..{}", repo.culprit, repo.bad), "--", path]);
        assert!(!later.is_empty(), "no later commit touched {path}");
    }
    let hunks = lines(&repo, &["show", "--format=", &repo.culprit])
        .iter()
        .filter(|line| line.starts_with("@@ "))
        .count();
    assert!(hunks >= 4, "{hunks} hunks");

    // Reverting the whole commit conflicts.
    let tree = trusted::git(&repo.path.join(".git"))
        .args(["merge-tree", "--write-tree", "--merge-base"])
        .args([repo.culprit.as_str(), repo.bad.as_str(), &format!("{}^", repo.culprit)])
        .output();
    assert!(tree.is_err(), "a plain revert applies");
    // Its guilty lines alone can be reverted, also by a three-way merge.
    const GUILTY: &str = "    R=$(($1 * $2 / $3))\n";
    const BEFORE: &str = "    share_carry=$(($1 * $2 + share_carry))\n    R=$((share_carry / $3))\n    share_carry=$((share_carry % $3))\n";
    let sides = tempfile::tempdir().unwrap();
    let at_culprit = git(&repo, &["show", &format!("{}:lib/money.sh", repo.culprit)]);
    let without = String::from_utf8(at_culprit.clone()).unwrap().replace(GUILTY, BEFORE);
    for (name, text) in [("base", at_culprit), ("theirs", without.into_bytes())] {
        fs::write(sides.path().join(name), text).unwrap();
    }
    fs::copy(repo.path.join("lib/money.sh"), sides.path().join("ours")).unwrap();
    let merge = trusted::git(&repo.path.join(".git")).args(["merge-file", "-p", "ours", "base", "theirs"]);
    let merged = merge.work_tree(sides.path()).output().unwrap();
    let money = fs::read_to_string(repo.path.join("lib/money.sh")).unwrap();
    let fixed = money.replace(GUILTY, BEFORE);
    assert_ne!(money, fixed);
    assert_eq!(String::from_utf8(merged).unwrap(), fixed);
    fs::write(repo.path.join("lib/money.sh"), fixed).unwrap();
    let begun = Instant::now();
    let mended = run(&repo.path, &repo.replay);
    println!("replayed in {:?}", begun.elapsed());
    assert_eq!(mended.status, Some(0), "{}", mended.stderr);
    let tests = run(&repo.path, &repo.tests);
    assert_eq!(tests.status, Some(0), "{}", tests.stdout);
}

#[test]
fn an_unfinished_build_is_begun_anew() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("shop");
    let first = build(&dir).unwrap();
    fs::rename(dir.join(".git/millwright-demo"), dir.join(".git/millwright-demo-unfinished")).unwrap();
    assert_eq!(build(&dir).unwrap().bad, first.bad);
}
