/*!
`cargo test` and `cargo nextest`. cargo runs one binary after another, each with its own closing line. A test's
name includes its binary, because two binaries may have tests of the same name. nextest repeats the output of a
failing binary, including the binary's closing line, so that line does not count within a run of nextest.
*/

use super::OutputReader;
use super::log::RunLog;
use super::report::{RunnerKind, TestCounts, TestStatus, UnitStatus};
use super::scan::read_count;

const KIND: RunnerKind = RunnerKind::CargoTest;
const NEXTEST: RunnerKind = RunnerKind::Nextest;

#[derive(Debug, Default)]
pub(super) struct CargoReader {
    /// The running binary: `shop src/lib.rs`.
    binary: String,
    /// Number of tests that the binary announced; `None` after its closing line.
    announced: Option<u32>,
    /// Outcomes of this binary so far.
    shown: TestCounts,
    /// Whether the reader is in the list of names under `failures:`.
    in_list: bool,
    /// The test whose outcome comes on a later line, after the test's output.
    pending: Option<String>,
    /// Whether cargo stopped after a failing binary, so that the total number of failing targets is unknown.
    gave_up: bool,
    nextest: NextestReader,
}

impl OutputReader for CargoReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        if self.nextest.read_line(line, log) {
            return;
        }
        let body = line.trim_start();
        if let Some(rest) = body.strip_prefix("Running ").filter(|_| line.starts_with("     Running ")) {
            if let Some((source, path)) = rest.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) {
                let source = source.strip_prefix("unittests ").unwrap_or(source);
                self.open_binary(format!("{} {source}", binary_name(path)));
            }
        } else if let Some(name) = line.strip_prefix("   Doc-tests ") {
            self.open_binary(format!("{name} doc-tests"));
        } else if let Some(count) = read_running(line) {
            log.start_suite(KIND);
            self.announced = Some(count);
            (self.in_list, self.pending, self.shown) = (false, None, TestCounts::default());
        } else if let Some(rest) = line.strip_prefix("error: ") {
            self.read_error(rest, line, log);
        } else if self.announced.is_some() {
            self.read_test_line(line, log);
        } else if body.starts_with("process didn't exit successfully: ") && self.gave_up {
            log.set_obstacle(line);
        }
    }

    fn finish(&mut self, log: &mut RunLog) {
        if self.gave_up {
            log.mark_stopped_early(KIND);
        }
        if self.nextest.is_open {
            log.start_suite(NEXTEST);
        }
    }
}

impl CargoReader {
    fn open_binary(&mut self, name: String) {
        self.binary = name;
        self.announced = None;
        self.in_list = false;
        // cargo continued after the failing binary.
        self.gave_up = false;
    }

    fn read_error(&mut self, rest: &str, line: &str, log: &mut RunLog) {
        if rest.starts_with("could not compile ") {
            log.set_obstacle(line);
            let name = rest
                .split_once('`')
                .and_then(|(_, rest)| rest.split_once('`'))
                .map_or(rest, |(name, _)| name);
            log.set_unit(KIND, &format!("{name} (build failed)"), UnitStatus::Broken);
        } else if rest.starts_with("test failed, to rerun pass")
            || rest.starts_with("doctest failed, to rerun pass")
        {
            self.gave_up = true;
            if self.announced.is_some() {
                // The binary ended without its closing line.
                log.set_unit(KIND, &format!("{} (crashed)", self.binary), UnitStatus::Broken);
                log.close_suite(KIND, self.shown, 0);
                self.announced = None;
            }
        } else if rest.ends_with(" target failed:") || rest.ends_with(" targets failed:") {
            self.gave_up = false;
        } else if rest.starts_with("no such command") || rest.starts_with("could not find `Cargo.toml`") {
            log.set_obstacle(line);
        }
    }

