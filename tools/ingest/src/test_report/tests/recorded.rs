/*!
`fixtures/expected.txt` has a paragraph per recorded output: the file, the exit status, the result of comparing the
output with itself, and per runner the counts and the failing names. Each paragraph was checked against its sample
project.
*/

use super::*;

/// The recorded outputs with their exit status and expected result.
fn recorded() -> Vec<(String, i32, String)> {
    let mut all: Vec<(String, i32, String)> = Vec::new();
    for line in fixture("expected.txt").lines() {
        if line.starts_with(' ') {
            let last = all.last_mut().unwrap();
            last.2.push_str(line);
            last.2.push('\n');
        } else {
            let mut words = line.split(' ');
            let (file, exit) = (words.next().unwrap().to_owned(), words.next().unwrap().parse().unwrap());
            all.push((file, exit, format!("{line}\n")));
        }
    }
    all
}

fn read_recorded(file: &str, exit: i32) -> TestReport {
    let text = fixture(file);
    if file.ends_with(".txt") {
        read(&text, Some(exit))
    } else {
        read_report_file(text.as_bytes(), file).unwrap()
    }
}

fn render(file: &str, exit: i32, report: &TestReport) -> String {
    let result = serde_json::to_value(compare(report, report).result).unwrap();
    let mut text = format!("{file} {exit} {}\n", result.as_str().unwrap());
    for run in &report.runs {
        let counts = run.counts;
        text += &format!(
            "  {}: ran {} passed {} failed {} errored {} skipped {} expected {} suites {}",
            run.runner.as_str(),
            counts.ran,
            counts.passed,
            counts.failed,
            counts.errored,
            counts.skipped,
            counts.expected_failures,
            run.suites
        );
        for (holds, word) in [
            (run.passes_named, " passes-named"),
            (!run.failures_named, " FAILURES-UNNAMED"),
            (run.unfinished, " unfinished"),
            (run.stopped_early, " stopped-early"),
            (run.contradictory, " contradictory"),
        ] {
            text += if holds { word } else { "" };
        }
        text.push('\n');
        for name in run.failing() {
            text += &format!("    {name}\n");
        }
    }
    text
}

