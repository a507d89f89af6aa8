/*!
The rules of the comparison.
*/

use super::*;

/// The output of `pytest -v` with these tests.
fn pytest(tests: &[(&str, &str)], exit: i32) -> TestReport {
    let count = |word: &str| tests.iter().filter(|(_, status)| *status == word).count();
    let mut text = "===== test session starts =====\n".to_owned();
    for (name, status) in tests {
        text += &format!("test_a.py::{name} {status} [ 10%]\n");
    }
    text += &format!(
        "==== {} failed, {} passed, {} skipped, {} xfailed in 0.10s ====\n",
        count("FAILED"),
        count("PASSED"),
        count("SKIPPED"),
        count("XFAIL")
    );
    read(&text, Some(exit))
}

/// The output of `pytest -q`, which only counts the passing tests.
fn quiet(failing: &[&str], passed: u32, exit: i32) -> TestReport {
    let mut text = "=== short test summary info ===\n".to_owned();
    failing.iter().for_each(|name| text += &format!("FAILED test_a.py::{name} - boom\n"));
    text += &format!("{} failed, {passed} passed in 0.10s\n", failing.len());
    read(&text, Some(exit))
}

#[test]
fn an_old_failure_is_neither_held_against_the_fix_nor_hides_a_new_one() {
    let before = pytest(&[("a", "FAILED"), ("b", "PASSED"), ("c", "PASSED")], 1);
    let same = compare(&before, &before);
    assert_eq!((same.result, same.ran), (TestsResult::Pass, 3));
    assert!(same.because.contains("3 tests ran"), "{}", same.because);
    let after = pytest(&[("a", "PASSED"), ("b", "FAILED"), ("c", "PASSED")], 1);
    let swapped = compare(&before, &after);
    assert_eq!(swapped.result, TestsResult::Fail);
    assert_eq!(swapped.newly_failing, ["test_a.py::b"]);
    assert_eq!(swapped.newly_passing, ["test_a.py::a"]);
    assert_eq!(candidates_to_repeat(&before, &after), ["test_a.py::b"]);
}

#[test]
fn a_test_that_is_gone_or_skipped_or_expected_to_fail_is_a_failure() {
    let before = pytest(&[("a", "PASSED"), ("b", "PASSED")], 0);
    let gone = compare(&before, &pytest(&[("a", "PASSED")], 0));
    assert_eq!((gone.result, gone.removed), (TestsResult::Fail, vec!["test_a.py::b".to_owned()]));
    let skipped = compare(&before, &pytest(&[("a", "PASSED"), ("b", "SKIPPED")], 0));
    assert_eq!((skipped.result, skipped.removed), (TestsResult::Fail, vec!["test_a.py::b".to_owned()]));
    let expected = compare(&before, &pytest(&[("a", "PASSED"), ("b", "XFAIL")], 0));
    assert_eq!(
        (expected.result, expected.newly_failing),
        (TestsResult::Fail, vec!["test_a.py::b".to_owned()])
    );
    let more = compare(&before, &pytest(&[("a", "PASSED"), ("b", "PASSED"), ("c", "PASSED")], 0));
    assert_eq!((more.result, more.ran), (TestsResult::Pass, 3));
}

#[test]
fn passing_tests_without_names_are_compared_by_number() {
    let before = quiet(&["a"], 9, 1);
    assert_eq!(compare(&before, &quiet(&["a"], 9, 1)).result, TestsResult::Pass);
    assert_eq!(compare(&before, &quiet(&[], 10, 0)).result, TestsResult::Pass);
    let fewer = compare(&before, &quiet(&[], 9, 0));
    assert_eq!((fewer.result, fewer.unnamed), (TestsResult::Fail, 1));
    let other = compare(&before, &quiet(&["b"], 9, 1));
    assert_eq!(other.newly_failing, ["test_a.py::b"]);
    // One more expected failure instead of a passing test.
    let xfail = read("8 passed, 1 failed, 1 xfailed in 0.10s\n", Some(1));
    assert_eq!(compare(&before, &xfail).result, TestsResult::Fail);
}

#[test]
fn failures_without_names() {
    let counted = |failed: u32, passed: u32| {
        read(&format!("{failed} failed, {passed} passed in 0.10s\n"), Some(i32::from(failed > 0)))
    };
    let (two, three) = (counted(2, 8), counted(3, 7));
    assert_eq!(compare(&two, &two).result, TestsResult::NotComparable);
    assert_eq!(compare(&two, &three).result, TestsResult::Fail);
    assert_eq!(compare(&three, &two).result, TestsResult::NotComparable);
    assert_eq!(compare(&two, &counted(0, 10)).result, TestsResult::Pass);
}

