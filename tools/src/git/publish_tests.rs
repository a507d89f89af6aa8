use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::git::testing::{TestRepo, snapshot};

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
    let repo = test.open();
    let edits = [crate::checkout::FileEdit {
        path: "a.txt".into(),
        content: Some(("100644".into(), b"two\n".to_vec())),
    }];
    let tree = crate::checkout::edit_tree(&repo, &bad, &edits).unwrap();
    let commit = commit_of(&repo, &tree, &bad, "Fix: a\n", 1_700_000_000).unwrap();
    assert_eq!(commit_of(&repo, &tree, &bad, "Fix: a\n", 1_700_000_000).unwrap(), commit);
    let before = snapshot(&test.work());
    assert_eq!(create_branch(&repo, "millwright/fix", &commit, &bad).unwrap(), Published::New);
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
    assert_eq!(create_branch(&repo, "millwright/fix", &commit, &bad).unwrap(), Published::Already);
    let other = commit_of(&repo, &tree, &bad, "Fix: b\n", 1_700_000_000).unwrap();
    assert_eq!(create_branch(&repo, "millwright/fix", &other, &bad).unwrap(), Published::Taken(commit));
    let ran = std::fs::read_dir(test.beside("")).unwrap().flatten();
    assert!(ran.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with("ran-")));
}

#[test]
fn a_push_is_looked_for_before_it_is_made() {
    let test = TestRepo::new();
    let bad = test.commit("bad", &[("a.txt", "one\n")]);
    hook(&test, "pre-push");
    let bare = test.clone(&["--bare", &test.work().to_string_lossy()], "remote.git");
    let url = format!("file://{}", bare.display());
    // Where the user's own configuration would send it instead.
    test.git(&["config", "url.file:///nonexistent/.insteadOf", "file:///"]);
    let repo = test.open();
    let edits = [crate::checkout::FileEdit { path: "a.txt".into(), content: None }];
    let tree = crate::checkout::edit_tree(&repo, &bad, &edits).unwrap();
    let commit = commit_of(&repo, &tree, &bad, "Fix\n", 1).unwrap();
    assert_eq!(push(&repo, &url, "fix", &commit).unwrap(), Published::New);
    let there = trusted::git(&bare).args(["rev-parse", "refs/heads/fix"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&there).trim(), commit);
    assert_eq!(push(&repo, &url, "fix", &commit).unwrap(), Published::Already);
    assert_eq!(push(&repo, &url, "fix", &bad).unwrap(), Published::Taken(commit));
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
