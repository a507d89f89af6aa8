use millwright_model::CommitId;
use millwright_testkit::repository::TestRepo;

use super::*;

const CART: &str = "class Cart:\n    def total(self):\n        return sum(self.items) * rate\n\n    def count(self):\n        return len(self.items)\n\n\ndef show(cart):\n    return cart.total()\n";

struct World {
    test: TestRepo,
    repo: Repo,
    bad: CommitId,
}

fn world() -> World {
    let test = TestRepo::new();
    std::fs::create_dir_all(test.work().join("shop")).unwrap();
    std::os::unix::fs::symlink("shop", test.work().join("link")).unwrap();
    std::os::unix::fs::symlink("shop/cart.py", test.work().join("cart")).unwrap();
    let dos = "a\r\nb\r\nc\r\n";
    let bad = test.commit(
        "bad",
        &[
            ("shop/cart.py", CART),
            ("shop/secret.py", "USER = 'a'\nPASSWORD = 'hunter2'\nRETRIES = 3\n"),
            ("dos.txt", dos),
            ("open.txt", "one\ntwo"),
            ("tests/test_cart.py", "assert True\n"),
        ],
    );
    World { repo: Repo::open(&test.work(), &test.data()).unwrap(), test, bad }
}

impl World {
    /// The changed lines of the candidate, or why there is none.
    fn told(&self, written: &WrittenChange) -> String {
        match patch(&self.repo, &self.bad, "patch_1", written).unwrap() {
            Err(why) => why,
            Ok(candidate) => {
                let line = |line: &&str| {
                    line.starts_with(['+', '-', '\\'])
                        && !line.starts_with("--- ")
                        && !line.starts_with("+++ ")
                        || line.starts_with("@@")
                };
                let lines: Vec<&str> = candidate.diff.lines().filter(line).collect();
                lines.iter().map(|l| l.split(" @@ ").next().unwrap()).collect::<Vec<_>>().join("\n")
            }
        }
    }

    fn check_diff(&self, diff: &str, expected: &str) {
        assert_eq!(self.told(&WrittenChange::Diff(diff.to_owned())), expected, "{diff}");
    }

    fn check_edit(&self, path: &str, old: &str, new: &str, expected: &str) {
        let edit = TextEdit { path: path.into(), old: old.into(), new: new.into() };
        assert_eq!(self.told(&WrittenChange::Edits(vec![edit])), expected, "{path} {old}");
    }
}

const FIXED: &str =
    "@@ -1,6 +1,6 @@\n-        return sum(self.items) * rate\n+        return sum(self.items)";

#[test]
fn the_usual_mistakes_of_models_are_seen_through() {
    let world = world();
    let right = "--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -2,3 +2,3 @@ class Cart:\n     def total(self):\n-        return sum(self.items) * rate\n+        return sum(self.items)\n \n";
    world.check_diff(right, FIXED);
    let variants = [
        right.replace("-2,3 +2,3", "-40,9 +41,7"),
        right.replace("@@ -2,3 +2,3 @@ class Cart:", "@@"),
        right.replace("a/shop", "shop").replace("b/shop", "shop"),
        right.replace("     def total", "    def total"),
        right.replace("* rate", "* rate   "),
        format!("```diff\n{right}```\n"),
        right.replace('\n', "\r\n"),
        // All lines are indented four columns too little: the file's own indentation is used.
        right.replace("        return", "    return").replace("     def", " def"),
    ];
    for diff in &variants {
        world.check_diff(diff, FIXED);
    }
    world.check_edit("shop/cart.py", " * rate", "", FIXED);
    world.check_edit("./shop/cart.py", "return sum(self.items) * rate", "return sum(self.items)", FIXED);
    world.check_edit(
        "shop/cart.py",
        "def total(self):\n    return sum(self.items) * rate\n",
        "def total(self):\n    return sum(self.items)\n",
        FIXED,
    );
}

#[test]
fn what_is_ambiguous_or_absent_is_refused_with_the_nearest_lines() {
    let world = world();
    world.check_edit(
        "shop/cart.py",
        "return",
        "raise",
        "edit 1 of shop/cart.py: `old` occurs 3 times (lines 3, 6 …); add lines around it until it occurs once",
    );
    let diff = "--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -2,2 +2,2 @@\n     def total(self):\n-        return sum(self.items) * RATE\n+        return 1\n";
    world.check_diff(
        diff,
        "hunk 1 of shop/cart.py: its lines are not in the file. The nearest are:\n    2 |     def total(self):\n    3 |         return sum(self.items) * rate\nThe first that differs: `        return sum(self.items) * RATE` was given, the file has `        return sum(self.items) * rate`.",
    );
    world.check_edit(
        "cart.py",
        "a",
        "b",
        "edit 1 of cart.py: there is no file cart.py at the failing revision; there is shop/cart.py",
    );
    world.check_edit(
        "shop/cart.py",
        "",
        "x",
        "edit 1 of shop/cart.py: `old` is empty, but the file exists; give the text to replace",
    );
    let mixed = "--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -2,2 +2,2 @@\n-   def total(self):\n-   return sum(self.items) * rate\n+   x\n";
    assert!(world.told(&WrittenChange::Diff(mixed.into())).contains("not by the same amount in all lines"));
    let same = "--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -9 +9 @@\n-def show(cart):\n+def show(cart):\n";
    assert!(
        world.told(&WrittenChange::Diff(same.into())).contains("changes nothing at the failing revision")
    );
}