#[test]
fn reads_what_the_real_runners_print() {
    let mut wrong = String::new();
    for (file, exit, expected) in recorded() {
        let found = render(&file, exit, &read_recorded(&file, exit));
        if found != expected {
            wrong += &format!("expected:\n{expected}found:\n{found}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn does_not_depend_on_where_the_output_is_split() {
    for (file, exit, _) in recorded().iter().filter(|(file, _, _)| file.ends_with(".txt")) {
        let text = fixture(file);
        for size in [1, 7, 4096] {
            let mut reader = TestOutputReader::new();
            text.as_bytes().chunks(size).for_each(|piece| reader.push(piece));
            assert_eq!(reader.finish(Some(*exit)), read(&text, Some(*exit)), "{file} in pieces of {size}");
        }
        let windows = text.replace('\n', "\r\n");
        assert_eq!(read(&windows, Some(*exit)).runs, read(&text, Some(*exit)).runs, "{file} with CRLF");
    }
}

/// Wherever the output is cut, an incomplete run never counts as equal to the complete one.
#[test]
fn a_cut_output_never_passes() {
    for (file, exit, _) in recorded().iter().filter(|(file, _, _)| file.ends_with(".txt")) {
        let text = fixture(file);
        let whole = read(&text, Some(*exit));
        for (at, _) in text.match_indices('\n') {
            let part = text.get(..at).unwrap();
            let cut = read(part, Some(*exit));
            let result = compare(&whole, &cut).result;
            assert!(result != TestsResult::Pass || cut.runs == whole.runs, "{file} cut after {part:?}");
            let killed = compare(&whole, &read(part, None));
            assert_eq!(killed.result, TestsResult::CouldNotRun, "{file}");
        }
    }
}

#[test]
fn a_run_compares_with_itself() {
    for (file, exit, expected) in recorded() {
        let report = read_recorded(&file, exit);
        let comparison = compare(&report, &report);
        assert!(
            comparison.newly_failing.is_empty() && comparison.removed.is_empty(),
            "{file}: {comparison:?}"
        );
        assert_ne!(comparison.result, TestsResult::Fail, "{file}");
        assert_eq!(
            comparison.result == TestsResult::Pass,
            expected.contains(" pass\n"),
            "{file}: {comparison:?}"
        );
    }
}

/// The test that fails or is removed, in each format that names its tests.
#[test]
fn sees_one_more_failure_in_every_format() {
    let cases: &[(&str, i32, &str, &str, &str)] = &[
        ("pytest_v.txt", 1, "test_fine PASSED", "test_fine FAILED", "test_ok.py::test_fine"),
        (
            "unittest_v.txt",
            1,
            "OrderTest.test_total) ... ok",
            "OrderTest.test_total) ... FAIL",
            "test_shop.OrderTest.test_total",
        ),
        ("go_v.txt", 1, "PASS: TestParam/a_b", "FAIL: TestParam/a_b", "example.com/shop/cart.TestParam/a_b"),
        ("cargo_nofailfast.txt", 101, "test total ... ok", "test total ... FAILED", "api tests/api.rs total"),
        ("nextest_nff.txt", 100, "PASS [   0.008s]", "FAIL [   0.008s]", "shop::api total"),
        ("jest_verbose.txt", 1, "✓ param 1", "✕ param 1", "./cart.test.js > cart > deep > param 1"),
        ("mocha_spec.txt", 3, "    ✔ adds\n    1)", "    9) adds\n    1)", "cart > adds"),
        ("vitest_verbose.txt", 1, "✓\u{1b}[39m order", "×\u{1b}[39m order", "order.test.js > adds"),
        ("node_spec.txt", 1, "✔ two", "✖ two", "two"),
        ("bats_tap.txt", 1, "ok 1 adds up", "not ok 1 adds up", "adds up"),
        ("rspec_doc.txt", 1, "Order\n  adds", "Order\n  adds (FAILED - 4)", "Order adds"),
        (
            "mini_v.txt",
            1,
            "TestOrder#test_total = 0.00 s = .",
            "TestOrder#test_total = 0.00 s = F",
            "TestOrder#test_total",
        ),
        (
            "ctest_plain.txt",
            8,
            "adds .............................   Passed",
            "adds .............................***Failed",
            "adds",
        ),
    ];
    for (file, exit, passes, fails, name) in cases {
        let text = fixture(file);
        assert!(text.contains(passes), "{file}");
        let (before, after) = (read(&text, Some(*exit)), read(&text.replacen(passes, fails, 1), Some(*exit)));
        let comparison = compare(&before, &after);
        assert_eq!(comparison.result, TestsResult::Fail, "{file}: {comparison:?}");
        assert!(comparison.newly_failing.iter().any(|known| known == name), "{file}: {comparison:?}");
        assert!(compare(&after, &before).newly_failing.is_empty(), "{file}");
    }
}

/// Formats of versions that were not available, written from their documentation and sources.
#[test]
fn reads_formats_that_were_not_recorded() {
    let gradle = "> Task :app:compileTestJava\n> Task :app:test FAILED\n\nCartTest > testTax() FAILED\n    org.opentest4j.AssertionFailedError at CartTest.java:5\n\n8 tests completed, 1 failed, 1 skipped\n\nFAILURE: Build failed with an exception.\n\nBUILD FAILED in 3s\n";
    let surefire = "[INFO]  T E S T S\n[INFO] Running shop.CartTest\n[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.05 s <<< FAILURE! -- in shop.CartTest\n[ERROR] shop.CartTest.testTax -- Time elapsed: 0.01 s <<< FAILURE!\n[INFO] Results:\n[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 0\n";
    let nextest = " Nextest run ID 1 with nextest profile: ci\n    Starting 2 tests across 1 binary\n  TRY 1 FAIL [   0.010s] shop tests::flaky\n  TRY 2 PASS [   0.010s] shop tests::flaky\n     SIGABRT [   0.010s] shop tests::aborts\n────────────\n     Summary [   0.030s] 2 tests run: 1 passed (1 flaky), 1 failed, 0 skipped\n   FLAKY 2/2 [   0.010s] shop tests::flaky\n     SIGABRT [   0.010s] shop tests::aborts\nerror: test run failed\n";
    let rails = "Running 3 tests in a single process\nRun options: --seed 1\n\n# Running:\n\n.F\n\nFailure:\nCartTest#test_tax [test/cart_test.rb:4]:\nExpected: 2\n\nbin/rails test test/cart_test.rb:3\n\n.\n\nFinished in 0.1s, 3.0 runs/s, 3.0 assertions/s.\n3 runs, 3 assertions, 1 failures, 0 errors, 0 skips\n";
    let phpunit = "PHPUnit 10.5.1 by Sebastian Bergmann and contributors.\n\n.F.                                                                 3 / 3 (100%)\n\nTime: 00:00.006, Memory: 4.00 MB\n\nThere was 1 failure:\n\n1) Shop\\CartTest::testTax\nFailed asserting that 3 is identical to 2.\n\nFAILURES!\nTests: 3, Assertions: 3, Failures: 1.\n";
    let build = "{\"ImportPath\":\"ex/bad [ex/bad.test]\",\"Action\":\"build-fail\"}\n{\"Action\":\"start\",\"Package\":\"ex/bad\"}\n{\"Action\":\"fail\",\"Package\":\"ex/bad\",\"Elapsed\":0,\"FailedBuild\":\"ex/bad [ex/bad.test]\"}\n{\"Action\":\"run\",\"Package\":\"ex/a\",\"Test\":\"TestA\"}\n{\"Action\":\"pass\",\"Package\":\"ex/a\",\"Test\":\"TestA\"}\n{\"Action\":\"pass\",\"Package\":\"ex/a\"}\n";
    let cases: &[(&str, u32, &[&str])] = &[
        (gradle, 7, &[":app:test CartTest > testTax()"]),
        (surefire, 3, &["shop.CartTest.testTax"]),
        (nextest, 2, &["shop tests::aborts"]),
        (rails, 3, &["CartTest#test_tax"]),
        (phpunit, 3, &["Shop\\CartTest::testTax"]),
        (build, 1, &["ex/bad (build failed)"]),
    ];
    for (text, ran, failing) in cases {
        let report = read(text, Some(1));
        assert_eq!((report.ran(), report.finished()), (*ran, true), "{report:?}");
        assert_eq!(report.failing().collect::<Vec<_>>(), *failing, "{text}");
        assert_eq!(compare(&report, &report).result, TestsResult::Pass, "{report:?}");
    }
}
