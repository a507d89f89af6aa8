use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::*;
use crate::checkout::{CheckoutChange, FileOverlay, OverlayMode, compose};
use millwright_testkit::repository::TestRepo;

fn pool(project: &TestRepo) -> CheckoutPool {
    CheckoutPool::new(
        Repo::open(&project.work(), &project.data()).unwrap(),
        PoolLimits { slots: 2, wait: Duration::ZERO },
    )
}

fn tree_of(project: &TestRepo, revision: &str) -> String {
    compose(&Repo::open(&project.work(), &project.data()).unwrap(), revision, None, None).unwrap().tree
}

fn content(slot: &CheckoutSlot, path: &str) -> Option<String> {
    fs::read_to_string(slot.path().join(path)).ok()
}

#[test]
fn switches_and_sweeps() {
    let project = TestRepo::new();
    let first =
        project.commit("change", &[("a.txt", "one"), ("dir/b.txt", "one"), (".gitignore", "*.pyc\n")]);
    let second = project.commit("change", &[("a.txt", "two"), ("dir/c.txt", "two")]);
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("kept"), "kept").unwrap();

    let pool = pool(&project);
    let mut slot = pool.acquire().unwrap();
    let (first, second) = (tree_of(&project, &first), tree_of(&project, &second));
    slot.switch(&second).unwrap();
    assert_eq!(content(&slot, "dir/c.txt").as_deref(), Some("two"));

    let tree = slot.hand_out();
    fs::write(tree.join("ignored.pyc"), "stale").unwrap();
    fs::write(tree.join("a.txt"), "TWO").unwrap();
    fs::create_dir_all(tree.join(".git/hooks")).unwrap();
    fs::create_dir_all(tree.join("locked/deep")).unwrap();
    fs::set_permissions(tree.join("locked"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::remove_dir_all(tree.join("dir")).unwrap();
    symlink(outside.path(), tree.join("dir")).unwrap();
    symlink(outside.path(), tree.join("way-out")).unwrap();
    let left = slot.leftovers().unwrap();
    assert!(left.changed.contains(&"a.txt".into()) && left.new.contains(&"ignored.pyc".into()), "{left:?}");

    slot.switch(&second).unwrap();
    let names = |slot: &CheckoutSlot| {
        let mut names: Vec<String> = children(&slot.path())
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&slot), [".gitignore", "a.txt", "dir"]);
    assert_eq!(content(&slot, "a.txt").as_deref(), Some("two"));
    assert_eq!(content(&slot, "dir/b.txt").as_deref(), Some("one"));
    assert_eq!(fs::read_to_string(outside.path().join("kept")).unwrap(), "kept");

    slot.switch(&first).unwrap();
    assert_eq!(content(&slot, "a.txt").as_deref(), Some("one"));
    assert_eq!(content(&slot, "dir/c.txt"), None);
}

#[test]
fn the_users_repository_is_not_touched() {
    let project = TestRepo::new();
    let first = project.commit("change", &[("a.txt", "one\ntwo\nthree\n")]);
    let second = project.commit("change", &[("a.txt", "one\n2\nthree\n"), ("t.txt", "test")]);
    let before = snapshot(&project.work());
    let pool = pool(&project);
    let overlay = FileOverlay {
        from: second.to_string(),
        base: Some(first.to_string()),
        paths: vec!["a.txt".into()],
        mode: OverlayMode::Merge,
    };
    let patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n two\n-three\n+3\n".to_owned();
    let composed = compose(pool.repo(), &first, Some(&CheckoutChange::Patch(patch)), Some(&overlay)).unwrap();
    let mut slot = pool.acquire().unwrap();
    slot.switch(&composed.tree).unwrap();
    fs::write(slot.hand_out().join("new"), "new").unwrap();
    drop(slot);
    pool.prune().unwrap();
    assert_eq!(snapshot(&project.work()), before);
}

/// Acquires a slot that was just given back. A process that another test starts at that moment keeps the lock file
/// open until its `exec`.
fn acquire_given_back(pool: &CheckoutPool) -> CheckoutSlot {
    for _ in 0..1_000 {
        match pool.acquire() {
            Err(CheckoutError::AllInUse { .. }) => std::thread::sleep(std::time::Duration::from_millis(10)),
            acquired => return acquired.unwrap(),
        }
    }
    panic!("the slot is still in use")
}

