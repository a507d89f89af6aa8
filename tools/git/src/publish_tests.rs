use std::os::unix::fs::PermissionsExt;

use millwright_sandbox::trusted;

use super::*;
use millwright_testkit::repository::{TestRepo, snapshot};

fn hook(repo: &TestRepo, name: &str) {
    let path = repo.git_dir().join("hooks").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, format!("#!/bin/sh\ntouch {}/ran-{name}\n", repo.beside("").display())).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_branch_is_new_objects_and_one_reference() {
    let test = TestRepo::new();
    let bad = test.commit("bad", &[("a.txt", "one\n")]);
    for name in ["reference-transaction", "pre-push", "post-checkout", "post-commit", "pre-commit"] {
        hook(&test, name);
    }
    test.write(&[("a.txt", "not committed\n")]);
    let repo = Repo::open(&test.work(), &test.data()).unwrap();
    let edits = [crate::checkout::FileEdit {
        path: "a.txt".into(),
        content: Some(("100644".into(), b"two\n".to_vec())),
    }];
    let tree = crate::checkout::edit_tree(&repo, &bad, &edits).unwrap();
    let commit = commit_of(&repo, &tree, &bad, "Fix: a\n", 1_700_000_000).unwrap();
    assert_eq!(commit_of(&repo, &tree, &bad, "Fix: a\n", 1_700_000_000).unwrap(), commit);
    let before = snapshot(&test.work());
    assert_eq!(create_branch(&repo, "millwright/fix", &commit, &bad).unwrap(), PublishResult::New);
    let after = snapshot(&test.work());
    for (path, content) in &before {
        assert_eq!(after.get(path), Some(content), "{}", path.display());
    }
    let added = after.keys().filter(|path| !before.contains_key(*path));
    for path in added {
        let inside = path.strip_prefix(test.git_dir()).unwrap().to_string_lossy().into_owned();
        assert!(
            inside.starts_with("objects") || inside.contains("refs/heads/millwright"),
            "{inside} was not to be written"
        );
    }
    assert_eq!(test.git(&["show", "millwright/fix:a.txt"]), "two");
    assert_eq!(test.git(&["rev-parse", "millwright/fix^"]), bad);
    assert_eq!(create_branch(&repo, "millwright/fix", &commit, &bad).unwrap(), PublishResult::Already);
    let other = commit_of(&repo, &tree, &bad, "Fix: b\n", 1_700_000_000).unwrap();
    assert_eq!(
        create_branch(&repo, "millwright/fix", &other, &bad).unwrap(),
        PublishResult::Taken(commit.short().to_owned())
    );
    let ran = std::fs::read_dir(test.beside("")).unwrap().flatten();
    assert!(ran.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with("ran-")));
}

/// A commit of ours, ready to become a branch.
fn prepared(test: &TestRepo) -> (Repo, CommitId, CommitId) {
    let bad = test.commit("bad", &[("folder/a.txt", "one\n")]);
    let repo = Repo::open(&test.work(), &test.data()).unwrap();
    let edits = [crate::checkout::FileEdit {
        path: "folder/a.txt".into(),
        content: Some(("100644".into(), b"two\n".to_vec())),
    }];
    let tree = crate::checkout::edit_tree(&repo, &bad, &edits).unwrap();
    let commit = commit_of(&repo, &tree, &bad, "Fix\n", 1).unwrap();
    (repo, commit, bad)
}

fn pipe(path: &std::path::Path) {
    nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
}

