/*!
Misleading or oversized output.
*/

use super::*;

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut chance = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| chance.u8(..)).take(length).collect()
}

#[test]
fn noise_is_nothing() {
    for seed in 1..40 {
        let report = read_bytes(&noise(seed, 20_000), Some(0));
        assert_ne!(compare(&report, &report).result, TestsResult::Pass);
        let _ = read_report_file(&noise(seed, 5_000), "x.xml");
    }
}

/// Every recorded output, with a byte or a line in the wrong place, or cut inside of characters and escapes.
#[test]
fn damaged_output_does_not_panic() {
    let names = fixture("expected.txt");
    for (at, file) in names.lines().filter(|line| !line.starts_with(' ')).enumerate() {
        let file = file.split(' ').next().unwrap();
        let mut bytes = fixture(file).into_bytes();
        let dirt = noise(at as u64 + 7, bytes.len());
        for (byte, dirt) in bytes.iter_mut().zip(dirt).filter(|(_, dirt)| dirt % 23 == 0) {
            *byte = dirt;
        }
        let _ = read_report_file(&bytes, file);
        for cut in (0..bytes.len()).step_by(97) {
            let _ = read_bytes(&bytes[cut..], Some(1));
        }
        let lines = fixture(file);
        let reversed: Vec<&str> = lines.lines().rev().collect();
        let _ = read(&reversed.join("\n"), Some(1));
    }
}

#[test]
fn every_prefix_of_every_line_is_harmless() {
    let names = fixture("expected.txt");
    let mut reader = TestOutputReader::new();
    for file in
        names.lines().filter(|line| !line.starts_with(' ')).map(|line| line.split(' ').next().unwrap())
    {
        for line in fixture(file).lines().filter(|line| line.len() < 200) {
            for (at, _) in line.char_indices().step_by(3) {
                reader.push(&line.as_bytes()[..at]);
                reader.push(b"\n");
                reader.push(&line.as_bytes()[at..]);
                reader.push(b"\n");
            }
        }
    }
    let report = reader.finish(Some(0));
    assert_ne!(compare(&report, &report).result, TestsResult::Pass);
}

#[test]
fn a_line_of_100_mb_is_cut_and_said_so() {
    let mut reader = TestOutputReader::new();
    let piece = vec![b'x'; 1 << 20];
    (0..100).for_each(|_| reader.push(&piece));
    reader.push(b"\n===== test session starts =====\na.py::a PASSED\n=== 1 passed in 0.1s ===\n");
    let report = reader.finish(Some(0));
    assert!(report.overflow);
    assert_eq!(report.ran(), 1);
    assert_eq!(compare(&report, &report).result, TestsResult::NotComparable);
    assert!(report.ending.len() < 10_000);
}

/// A million in optimised builds; the limit on names is a fifth of that.
const MANY_NAMES: u32 = if cfg!(debug_assertions) { 220_000 } else { 1_000_000 };

#[test]
fn a_million_names_are_cut_and_said_so() {
    let mut reader = TestOutputReader::new();
    reader.push(b"===== test session starts =====\n");
    for number in 0..MANY_NAMES {
        reader.push(format!("a.py::test_{number} PASSED\n").as_bytes());
    }
    reader.push(format!("=== {MANY_NAMES} passed in 0.1s ===\n").as_bytes());
    let report = reader.finish(Some(0));
    assert!(report.overflow);
    assert!(report.runs[0].outcomes.len() <= 200_000);
    assert_eq!(compare(&report, &report).result, TestsResult::NotComparable);
}

#[test]
fn a_failure_in_the_middle_of_a_large_output_is_found() {
    let side = |status: &str, exit: i32| {
        let mut reader = TestOutputReader::new();
        // 55 MB in optimised builds.
        let blocks = if cfg!(debug_assertions) { 200 } else { 3_200 };
        let noise = "2026-01-02T03:04:05Z INFO request served in 12 ms by worker 7, nothing to see here\n"
            .repeat(100);
        reader.push(b"=== RUN   TestA\n--- PASS: TestA (0.00s)\n");
        (0..blocks).for_each(|_| reader.push(noise.as_bytes()));
        reader.push(format!("=== RUN   TestMiddle\n--- {status}: TestMiddle (0.00s)\n").as_bytes());
        (0..blocks).for_each(|_| reader.push(noise.as_bytes()));
        reader
            .push(format!("{status}\n{}\tex/p\t0.1s\n", if exit == 0 { "ok  " } else { "FAIL" }).as_bytes());
        reader.finish(Some(exit))
    };
    let comparison = compare(&side("PASS", 0), &side("FAIL", 1));
    assert_eq!(
        (comparison.result, comparison.newly_failing),
        (TestsResult::Fail, vec!["ex/p.TestMiddle".to_owned()])
    );
}