#[test]
fn a_slot_has_one_holder_and_outlives_it() {
    let project = TestRepo::new();
    let revision = project.commit("change", &[("a", "a")]);
    let pool = pool(&project);
    let first = pool.acquire().unwrap();
    let second = pool.acquire().unwrap();
    assert_ne!(first.number(), second.number());
    assert!(matches!(pool.acquire(), Err(CheckoutError::AllInUse { .. })));
    drop(first);
    let mut again = acquire_given_back(&pool);
    // What a killed process leaves behind: half an index and its lock file.
    let dir = again.path().parent().unwrap().to_owned();
    fs::write(dir.join("index"), "garbage").unwrap();
    fs::write(dir.join("index.lock"), "").unwrap();
    drop(again);
    again = acquire_given_back(&pool);
    again.switch(&tree_of(&project, &revision)).unwrap();
    assert_eq!(content(&again, "a").as_deref(), Some("a"));
    drop((again, second));
    pool.clear().unwrap();
    assert!(!Repo::open(&project.work(), &project.data()).unwrap().data().join("checkouts/0/tree").exists());
}

#[test]
fn overlays_replace_or_merge() {
    let project = TestRepo::new();
    let old = project.commit("change", &[("t.py", "a\nb\nc\nd\ne\n"), ("gone.py", "x"), ("u.py", "u")]);
    let base = project.commit("change", &[("t.py", "a\nB\nc\nd\ne\n")]);
    fs::remove_file(project.work().join("gone.py")).unwrap();
    let from = project.commit("change", &[("t.py", "a\nB\nc\nd\ne\nnew test\n"), ("fresh.py", "f")]);
    let overlay = |mode| FileOverlay {
        from: from.to_string(),
        base: Some(base.to_string()),
        paths: ["t.py", "gone.py", "fresh.py"].map(String::from).to_vec(),
        mode,
    };
    let check = |mode, expected: &str| {
        let composed =
            compose(&Repo::open(&project.work(), &project.data()).unwrap(), &old, None, Some(&overlay(mode)))
                .unwrap();
        let mut slot = pool(&project).acquire().unwrap();
        slot.switch(&composed.tree).unwrap();
        assert_eq!(content(&slot, "t.py").as_deref(), Some(expected));
        assert_eq!(content(&slot, "gone.py"), None);
        assert_eq!(content(&slot, "fresh.py").as_deref(), Some("f"));
        assert_eq!(content(&slot, "u.py").as_deref(), Some("u"));
    };
    check(OverlayMode::Replace, "a\nB\nc\nd\ne\nnew test\n");
    check(OverlayMode::Merge, "a\nb\nc\nd\ne\nnew test\n");
}

#[test]
fn hostile_patches_and_overlays_stay_inside() {
    let project = TestRepo::new();
    let revision = project.commit("change", &[("a.txt", "a\n")]);
    symlink("/tmp", project.work().join("link")).unwrap();
    let linked = project.commit("change", &[("b.txt", "b\n")]);
    let repo = Repo::open(&project.work(), &project.data()).unwrap();
    let add = |path: &str| {
        format!(
            "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+evil\n"
        )
    };
    for path in ["../evil", "link/evil", ".git/hooks/post-checkout", "/etc/evil"] {
        let composed = compose(&repo, &linked, Some(&CheckoutChange::Patch(add(path))), None);
        assert!(matches!(composed, Err(CheckoutError::DoesNotApply { .. })), "{path}: {composed:?}");
    }
    for path in ["../evil", "/etc", "a/../../b", ".git/config", ""] {
        let overlay = FileOverlay {
            from: revision.to_string(),
            base: None,
            paths: vec![path.into()],
            mode: OverlayMode::Replace,
        };
        let composed = compose(&repo, &revision, None, Some(&overlay));
        assert!(matches!(composed, Err(CheckoutError::BadPath { .. })), "{path}: {composed:?}");
    }
    let garbled = compose(&repo, &revision, Some(&CheckoutChange::Patch("no diff\n".into())), None);
    assert!(matches!(garbled, Err(CheckoutError::DoesNotApply { .. })));
}

/// Every path below a folder with a hash of its type and content.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let content = if metadata.is_dir() {
                folders.push(path.clone());
                String::new()
            } else {
                hex::encode(Sha256::digest(fs::read(&path).unwrap_or_default()))
            };
            found.insert(
                path,
                format!("{:?} {:?} {content}", metadata.permissions(), metadata.modified().unwrap()),
            );
        }
    }
    found
}