#[test]
fn exit_statuses_alone_prove_nothing() {
    for (before, after) in [(0, 0), (1, 1), (1, 0), (0, 1)] {
        let comparison = compare(&read("all good\n", Some(before)), &read("all good\n", Some(after)));
        assert_eq!(comparison.result, TestsResult::NotComparable);
    }
    let fine = pytest(&[("a", "PASSED")], 0);
    let odd = pytest(&[("a", "PASSED")], 1);
    assert_eq!(compare(&fine, &odd).result, TestsResult::NotComparable);
    assert_eq!(compare(&odd, &odd).result, TestsResult::Pass);
    let ignored = pytest(&[("a", "FAILED"), ("b", "PASSED")], 0);
    let honest = pytest(&[("a", "FAILED"), ("b", "PASSED")], 1);
    assert_eq!(compare(&ignored, &ignored).result, TestsResult::Pass);
    assert_eq!(compare(&honest, &ignored).result, TestsResult::NotComparable);
}

#[test]
fn a_side_that_did_not_run() {
    let fine = pytest(&[("a", "PASSED")], 0);
    let none = pytest(&[], 5);
    let skipped = pytest(&[("a", "SKIPPED")], 0);
    let killed = TestReport { exit_status: None, ..fine.clone() };
    let missing = read("sh: 1: pytest: not found\n", Some(127));
    let compile = read("error: could not compile `shop` (lib) due to 1 previous error\n", Some(101));
    for bad in [&none, &skipped, &killed, &missing, &compile] {
        for (before, after) in [(&fine, bad), (bad, &fine), (bad, bad)] {
            let comparison = compare(before, after);
            assert_eq!(comparison.result, TestsResult::CouldNotRun, "{comparison:?}");
        }
    }
    assert!(compare(&fine, &missing).because.contains("pytest: not found"));
    assert!(compare(&fine, &compile).because.contains("could not compile"));
    assert_eq!(TestComparison::not_run("not asked for").result, TestsResult::NotRun);
}

#[test]
fn a_package_that_cannot_be_built() {
    let good = "ok  \tex/good\t0.1s\n";
    let both = read(&format!("ok  \tex/bad\t0.1s\n{good}"), Some(0));
    let broken = read(&format!("FAIL\tex/bad [build failed]\n{good}FAIL\n"), Some(1));
    let worse = compare(&both, &broken);
    assert_eq!(worse.result, TestsResult::Fail);
    assert_eq!(worse.newly_failing, ["ex/bad (build failed)"]);
    let same = compare(&broken, &broken);
    assert_eq!(same.result, TestsResult::Pass);
    assert!(same.because.contains("ex/bad (build failed) without the fix and with it"), "{}", same.because);
    assert_eq!(compare(&broken, &both).result, TestsResult::Pass);
}

#[test]
fn a_run_that_stopped_early_is_not_whole() {
    let early = read(&fixture("cargo_plain.txt"), Some(101));
    let whole = read(&fixture("cargo_nofailfast.txt"), Some(101));
    // `other` failed before as well, but its binary did not run in that run.
    let comparison = compare(&early, &whole);
    assert_eq!(
        (comparison.result, comparison.newly_failing.len()),
        (TestsResult::NotComparable, 0),
        "{comparison:?}"
    );
    assert_eq!(compare(&whole, &early).result, TestsResult::Fail);
}

#[test]
fn several_runners_add_up() {
    let text = format!("{}{}{}", fixture("pytest_v.txt"), fixture("jest_plain.txt"), fixture("go_v.txt"));
    let both = read(&text, Some(1));
    assert_eq!(both.runs.len(), 3);
    assert_eq!(both.ran(), 11 + 6 + 7);
    let without = read(&fixture("pytest_v.txt"), Some(1));
    let comparison = compare(&both, &without);
    assert_eq!(comparison.result, TestsResult::Fail);
    // The same suite twice: equal names are kept separate.
    let twice = read(&fixture("pytest_v.txt").repeat(2), Some(1));
    let run = twice.run_of(RunnerKind::Pytest).unwrap();
    assert_eq!((run.suites, run.counts.ran, run.outcomes.len()), (2, 22, 28));
    for file in [
        "pytest_q.txt",
        "jest_plain.txt",
        "mocha_spec.txt",
        "node_spec.txt",
        "rspec_doc.txt",
        "unittest_v.txt",
    ] {
        let (once, twice) = (read(&fixture(file), Some(1)), read(&fixture(file).repeat(2), Some(1)));
        assert_eq!(twice.ran(), 2 * once.ran(), "{file}");
        assert!(twice.runs.iter().all(|run| !run.contradictory), "{file}: {twice:?}");
    }
}