#[test]
fn paths_stay_inside_and_away_from_what_judges() {
    let world = world();
    let check = |path: &str, part: &str| {
        let edit = TextEdit { path: path.into(), old: String::new(), new: "x\n".into() };
        let why = world.told(&WrittenChange::Edits(vec![edit]));
        assert!(why.contains(part), "{path}: {why}");
        let diff = format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n");
        let why = world.told(&WrittenChange::Diff(diff));
        assert!(why.contains(part), "{path} by diff: {why}");
    };
    check("../outside", "leaves the repository");
    check("/etc/passwd", "leaves the repository");
    check("shop/../../x", "leaves the repository");
    check(".git/hooks/post-checkout", "leaves the repository");
    check("shop/.GIT/config", "leaves the repository");
    check("link/new.py", "symbolic link");
    check("cart", "symbolic link");
    check(".gitmodules", "submodules stay as they are");
    check("tests/test_cart.py", "verify a fix");
    check("conftest.py", "verify a fix");
    check(".github/workflows/test.yml", "configures continuous integration");
    check(".gitlab-ci.yml", "configures continuous integration");
    check("Jenkinsfile", "configures continuous integration");
    check("shop/cart.py/x", "is a file, not a folder");
    assert!(world.test.beside("outside").symlink_metadata().is_err());
    assert!(may_be_changed("django/test/client.py").is_ok());
}

#[test]
fn files_are_created_deleted_and_keep_their_line_breaks() {
    let world = world();
    world.check_diff(
        "--- /dev/null\n+++ b/shop/new.py\n@@ -0,0 +1,2 @@\n+a = 1\n+b = 2\n",
        "@@ -0,0 +1,2 @@\n+a = 1\n+b = 2",
    );
    world.check_diff(
        "--- a/open.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n",
        "@@ -1,2 +0,0 @@\n-one\n-two\n\\ No newline at end of file",
    );
    let partly = "--- a/open.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n";
    assert!(world.told(&WrittenChange::Diff(partly.into())).contains("does not remove all of its lines"));
    world.check_diff(
        "--- a/open.txt\n+++ b/open.txt\n@@ -2 +2,2 @@\n two\n+three\n",
        "@@ -1,2 +1,3 @@\n-two\n\\ No newline at end of file\n+two\n+three",
    );
    let dos = TextEdit { path: "dos.txt".into(), old: "b\n".into(), new: "B\n".into() };
    let candidate = patch(&world.repo, &world.bad, "p", &WrittenChange::Edits(vec![dos])).unwrap().unwrap();
    assert!(candidate.diff.contains("-b\r\n+B\r\n"), "{:?}", candidate.diff);
    assert_eq!(candidate.lines, 2);
    let twice = WrittenChange::Edits(vec![
        TextEdit { path: "shop/cart.py".into(), old: " * rate".into(), new: String::new() },
        TextEdit { path: "shop/cart.py".into(), old: "len(self.items)".into(), new: "0".into() },
    ]);
    assert_eq!(patch(&world.repo, &world.bad, "p", &twice).unwrap().unwrap().lines, 4);
}

#[test]
fn a_masked_value_is_neither_needed_nor_written() {
    let world = world();
    // The line next to the masked one is changed; the placeholder matches the masked line.
    world.check_diff(
        "--- a/shop/secret.py\n+++ b/shop/secret.py\n@@ -2,2 +2,2 @@\n PASSWORD = '[PASSWORD_1]'\n-RETRIES = 3\n+RETRIES = 4\n",
        "@@ -1,3 +1,3 @@\n-RETRIES = 3\n+RETRIES = 4",
    );
    let why = world.told(&WrittenChange::Edits(vec![TextEdit {
        path: "shop/secret.py".into(),
        old: "RETRIES = 3".into(),
        new: "RETRIES = '[PASSWORD_1]'".into(),
    }]));
    assert!(why.contains("[PASSWORD_1] stands for a masked value"), "{why}");
    assert!(!why.contains("hunter2"));
}

#[test]
fn a_fix_that_is_remembered_masked_still_applies() {
    let world = world();
    let diff = "--- a/shop/secret.py\n+++ b/shop/secret.py\n@@ -1,3 +1,3 @@\n USER = 'a'\n PASSWORD = '[PASSWORD_1]'\n-RETRIES = 3\n+RETRIES = 4\n";
    let known = crate::fixes::known(&world.repo, diff, &world.bad).unwrap().unwrap();
    assert_eq!(known.kind, FixKind::Known);
    assert!(known.diff.contains(" PASSWORD = 'hunter2'\n-RETRIES = 3\n+RETRIES = 4\n"), "{}", known.diff);
    let lost = diff.replace("RETRIES = 3", "RETRIES = 7");
    assert!(crate::fixes::known(&world.repo, &lost, &world.bad).unwrap().is_err());
}

#[test]
fn sizes_are_bounded() {
    let world = world();
    let big = format!("--- /dev/null\n+++ b/x.py\n@@ -0,0 +1 @@\n{}", "+x\n".repeat(30_000));
    assert!(world.told(&WrittenChange::Diff(big)).contains("change less at once"));
    let long = TextEdit { path: "x.py".into(), old: String::new(), new: "y\n".repeat(2_001) };
    assert!(world.told(&WrittenChange::Edits(vec![long])).contains("more than the 2000"));
    let many = vec![TextEdit { path: "x".into(), old: "a".into(), new: "b".into() }; 41];
    assert!(world.told(&WrittenChange::Edits(many)).contains("1 to 40 edits"));
}