/// A test prints a closing summary; the runner's own, at the end, counts.
#[test]
fn a_forged_summary_does_not_win() {
    let dashes = "-".repeat(70);
    let cases: &[(&str, i32, String, u32, u32)] = &[
        ("pytest banner", 1, "== test session starts ==\n=== 100 passed in 0.1s ===\na.py F. [100%]\n=== 1 failed, 1 passed in 0.1s ===\n".into(), 2, 1),
        ("pytest -q", 1, "F.. [100%]\n100 passed in 0.1s\n=== short test summary info ===\nFAILED a.py::a - x\n1 failed, 2 passed in 0.1s\n".into(), 3, 1),
        ("unittest", 1, format!("F\n{dashes}\nRan 100 tests in 0.1s\n\nOK\n..\n{dashes}\nRan 3 tests in 0.1s\n\nFAILED (failures=1)\n"), 3, 1),
        ("cargo", 101, "running 2 tests\ntest result: ok. 100 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\ntest a ... FAILED\ntest b ... ok\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\nerror: 1 target failed:\n".into(), 2, 1),
        ("mocha", 1, "  ✔ a\n  100 passing (3ms)\n\n  1) b\n\n\n  1 passing (3ms)\n  1 failing\n\n  1) b:\n     Error: x\n".into(), 2, 1),
        ("minitest", 1, "Run options: --seed 1\n100 runs, 100 assertions, 0 failures, 0 errors, 0 skips\n.F\nFinished in 0.1s, 1.0 runs/s, 1.0 assertions/s.\n2 runs, 2 assertions, 1 failures, 0 errors, 0 skips\n".into(), 2, 1),
        ("rspec", 1, "100 examples, 0 failures\n.F\n\nFinished in 0.1 seconds (files took 0.1 seconds to load)\n2 examples, 1 failure\n".into(), 2, 1),
    ];
    for (name, exit, text, ran, failed) in cases {
        let report = read(text, Some(*exit));
        let counts = report.counts();
        assert_eq!((report.ran(), counts.failed), (*ran, *failed), "{name}: {report:?}");
        assert!(report.runs.iter().all(|run| !run.contradictory), "{name}: {report:?}");
    }
}

/// A summary after the closing one, or two summaries that cannot be distinguished.
#[test]
fn two_summaries_that_cannot_be_told_apart_do_not_compare() {
    let cases = [
        "== test session starts ==\na.py F.\n=== 1 failed, 1 passed in 0.1s ===\n=== 2 passed in 0.1s ===\n",
        "1 failed, 1 passed in 0.1s\n2 passed in 0.1s\n",
        "== test session starts ==\n=== short test summary info ===\nFAILED a.py::a - x\n=== 2 passed in 0.1s ===\n",
    ];
    for text in cases {
        let report = read(text, Some(0));
        assert!(report.runs.iter().any(|run| run.contradictory), "{text}: {report:?}");
        assert_ne!(compare(&report, &report).result, TestsResult::Pass, "{text}");
    }
}

#[test]
fn equal_names_by_the_thousand() {
    let mut text = String::from("1..20000\n");
    (1..=20_000).for_each(|number| text += &format!("ok {number} - same\n"));
    let report = read(&text, Some(0));
    assert_eq!((report.ran(), report.runs[0].outcomes.len()), (20_000, 20_000));
}

#[test]
fn escapes_that_never_end_do_not_swallow_failures() {
    let text = "\u{1b}]0;title never ended\n== test session starts ==\na.py::a \u{1b}[31mFAILED\u{1b}[0m\n\u{1b}[31m=== 1 failed in 0.1s ===\u{1b}[0m\n";
    let report = read(text, Some(1));
    assert_eq!(report.status_of("a.py::a"), Some(TestStatus::Failed));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes half a minute without optimisation")]
fn long_names_fill_the_budget_and_not_the_memory() {
    let mut reader = TestOutputReader::new();
    let tail = "y".repeat(3_000);
    reader.push(b"1..110000\n");
    (1..=110_000).for_each(|number| reader.push(format!("ok {number} - {number} {tail}\n").as_bytes()));
    let report = reader.finish(Some(0));
    assert!(report.overflow);
    assert!(report.runs.iter().flat_map(|run| run.outcomes.keys()).all(|name| name.len() <= 1_000));
}