#[test]
fn repeats_rule_out_flaky_tests() {
    let pass = pytest(&[("a", "PASSED"), ("b", "PASSED")], 0);
    let fail = pytest(&[("a", "PASSED"), ("b", "FAILED")], 1);
    let comparison = compare(&pass, &fail);
    let merge = |before: &[TestReport], after: &[TestReport]| merge_repeat(comparison.clone(), before, after);
    let held = merge(&vec![pass.clone(); 2], &vec![fail.clone(); 2]);
    assert_eq!((held.result, held.newly_failing.len()), (TestsResult::Fail, 1));
    let one = std::slice::from_ref;
    let never = merge(&[pass.clone(), fail.clone()], one(&fail));
    assert_eq!((never.result, never.newly_failing.len()), (TestsResult::NotComparable, 0));
    assert!(never.because.contains("never with it"), "{}", never.because);
    let mixed = [fail, pass.clone()];
    let flaky = merge(&mixed, &mixed);
    assert_eq!((flaky.result, flaky.flaky.len(), flaky.newly_failing.len()), (TestsResult::Pass, 1, 0));
    assert!(flaky.because.contains("flaky"), "{}", flaky.because);
    assert_eq!(merge(one(&pass), one(&pass)).result, TestsResult::Pass);
    // Inconclusive repeats change nothing.
    let killed = read("", None);
    assert_eq!(merge(one(&killed), one(&killed)).result, TestsResult::Fail);
}

#[test]
fn a_test_that_fails_on_both_sides_may_be_broken_all_the_same() {
    let pass = pytest(&[("a", "PASSED"), ("b", "PASSED")], 0);
    let fail = pytest(&[("a", "PASSED"), ("b", "FAILED")], 1);
    let shared = failing_on_both(&fail, &fail);
    assert_eq!(shared.len(), 1);
    // The test always fails without the fix, so it is not unsteady.
    assert!(passing_in_one(&shared, &[fail.clone(), fail.clone()]).is_empty());
    let unsteady = passing_in_one(&shared, &[fail.clone(), pass.clone()]);
    assert_eq!(unsteady, shared);
    let settled = |with: &[TestReport]| settle_unsteady(compare(&fail, &fail), unsteady.clone(), with);
    assert_eq!(settled(&[fail.clone(), fail.clone()]).result, TestsResult::NotComparable);
    let flaky = settled(&[fail.clone(), pass]);
    assert_eq!((flaky.result, flaky.flaky.len()), (TestsResult::Pass, 1));
}

#[test]
fn report_files_name_what_the_console_counts() {
    let console = read(&fixture("pytest_q.txt"), Some(1));
    let file = read_report_file(fixture("pytest_junit.xml").as_bytes(), "junit.xml").unwrap();
    let merged = console.clone().with_report_files([file]);
    let run = merged.run_of(RunnerKind::JunitXml).unwrap();
    assert!(run.passes_named && !run.contradictory && merged.finished());
    assert_eq!(compare(&merged, &merged).result, TestsResult::Pass);
    // The counts of a file from another run do not match.
    let stale = read_report_file(fixture("surefire.xml").as_bytes(), "TEST-shop.xml").unwrap();
    assert!(console.with_report_files([stale]).runs.iter().all(|run| run.contradictory));
}

#[test]
fn surefire_reruns_and_nested_suites() {
    let xml = r#"<testsuites><testsuite name="outer"><testsuite name="inner">
        <testcase classname="a.B" name="flaky"><flakyFailure message="x"><stackTrace/></flakyFailure></testcase>
        <testcase classname="a.B" name="bad"><failure/><rerunFailure message="again"/></testcase>
        <testcase name="plain"/><testcase name="gone"><skipped/></testcase>
        </testsuite></testsuite></testsuites>"#;
    let report = read_report_file(xml.as_bytes(), "x.xml").unwrap();
    assert_eq!(report.status_of("a.B > flaky"), Some(TestStatus::Passed));
    assert_eq!(report.status_of("a.B > bad"), Some(TestStatus::Failed));
    assert_eq!(report.status_of("outer > inner > plain"), Some(TestStatus::Passed));
    assert_eq!((report.ran(), report.finished()), (3, true));
    let cut = read_report_file(&xml.as_bytes()[..xml.len() - 30], "x.xml").unwrap();
    assert!(!cut.finished());
    assert!(read_report_file(b"<html><body/></html>", "x.xml").is_none());
    assert!(read_report_file(b"{\"a\":1}", "x.json").is_none());
    assert_eq!(read_report_file(b"1..2\nok 1 - a\nnot ok 2 - b\n", "x.tap").unwrap().counts().failed, 1);
    let events = fixture("go_json.txt");
    assert_eq!(read_report_file(events.as_bytes(), "go.json").unwrap().ran(), 7);
}

#[test]
fn paths_of_the_work_tree_are_taken_off() {
    let read_in = |root: &str| {
        let mut reader = TestOutputReader::in_directory(root);
        reader.push(format!("1..1\nok 1 - {root}/a/b adds\n").as_bytes());
        reader.finish(Some(0))
    };
    assert_eq!(read_in("/srv/one").runs, read_in("/other/two").runs);
    assert_eq!(read_in("/srv/one").status_of("a/b adds"), Some(TestStatus::Passed));
}
