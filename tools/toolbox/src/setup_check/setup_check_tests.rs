use std::fs;
use std::path::PathBuf;

use millwright_git::Repo;
use millwright_replay::TestRecipes;
use millwright_testkit::repository::TestRepo;

use super::*;

const LOCK: &str = r#"{"lockfileVersion": 3, "packages": {"node_modules/left-pad": {"version": "1.3.0"}}}"#;

fn checks(repo: &TestRepo, recipes: &TestRecipes, tests_ran: Option<bool>) -> Vec<SetupCheck> {
    let opened = Repo::open(&repo.work(), &repo.data()).unwrap();
    let head = opened.resolve("HEAD").unwrap();
    let mut checks = check_checkout(&opened, &head, recipes, tests_ran).unwrap();
    // Tested below.
    checks.retain(|check| check.part != SetupPart::Units);
    checks
}

#[test]
fn the_files_whose_units_are_followed_are_counted_and_a_partial_clone_is_named() {
    let repo = TestRepo::new();
    let clone = |files: &[(&str, &str)], name: &str| {
        repo.commit("change", files);
        repo.git(&["config", "uploadpack.allowFilter", "true"]);
        let (from, to) = (format!("file://{}", repo.work().display()), repo.work().with_file_name(name));
        repo.git(&["clone", "-q", "--no-checkout", "--filter=blob:none", &from, &to.display().to_string()]);
        let opened = Repo::open(&to, &repo.data().join(name)).unwrap();
        let head = opened.resolve("HEAD").unwrap();
        let checks = check_checkout(&opened, &head, &TestRecipes::default(), None).unwrap();
        checks.into_iter().map(|check| (check.part, check.detail)).collect::<Vec<_>>()
    };
    let [(history, partial), (units, followed)] = &clone(&[("a.pl", "1;\n")], "one")[..] else { panic!() };
    assert_eq!((*history, *units), (SetupPart::History, SetupPart::Units));
    assert!(partial.contains("the clone is partial") && partial.contains("--no-filter"), "{partial}");
    assert!(followed.starts_with("no file is in a language"), "{followed}");
    let counted = clone(&[("a.py", ""), ("b.py", ""), ("c.tsx", "")], "two");
    let counted = &counted[1].1;
    assert!(counted.contains("in 3 of 4 files (Python 2, TypeScript 1)"), "{counted}");
}

fn with_lock(path: &str, text: &str) -> TestRepo {
    let repo = TestRepo::new();
    let path = repo.work().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "-m", "first"]);
    repo
}

#[test]
fn what_a_command_printed_loses_its_terminal_codes_and_stays_on_one_line() {
    let check =
        SetupCheck::broken(SetupPart::Test, "it said:\n\u{1b}[31mred\u{1b}[0m\u{202e} and \u{85}more");
    assert_eq!(check.detail, "it said: red\u{fffd} and \u{fffd}more");
    let long = SetupCheck::broken(SetupPart::Test, "x".repeat(MAX_DETAIL + 1));
    assert_eq!(long.detail.chars().count(), MAX_DETAIL + 1);
    assert!(long.detail.ends_with('…'));
}

#[test]
fn packages_that_no_checkout_has_are_named_with_the_way_to_show_them() {
    let repo = with_lock("web/package-lock.json", LOCK);
    let found = checks(&repo, &TestRecipes::default(), None);
    let [check] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(check.state, SetupState::Broken);
    assert!(check.detail.contains("web/package-lock.json names packages"), "{}", check.detail);
    assert!(
        check.detail.contains("Install them in the work tree (`npm ci`), then show them"),
        "{}",
        check.detail
    );

    // Packages installed in the work tree only have to be made available.
    fs::create_dir_all(repo.work().join("web/node_modules/left-pad")).unwrap();
    let found = checks(&repo, &TestRecipes::default(), None);
    let shown = format!("--allow-read {} (", repo.work().join("web/node_modules").display());
    assert!(found[0].detail.contains(&shown), "{}", found[0].detail);
    assert!(!found[0].detail.contains("npm ci"), "{}", found[0].detail);

    // A configured set-up may provide them; only a run tells.
    let recipes =
        TestRecipes { allow_read: vec![PathBuf::from("/srv/node_modules")], ..TestRecipes::default() };
    assert_eq!(checks(&repo, &recipes, None)[0].state, SetupState::Doubtful);
    assert_eq!(checks(&repo, &recipes, Some(false))[0].state, SetupState::Broken);
    assert_eq!(checks(&repo, &recipes, Some(true))[0].state, SetupState::Works);
}

#[test]
fn packages_that_are_committed_or_none_are_no_matter() {
    let repo = with_lock("package-lock.json", r#"{"lockfileVersion": 3, "packages": {"": {"name": "a"}}}"#);
    assert_eq!(checks(&repo, &TestRecipes::default(), None), []);
    let repo = with_lock("Cargo.lock", "version = 4\n\n[[package]]\nname = \"alone\"\nversion = \"0.1.0\"\n");
    assert_eq!(checks(&repo, &TestRecipes::default(), None), []);
    let repo = with_lock("package-lock.json", LOCK);
    fs::create_dir_all(repo.work().join("node_modules/left-pad")).unwrap();
    fs::write(repo.work().join("node_modules/left-pad/index.js"), "").unwrap();
    repo.git(&["add", "-A", "-f"]);
    repo.git(&["commit", "-q", "-m", "vendored"]);
    assert_eq!(checks(&repo, &TestRecipes::default(), None), []);
}

#[test]
fn empty_submodules_are_named() {
    let repo = with_lock("a.txt", "a\n");
    let id = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},third_party/zlib")]);
    repo.git(&["commit", "-q", "-m", "a submodule"]);
    let found = checks(&repo, &TestRecipes::default(), None);
    let [check] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((check.part, check.state), (SetupPart::Submodules, SetupState::Broken));
    assert!(check.detail.starts_with("third_party/zlib is empty in every checkout"), "{}", check.detail);
    assert!(check.detail.contains("git submodule update --init"), "{}", check.detail);
    let recipes =
        TestRecipes { setup: vec!["cp -r /srv/zlib/. third_party/zlib/".into()], ..TestRecipes::default() };
    assert_eq!(checks(&repo, &recipes, None)[0].state, SetupState::Doubtful);
}

#[test]
fn pointers_of_git_lfs_are_named() {
    let repo = with_lock(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
    fs::write(repo.work().join("weights.bin"), pointer).unwrap();
    fs::write(repo.work().join("other.txt"), pointer).unwrap();
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "-m", "large"]);
    let found = checks(&repo, &TestRecipes::default(), None);
    let [check] = found.as_slice() else { panic!("{found:?}") };
    assert!(check.detail.starts_with("weights.bin is a pointer of Git LFS"), "{}", check.detail);
    assert!(!check.detail.contains("other.txt"), "{}", check.detail);
}