/// Everything in a git directory that points elsewhere or blocks, and that writing a branch may meet.
#[test]
fn nothing_is_written_through_a_hostile_git_directory() {
    use std::os::unix::fs::symlink;
    type Plant = fn(&TestRepo, &std::path::Path);
    let refused: [(&str, Plant); 6] = [
        ("refs/heads/millwright", |test, out| {
            symlink(out, test.git_dir().join("refs/heads/millwright")).unwrap();
        }),
        ("refs/heads/millwright/fix", |test, out| {
            std::fs::create_dir(test.git_dir().join("refs/heads/millwright")).unwrap();
            symlink(out.join("new"), test.git_dir().join("refs/heads/millwright/fix")).unwrap();
        }),
        ("refs/heads/millwright/fix", |test, _| {
            std::fs::create_dir(test.git_dir().join("refs/heads/millwright")).unwrap();
            pipe(&test.git_dir().join("refs/heads/millwright/fix"));
        }),
        ("refs/heads/millwright/fix", |test, out| {
            std::fs::create_dir(test.git_dir().join("refs/heads/millwright")).unwrap();
            symlink(out.join("new"), test.git_dir().join("refs/heads/millwright/fix.lock")).unwrap();
        }),
        ("refs/heads", |test, out| {
            let heads = test.git_dir().join("refs/heads");
            std::fs::rename(&heads, out.join("heads")).unwrap();
            symlink(out.join("heads"), &heads).unwrap();
        }),
        ("objects", |test, out| {
            let objects = test.git_dir().join("objects");
            std::fs::rename(&objects, out.join("objects")).unwrap();
            symlink(out.join("objects"), &objects).unwrap();
        }),
    ];
    for (place, plant) in refused {
        let test = TestRepo::new();
        let (repo, commit, bad) = prepared(&test);
        let outside = test.beside("outside");
        std::fs::create_dir(&outside).unwrap();
        plant(&test, &outside);
        let before = snapshot(&outside);
        let error = create_branch(&repo, "millwright/fix", &commit, &bad).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains("patch file"), "{place}: {error}");
        assert_eq!(snapshot(&outside), before, "{place}");
    }
}

/// Things that git itself would read, follow or wait for, and that must not prevent creating a branch.
#[test]
fn a_branch_needs_nothing_that_git_would_read() {
    use std::os::unix::fs::symlink;
    let test = TestRepo::new();
    let (repo, commit, bad) = prepared(&test);
    let (git, outside) = (test.git_dir(), test.beside("outside"));
    std::fs::create_dir(&outside).unwrap();
    pipe(&git.join("waits"));
    let mut config = std::fs::read_to_string(git.join("config")).unwrap();
    config.push_str("[include]\n\tpath = waits\n[core]\n\tlogAllRefUpdates = always\n");
    std::fs::write(git.join("config"), config).unwrap();
    std::fs::remove_dir_all(git.join("logs")).unwrap();
    symlink(&outside, git.join("logs")).unwrap();
    let _ = std::fs::remove_file(git.join("packed-refs"));
    pipe(&git.join("packed-refs"));
    let before = snapshot(&outside);
    assert_eq!(create_branch(&repo, "millwright/fix", &commit, &bad).unwrap(), PublishResult::New);
    assert_eq!(snapshot(&outside), before);
    let written = std::fs::read_to_string(git.join("refs/heads/millwright/fix")).unwrap();
    assert_eq!(written, format!("{commit}\n"));
    assert_eq!(create_branch(&repo, "millwright/fix", &commit, &bad).unwrap(), PublishResult::Already);
    for path in ["waits", "packed-refs", "logs"] {
        std::fs::remove_file(git.join(path)).unwrap();
    }
    assert_eq!(test.git(&["fsck", "--strict", "--no-dangling"]), "");
    assert_eq!(test.git(&["show", "millwright/fix:folder/a.txt"]), "two");
}

