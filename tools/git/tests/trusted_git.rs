/*! A repository in which every setting tries to start a program starts none when Millwright reads it. */
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "the hostile repository is made with the user's own git")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use millwright_git::Repo;
use millwright_sandbox::CancelFlag;
use millwright_sandbox::trusted::{self, GitError};

fn git(folder: &Path, args: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b"])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(status.status.success(), "{args:?}: {}", String::from_utf8_lossy(&status.stderr));
}

/// Creates a harmless repository, then sets the traps: each trap writes its name into `sprung`.
fn hostile_repository(root: &Path) -> std::path::PathBuf {
    let path = root.join("hostile");
    fs::create_dir(&path).unwrap();
    git(&path, &["init", "-q", "-b", "main"]);
    for (name, content) in
        [("a.py", "def f():\n    return 1\n"), (".gitattributes", "* filter=trap diff=trap merge=trap\n")]
    {
        fs::write(path.join(name), content).unwrap();
    }
    git(&path, &["add", "."]);
    git(&path, &["commit", "-qm", "one"]);
    fs::write(path.join("a.py"), "def f():\n    return 2\n").unwrap();
    git(&path, &["commit", "-qam", "two"]);
    let sprung = root.join("sprung");
    let trap = root.join("trap");
    fs::write(&trap, format!("#!/bin/sh\necho \"$0 $@\" >> {}\ncat\n", sprung.display())).unwrap();
    fs::set_permissions(&trap, fs::Permissions::from_mode(0o755)).unwrap();
    let hooks = path.join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in ["post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc", "post-commit"]
    {
        fs::copy(&trap, hooks.join(hook)).unwrap();
    }
    let trap = trap.to_string_lossy().into_owned();
    let log_alias = format!("!{trap}");
    for (key, value) in [
        ("core.fsmonitor", trap.as_str()),
        ("core.hooksPath", &hooks.to_string_lossy()),
        ("core.pager", &trap),
        ("core.editor", &trap),
        ("core.sshCommand", &trap),
        ("core.askPass", &trap),
        ("core.alternateRefsCommand", &trap),
        ("credential.helper", &trap),
        ("diff.external", &trap),
        ("diff.trap.command", &trap),
        ("diff.trap.textconv", &trap),
        ("filter.trap.smudge", &trap),
        ("filter.trap.clean", &trap),
        ("filter.trap.process", &trap),
        ("filter.trap.required", "true"),
        ("merge.trap.driver", &trap),
        ("gpg.program", &trap),
        ("log.showSignature", "true"),
        ("alias.log", &log_alias),
        ("alias.hello", &log_alias),
        ("pager.log", &trap),
        ("remote.origin.url", "ext::sh -c true"),
        ("remote.origin.promisor", "false"),
    ] {
        git(&path, &["config", key, value]);
    }
    path
}

#[test]
fn nothing_of_the_repository_is_run() {
    let root = tempfile::tempdir().unwrap();
    let hostile = hostile_repository(root.path());
    let repo = Repo::open(&hostile, &root.path().join("data")).unwrap();
    let head = repo.resolve("HEAD").unwrap();
    let checkout = root.path().join("checkout");
    fs::create_dir(&checkout).unwrap();
    let range = format!("{head}~1..{head}");
    let commands: &[&[&str]] = &[
        &["log", "-p", &head],
        &["log", "--name-status", "--format=%H %G?", &head],
        &["show", &head],
        &["diff", &format!("{head}~1"), &head],
        &["diff-tree", "-p", "-r", &head],
        &["format-patch", "--stdout", &range],
        &["blame", "--porcelain", &head, "--", "a.py"],
        &["grep", "return", &head],
        &["cat-file", "-p", &head],
        &["rev-list", "--objects", "--alternate-refs", &head],
        &["for-each-ref"],
        &["merge-tree", "--write-tree", &format!("{head}~1"), &head],
        &["archive", "--format=tar", &head],
        &["update-ref", "refs/heads/ours", &head],
    ];
    for command in commands {
        let output = repo.git().args(*command).output();
        assert!(output.is_ok(), "{command:?}: {output:?}");
    }
    let work = || repo.git().env("GIT_INDEX_FILE", root.path().join("index")).work_tree(&checkout);
    work().args(["read-tree", &head]).output().unwrap();
    work().args(["checkout-index", "-a", "-f"]).output().unwrap();
    assert_eq!(fs::read_to_string(checkout.join("a.py")).unwrap(), "def f():\n    return 2\n");
    fs::write(checkout.join("a.py"), "changed\n").unwrap();
    work().args(["status", "--porcelain"]).output().unwrap();
    work().args(["diff"]).output().unwrap();
    work().args(["add", "-A"]).output().unwrap();
    assert!(repo.git().arg("hello").output().is_err());
    assert!(repo.git().args(["fetch", "ext::sh -c true"]).output().is_err());
    let sprung = fs::read_to_string(root.path().join("sprung")).unwrap_or_default();
    assert_eq!(sprung, "");
}

/// Even if the repository's own git directory is passed by mistake, its hooks and external diffs do not run.
#[test]
fn the_command_line_outranks_the_configuration() {
    let root = tempfile::tempdir().unwrap();
    let hostile = hostile_repository(root.path());
    for command in [
        &["log", "-p", "-1", "main"][..],
        &["show", "main"],
        &["diff", "main~1", "main"],
        &["update-ref", "refs/heads/x", "main"],
    ] {
        trusted::git(&hostile.join(".git")).args(command).output().unwrap();
    }
    let sprung = fs::read_to_string(root.path().join("sprung")).unwrap_or_default();
    assert_eq!(sprung, "");
}

#[test]
fn a_long_run_can_be_stopped() {
    let root = tempfile::tempdir().unwrap();
    let hostile = hostile_repository(root.path());
    let waiting = || trusted::git(&hostile.join(".git")).args(["cat-file", "--batch"]);
    // Standard input stays open, so git would wait for ever.
    let (reader, _writer) = std::io::pipe().unwrap();
    let stopped = waiting().input(reader.try_clone().unwrap()).deadline(Duration::from_millis(100)).output();
    assert!(matches!(stopped, Err(GitError::Stopped { .. })), "{stopped:?}");
    let flag = CancelFlag::default();
    flag.cancel();
    let stream = waiting().input(reader).cancel(&flag).stream().unwrap();
    assert!(matches!(stream.finish(), Err(GitError::Stopped { why: "cancelled", .. })));
    let quick =
        trusted::git(&hostile.join(".git")).args(["rev-parse", "main"]).deadline(Duration::from_secs(60));
    assert_eq!(quick.output().unwrap().len(), 41);
}
