use millwright_testkit::repository::TestRepo;

use super::*;

fn asked(repo: &TestRepo, target: &str) -> Result<HistoryAnswer, HistoryQuestionError> {
    let opened = Repo::open(&repo.work(), &repo.data()).unwrap();
    let head = opened.resolve("HEAD").unwrap();
    ask_history(&opened, &RedactionConfig::default(), &head, &HistoryTarget::parse(target)?, 0..100)
}

fn answer(repo: &TestRepo, target: &str) -> Vec<(String, String)> {
    let answer = asked(repo, target).unwrap();
    answer.steps.into_iter().map(|step| (step.step.subject, step.patch)).collect()
}

#[test]
fn reads_what_is_asked_for() {
    let unit = |path: &str, name: &str| HistoryTarget::Unit { path: path.into(), name: name.into() };
    let lines = |start, end| HistoryTarget::Lines { path: "a.py".into(), start, end };
    assert_eq!(HistoryTarget::parse("src/a.rs::A::new").unwrap(), unit("src/a.rs", "A.new"));
    assert_eq!(HistoryTarget::parse("A.java::A::f(int, a::B)").unwrap(), unit("A.java", "A.f(int,a::B)"));
    assert_eq!(HistoryTarget::parse("./a.py:10-20").unwrap(), lines(10, 20));
    assert_eq!(HistoryTarget::parse("a.py:7").unwrap(), lines(7, 7));
    assert_eq!(HistoryTarget::parse("a.py").unwrap(), HistoryTarget::File { path: "a.py".into() });
    for wrong in ["", "::f", "a.py::", "a.py:0", "a.py:9-2", "a.py:1-x", ":3"] {
        let error = HistoryTarget::parse(wrong).unwrap_err().to_string();
        assert!(error.contains("PATH::NAME"), "{wrong:?}: {error}");
    }
}

fn shop(rate: &str, label: &str, name: &str) -> String {
    format!(
        "import os\n\n\ndef total(cart):\n    rate = {rate}\n    amount = sum(cart)\n    label = {label}\n    \
         return amount * rate, label\n\n\ndef {name}():\n    pass\n"
    )
}

#[test]
fn the_answer_has_only_the_hunks_of_the_unit() {
    let repo = TestRepo::new();
    repo.commit("first", &[("a.py", &shop("1", "'a'", "other"))]);
    repo.commit("rate", &[("a.py", &shop("2", "'a'", "another"))]);
    repo.commit("elsewhere", &[("a.py", &shop("2", "'a'", "third"))]);
    repo.git(&["mv", "a.py", "b.py"]);
    repo.commit("move", &[]);
    repo.commit("label", &[("b.py", &shop("2", "'b'", "third"))]);
    let steps = answer(&repo, "b.py::total");
    let subjects: Vec<&str> = steps.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(subjects, ["label", "move", "rate", "first"]);
    assert_eq!(
        steps[2].1,
        "@@ -4,5 +4,5 @@\n def total(cart):\n-    rate = 1\n+    rate = 2\n     amount = sum(cart)\n     \
         label = 'a'\n     return amount * rate, label\n"
    );
    assert_eq!(steps[1].1, "");
    assert!(steps[3].1.starts_with("@@ -3,0 +4,5 @@\n+def total(cart):"), "{}", steps[3].1);
    let file: Vec<String> = answer(&repo, "b.py").into_iter().map(|(subject, _)| subject).collect();
    assert_eq!(file, ["label", "move", "elsewhere", "rate", "first"]);
}

#[test]
fn a_range_of_lines_is_followed_within_its_unit() {
    let repo = TestRepo::new();
    repo.commit("first", &[("a.py", &shop("1", "'a'", "other"))]);
    repo.commit("rate", &[("a.py", &shop("2", "'a'", "other"))]);
    repo.commit("label", &[("a.py", &shop("2", "'b'", "other"))]);
    let longer = shop("2", "'b'", "other").replace("    amount", "    log()\n    log()\n    amount");
    repo.commit("before the lines", &[("a.py", &longer)]);
    let label: Vec<String> = answer(&repo, "a.py:9").into_iter().map(|(subject, _)| subject).collect();
    assert_eq!(label, ["label", "first"]);
    let rate: Vec<String> = answer(&repo, "a.py:5-5").into_iter().map(|(subject, _)| subject).collect();
    assert_eq!(rate, ["rate", "first"]);
    // Lines that are new have a short history.
    let log: Vec<String> = answer(&repo, "a.py:6-7").into_iter().map(|(subject, _)| subject).collect();
    assert_eq!(log, ["before the lines"]);
    // Lines of no unit are followed within the file.
    assert_eq!(answer(&repo, "a.py:1")[0].0, "first");
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let repo = TestRepo::new();
    let java = "class A {\n  void m(int a) {}\n  void m(long a) {}\n  void other() {}\n}\n";
    repo.commit("first", &[("A.java", java), ("notes.txt", "a\n"), ("x.bin", "\0\0")]);
    let said = |target: &str| asked(&repo, target).unwrap_err().to_string();
    assert_eq!(
        said("A.java::A.m"),
        "A.java has 2 units called A.m: name one of them, or a line of it: A.m(int) (A.java:2), A.m(long) (A.java:3)"
    );
    assert_eq!(
        said("A.java::A.othr"),
        "A.java has no unit A.othr at this revision; it has A, A.m(int), A.m(long), A.other()"
    );
    assert_eq!(said("A.java:90"), "A.java has no line 90 at this revision; it ends at line 5");
    assert!(said("notes.txt::f").contains("in no language that is read here"));
    assert!(said("gone.py::f").contains("no file \"gone.py\""));
    assert!(said("x.bin").contains("binary"));
    assert_eq!(answer(&repo, "A.java::m(int)")[0].0, "first");
    assert_eq!(answer(&repo, "notes.txt:1")[0].0, "first");
}