#[test]
fn names_that_stand_already_are_found_wherever_they_are() {
    let test = TestRepo::new();
    let (repo, commit, bad) = prepared(&test);
    test.git(&["branch", "millwright/fix"]);
    test.git(&["branch", "other"]);
    test.git(&["pack-refs", "--all"]);
    assert_eq!(
        create_branch(&repo, "millwright/fix", &commit, &bad).unwrap(),
        PublishResult::Taken(bad.short().to_owned())
    );
    for name in ["millwright", "other/deep"] {
        let error = create_branch(&repo, name, &commit, &bad).unwrap_err().to_string();
        assert!(error.contains("in the way"), "{error}");
    }
    std::fs::write(test.git_dir().join("refs/heads/locked.lock"), "").unwrap();
    let error = create_branch(&repo, "locked", &commit, &bad).unwrap_err().to_string();
    assert!(error.contains("another git is at work"), "{error}");
    // A linked worktree's branches are in the repository it belongs to; any other target is refused.
    let linked = test.beside("linked");
    test.git(&["worktree", "add", "--quiet", "--detach", &linked.to_string_lossy()]);
    let of_linked = Repo::open(&linked, &test.data()).unwrap();
    assert_eq!(create_branch(&of_linked, "from-linked", &commit, &bad).unwrap(), PublishResult::New);
    assert_eq!(test.git(&["rev-parse", "from-linked"]), commit);
    let hostile = test.beside("hostile");
    std::fs::create_dir_all(hostile.join(".git")).unwrap();
    std::fs::write(hostile.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    std::fs::write(hostile.join(".git/commondir"), test.git_dir().to_string_lossy().as_bytes()).unwrap();
    let of_hostile = Repo::open(&hostile, &test.data()).unwrap();
    let error = create_branch(&of_hostile, "stolen", &commit, &bad).unwrap_err().to_string();
    assert!(error.contains("not a worktree of that repository"), "{error}");
}

#[test]
fn a_branch_in_the_way_is_told_apart_from_a_symbolic_link() {
    let test = TestRepo::new();
    let (repo, commit, bad) = prepared(&test);
    test.git(&["branch", "millwright"]);
    let error = create_branch(&repo, "millwright/fix", &commit, &bad).unwrap_err().to_string();
    assert!(error.contains("a branch named like the first part of this name"), "{error}");
    std::fs::remove_file(test.git_dir().join("refs/heads/millwright")).unwrap();
    std::os::unix::fs::symlink("/nonexistent", test.git_dir().join("refs/heads/millwright")).unwrap();
    let error = create_branch(&repo, "millwright/fix", &commit, &bad).unwrap_err().to_string();
    assert!(error.contains("symbolic link"), "{error}");
}

/// A git directory whose branches are all packed, copied by a tool that drops empty folders.
#[test]
fn a_branch_is_made_where_there_is_no_folder_of_branches() {
    let test = TestRepo::new();
    let (repo, commit, bad) = prepared(&test);
    test.git(&["branch", "packed"]);
    test.git(&["pack-refs", "--all"]);
    std::fs::remove_dir_all(test.git_dir().join("refs/heads")).unwrap();
    assert_eq!(
        create_branch(&repo, "packed", &commit, &bad).unwrap(),
        PublishResult::Taken(bad.short().to_owned())
    );
    assert!(!test.git_dir().join("refs/heads").exists(), "nothing is made for a name that is taken");
    assert_eq!(create_branch(&repo, "millwright/fix", &commit, &bad).unwrap(), PublishResult::New);
    assert_eq!(test.git(&["rev-parse", "millwright/fix"]), commit);
}

#[test]
fn a_push_is_looked_for_before_it_is_made() {
    let test = TestRepo::new();
    let bad = test.commit("bad", &[("a.txt", "one\n")]);
    hook(&test, "pre-push");
    let bare = test.clone(&["--bare", &test.work().to_string_lossy()], "remote.git");
    let url = format!("file://{}", bare.display());
    // The user's own configuration would redirect the push there.
    test.git(&["config", "url.file:///nonexistent/.insteadOf", "file:///"]);
    let repo = Repo::open(&test.work(), &test.data()).unwrap();
    let edits = [crate::checkout::FileEdit { path: "a.txt".into(), content: None }];
    let tree = crate::checkout::edit_tree(&repo, &bad, &edits).unwrap();
    let commit = commit_of(&repo, &tree, &bad, "Fix\n", 1).unwrap();
    assert_eq!(push(&repo, &url, "fix", &commit).unwrap(), PublishResult::New);
    let there = trusted::git(&bare).args(["rev-parse", "refs/heads/fix"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&there).trim(), commit);
    assert_eq!(push(&repo, &url, "fix", &commit).unwrap(), PublishResult::Already);
    assert_eq!(push(&repo, &url, "fix", &bad).unwrap(), PublishResult::Taken(commit.short().to_owned()));
    assert!(test.beside("ran-pre-push").symlink_metadata().is_err());
    assert!(push(&repo, "file:///nonexistent/x.git", "fix", &bad).is_err());
}

#[test]
fn names_and_addresses_are_checked() {
    for name in ["millwright/fix-1", "fix", "a.b/c_d"] {
        assert!(check_branch_name(name).is_ok(), "{name}");
    }
    for name in [
        "",
        "-f",
        "HEAD",
        "head",
        "refs/heads/x",
        "a..b",
        "a b",
        "a/",
        "/a",
        "a/.b",
        "x.lock",
        "a~1",
        "x@{1}",
        "é",
    ] {
        assert!(check_branch_name(name).is_err(), "{name}");
    }
    for url in ["https://h/x", "ssh://h/x", "ext::sh -c id", "h:x", "file://h/x", "/x", "--upload-pack=x"] {
        assert!(check_remote(url).is_err(), "{url}");
    }
    assert!(check_remote("file:///srv/x.git").is_ok());
}