    fn read_test_line(&mut self, line: &str, log: &mut RunLog) {
        if let Some(counts) = line.find("test result: ").and_then(|at| read_result(line.get(at..)?)) {
            self.close(line, counts, log);
        } else if line == "failures:" {
            self.in_list = true;
        } else if self.in_list
            && let Some(name) = line.strip_prefix("    ").filter(|name| is_test_name(name))
        {
            log.list_failure(KIND, &self.qualify(name), TestStatus::Failed);
        } else if let Some((name, status)) =
            line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
        {
            match read_status(status) {
                Some(status) => self.record(name, status, log),
                None => self.pending = Some(name.to_owned()),
            }
        } else if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ...")) {
            self.pending = Some(name.to_owned());
        } else if let Some(name) = &self.pending
            && let Some(status) = read_status(line)
        {
            let name = name.clone();
            self.record(&name, status, log);
        } else if !line.is_empty() && !line.starts_with(' ') {
            self.in_list = false;
        }
    }

    fn close(&mut self, line: &str, (counts, total): (TestCounts, u32), log: &mut RunLog) {
        if self.announced != Some(total) {
            // A test printed this line: the binary announced another number of tests.
            if let Some((name, _)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) {
                self.pending = Some(name.to_owned());
            }
            return;
        }
        log.close_suite(KIND, counts, u64::from(total));
        self.announced = None;
        self.in_list = false;
    }

    fn record(&mut self, name: &str, status: TestStatus, log: &mut RunLog) {
        self.pending = None;
        self.shown.count(status);
        log.record_distinct(KIND, &self.qualify(name), status);
    }

    /// The name of a doc-test includes its line, which a fix may move; the documented item is stable.
    fn qualify(&self, name: &str) -> String {
        let name = name.split_once(" - should panic").map_or(name, |(name, _)| name);
        let name = name.split_once(" - compile").map_or(name, |(name, _)| name);
        let name = match name.split_once(" (line ") {
            Some((item, _)) if self.binary.ends_with(" doc-tests") => item,
            _ => name,
        };
        if self.binary.is_empty() { name.to_owned() } else { format!("{} {name}", self.binary) }
    }
}

fn is_test_name(name: &str) -> bool {
    let (first, rest) = name.split_once(' ').unwrap_or((name, ""));
    !first.is_empty() && !first.starts_with(['-', '=', ' ']) && (rest.is_empty() || rest.starts_with("- "))
}

/// `target/debug/deps/shop-507999230d6984fa` becomes `shop`: the hash differs between work trees.
fn binary_name(path: &str) -> &str {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let file = file.strip_suffix(".exe").unwrap_or(file);
    match file.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => file,
    }
}

/// `running 5 tests`
fn read_running(line: &str) -> Option<u32> {
    let count = line.strip_prefix("running ")?;
    count.strip_suffix(" tests").or_else(|| count.strip_suffix(" test"))?.parse().ok()
}

fn read_status(text: &str) -> Option<TestStatus> {
    let text = text.trim();
    let text = text.rsplit_once(" <").filter(|(_, time)| time.ends_with("s>")).map_or(text, |(text, _)| text);
    match text {
        "ok" | "bench" => Some(TestStatus::Passed),
        "FAILED" => Some(TestStatus::Failed),
        _ if text == "ignored" || text.starts_with("ignored, ") => Some(TestStatus::Skipped),
        _ if text.starts_with("FAILED (") || text.starts_with("ok (") => read_status(text.split_once(' ')?.0),
        _ => None,
    }
}

/// `test result: FAILED. 2 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.10s`
fn read_result(text: &str) -> Option<(TestCounts, u32)> {
    let (verdict, list) = text.strip_prefix("test result: ")?.split_once(". ")?;
    if !matches!(verdict, "ok" | "FAILED") {
        return None;
    }
    let mut counts = TestCounts::default();
    let mut total = 0_u32;
    for piece in list.split("; ").filter(|piece| !piece.starts_with("finished in ")) {
        let (number, word) = read_count(piece)?;
        let field = match word {
            "passed" | "measured" => &mut counts.passed,
            "failed" => &mut counts.failed,
            "ignored" => &mut counts.skipped,
            "filtered out" => continue,
            _ => return None,
        };
        *field = field.saturating_add(number);
        total = total.saturating_add(number);
    }
    ((verdict == "FAILED") == (counts.failed > 0)).then(|| (counts.sum_ran(), total))
}

#[derive(Debug, Default)]
struct NextestReader {
    is_open: bool,
    /// Whether the closing line was seen; the failures are repeated after it.
    closed: bool,
}

impl NextestReader {
    /// Returns whether the line belongs to a run of nextest.
    fn read_line(&mut self, line: &str, log: &mut RunLog) -> bool {
        if line.starts_with(" Nextest run ID ") {
            log.start_suite(NEXTEST);
            (self.is_open, self.closed) = (true, false);
            return true;
        }
        if self.closed {
            // nextest repeats its failures here; any other line belongs to the next runner.
            self.closed = line.starts_with("   ") && read_nextest_test(line).is_some();
            if line == "error: test run failed" || line.starts_with("error: no tests to run") {
                return true;
            }
            if let Some(rest) =
                line.strip_prefix("warning: ").filter(|rest| rest.contains(" were not run due to "))
            {
                log.set_obstacle(rest);
                log.mark_stopped_early(NEXTEST);
            }
            return self.closed;
        }
        if !self.is_open {
            return false;
        }
        if let Some((_, rest)) = line.strip_prefix("     Summary [").and_then(|rest| rest.split_once("] ")) {
            if let Some((counts, cut_short)) = read_nextest_summary(rest) {
                log.close_suite(NEXTEST, counts, u64::from(counts.ran));
                if cut_short {
                    log.mark_stopped_early(NEXTEST);
                }
                (self.is_open, self.closed) = (false, true);
            }
        } else if let Some((name, status, again)) = read_nextest_test(line) {
            if again {
                log.record_retry(NEXTEST, &name, status);
            } else {
                log.record(NEXTEST, &name, status);
                log.count_seen(NEXTEST, 1);
            }
        }
        true
    }
}

/// `6 tests run: 4 passed (1 slow), 2 failed, 2 skipped`; also returns whether tests were left out.
fn read_nextest_summary(text: &str) -> Option<(TestCounts, bool)> {
    let (run, list) = text.split_once(" run: ")?;
    let run = run.strip_suffix(" tests").or_else(|| run.strip_suffix(" test"))?;
    let cut_short = run.split_once('/').is_some_and(|(ran, all)| ran != all);
    let mut counts = TestCounts::default();
    let mut plain = String::new();
    let mut depth = 0_u32;
    for character in list.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(character),
            _ => {}
        }
    }
    for piece in plain.split(", ") {
        let (number, word) = read_count(piece)?;
        let field = match word {
            "passed" => &mut counts.passed,
            "failed" | "timed out" | "exec failed" => &mut counts.failed,
            "skipped" => &mut counts.skipped,
            _ => continue,
        };
        *field = field.saturating_add(number);
    }
    Some((counts.sum_ran(), cut_short))
}

/// `        FAIL [   0.110s] (1/6) shop::api tests::tax`; also returns whether this is another attempt.
fn read_nextest_test(line: &str) -> Option<(String, TestStatus, bool)> {
    if !line.starts_with("  ") {
        return None;
    }
    let (word, rest) = line.trim_start().split_once(" [")?;
    let (time, rest) = rest.split_once("] ")?;
    if !time.trim().trim_start_matches('>').trim().ends_with('s') {
        return None;
    }
    let status = match word.rsplit(' ').next()? {
        "PASS" | "LEAK" => TestStatus::Passed,
        "FAIL" | "TIMEOUT" | "ABORT" | "XFAIL" | "LEAK-FAIL" | "FL+LK" => TestStatus::Failed,
        signal if signal.starts_with("SIG") && word.len() < 20 => TestStatus::Errored,
        _ => return None,
    };
    let rest = match rest.split_once(") ") {
        Some((count, rest)) if count.starts_with('(') => rest,
        _ => rest,
    };
    let mut words = rest.split_ascii_whitespace();
    let (binary, test) = (words.next()?, words.next()?);
    let again = word.starts_with("TRY ");
    words.next().is_none().then(|| (format!("{binary} {test}"), status, again))
}
