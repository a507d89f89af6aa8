/*!
The Test Anything Protocol, as bats, node's runner, node-tap and Perl print it, and `prove`, which runs TAP files.
A document ends when all tests of its plan have been seen. Subtests come before the line that summarises them.
*/

use super::OutputReader;
use super::log::{MAX_NAMES, RunLog, clip};
use super::prove::ProveReader;
use super::report::{RunnerKind, TestCounts, TestStatus};
use super::spec::{NodeClosing, close_node};

#[derive(Debug)]
struct TapEntry {
    name: String,
    status: TestStatus,
    is_group: bool,
}

#[derive(Debug)]
struct OpenSubtest {
    indent: usize,
    title: String,
    children: u32,
    failed: u32,
}

/// Deepest nesting of subtests that is kept.
const MAX_DEPTH: usize = 64;

#[derive(Debug, Default)]
pub(super) struct TapReader {
    entries: Vec<TapEntry>,
    subtests: Vec<OpenSubtest>,
    plan: Option<u32>,
    /// Number of results at the outermost level.
    results: u32,
    /// Whether node's runner printed the output: it writes a duration below every result.
    is_node: bool,
    node: Option<NodeClosing>,
    in_yaml: Option<usize>,
    prove: ProveReader,
}

impl OutputReader for TapReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        if let Some(yaml) = self.in_yaml {
            self.is_node |= body.starts_with("duration_ms: ");
            if indent == yaml && body == "..." {
                self.in_yaml = None;
                return;
            }
            if indent >= yaml {
                return;
            }
            self.in_yaml = None;
        }
        if body == "---" && indent >= 2 && self.results + self.depth() > 0 {
            self.in_yaml = Some(indent);
        } else if let Some(result) = read_result(body) {
            self.add_result(indent, result, log);
        } else if let Some(comment) = body.strip_prefix("# ") {
            self.read_comment(indent, comment, log);
        } else if let Some(plan) = body.strip_prefix("1..").filter(|_| indent == 0) {
            let (count, rest) = plan.split_once(' ').unwrap_or((plan, ""));
            if let Ok(count) = count.parse::<u32>()
                && (rest.is_empty() || rest.starts_with('#'))
            {
                self.set_plan(count, log);
            }
        } else if line.starts_with("Bail out!") {
            log.mark_stopped_early(self.kind(log));
            log.set_obstacle(line);
        } else if line.starts_with("TAP version ") {
            self.finish_document(log);
        } else {
            let documents = self.prove.read_line(line, log);
            if documents {
                self.finish_document(log);
            }
        }
    }

    fn finish(&mut self, log: &mut RunLog) {
        self.finish_document(log);
        self.prove.finish(log);
    }
}

impl TapReader {
    fn depth(&self) -> u32 {
        u32::try_from(self.subtests.len()).unwrap_or(u32::MAX)
    }

    fn kind(&self, log: &RunLog) -> RunnerKind {
        if self.prove.is_open() || log.is_open(RunnerKind::Prove) {
            RunnerKind::Prove
        } else if self.is_node {
            RunnerKind::NodeTest
        } else {
            RunnerKind::Tap
        }
    }

    fn set_plan(&mut self, count: u32, log: &mut RunLog) {
        if self.plan.is_some() || (self.results > 0 && self.results != count) {
            // A second plan begins the next document.
            self.finish_document(log);
        }
        self.plan = Some(count);
        if count == 0 {
            self.finish_document(log);
        } else {
            self.check_plan(log);
        }
    }

    /// Closes the document when its plan is complete. node's closing lines come after the plan, so the reader
    /// waits for them.
    fn check_plan(&mut self, log: &mut RunLog) {
        if self.plan.is_some_and(|plan| self.results >= plan) && !self.is_node {
            self.finish_document(log);
        }
    }

    fn read_comment(&mut self, indent: usize, comment: &str, log: &mut RunLog) {
        if let Some(title) = comment.strip_prefix("Subtest: ") {
            self.subtests.retain(|open| open.indent < indent);
            if self.subtests.len() < MAX_DEPTH {
                let title = unescape(clip(title, 500));
                self.subtests.push(OpenSubtest { indent, title, children: 0, failed: 0 });
            }
            return;
        }
        if !self.is_node || indent > 0 {
            return;
        }
        let Some((word, number)) = comment.split_once(' ') else { return };
        if word == "tests" && self.plan.is_some() {
            self.node = Some(NodeClosing::default());
        }
        if word == "duration_ms" && self.node.is_some() {
            self.finish_document(log);
        } else if let (Some(closing), Ok(number)) = (&mut self.node, number.parse()) {
            closing.set(word, number);
        }
    }

    fn add_result(&mut self, indent: usize, result: TapResult, log: &mut RunLog) {
        if self.entries.len() >= MAX_NAMES {
            log.overflow = true;
            return;
        }
        if indent == 0 && self.plan.is_some_and(|plan| self.results >= plan) {
            self.finish_document(log);
        }
        while self.subtests.last().is_some_and(|open| open.indent > indent) {
            self.subtests.pop();
        }
        let own = match self.subtests.last() {
            Some(open) if open.indent == indent && open.title == clip(&result.name, 500) => {
                self.subtests.pop()
            }
            _ => None,
        };
        let is_failing = result.status.is_failing();
        let is_group = own.is_some_and(|own| own.children > 0 && !(is_failing && own.failed == 0));
        let mut name = String::new();
        for open in &mut self.subtests {
            name.push_str(&open.title);
            name.push_str(" > ");
            open.children = open.children.saturating_add(1);
            open.failed = open.failed.saturating_add(u32::from(is_failing));
        }
        name.push_str(&result.name);
        // Without "# Subtest", an indented result is a detail of the result after it.
        if indent == 0 || !self.subtests.is_empty() {
            let status = result.status;
            self.entries.extend(log.hold_name(&name).map(|name| TapEntry { name, status, is_group }));
        }
        if indent == 0 {
            self.results = self.results.saturating_add(1);
            self.subtests.clear();
            self.check_plan(log);
        }
    }

    fn finish_document(&mut self, log: &mut RunLog) {
        let entries = std::mem::take(&mut self.entries);
        let (plan, results) = (self.plan.take(), std::mem::take(&mut self.results));
        let (is_node, node) = (std::mem::take(&mut self.is_node), self.node.take());
        self.subtests.clear();
        self.in_yaml = None;
        if entries.is_empty() && plan.is_none() {
            return;
        }
        let is_whole = plan == Some(results);
        if let Some(scope) = self.prove.scope() {
            let mut counts = TestCounts::default();
            for entry in entries.iter().filter(|entry| !entry.is_group) {
                counts.count(entry.status);
                log.record_distinct(RunnerKind::Prove, &format!("{scope} > {}", entry.name), entry.status);
            }
            self.prove.add_document(&counts);
            return;
        }
        let entries = entries.iter().map(|entry| (entry.name.as_str(), entry.status, entry.is_group));
        match node {
            Some(closing) => close_node(&closing, entries, log),
            None => {
                let kind = if is_node { RunnerKind::NodeTest } else { RunnerKind::Tap };
                log.start_suite(kind);
                let mut counts = TestCounts::default();
                for (name, status, _) in entries.filter(|(_, _, is_group)| !is_group) {
                    counts.count(status);
                    log.record_distinct(kind, name, status);
                }
                // Without its closing lines, node's runner did not finish.
                if is_whole && !is_node {
                    log.close_suite(kind, counts, 0);
                }
            }
        }
    }
}

struct TapResult {
    name: String,
    status: TestStatus,
}

/// `ok 1 - adds`, `not ok 4 - refunds # TODO soon`
fn read_result(body: &str) -> Option<TapResult> {
    let (passed, rest) = match body.strip_prefix("not ok ") {
        Some(rest) => (false, rest),
        None => (true, body.strip_prefix("ok ")?),
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = rest.split_at_checked(digits).filter(|(number, _)| !number.is_empty())?;
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    let (text, directive) = split_directive(rest);
    let status = match directive.get(..4).map(str::to_ascii_uppercase).as_deref() {
        Some("SKIP") => TestStatus::Skipped,
        Some("TODO") if passed => TestStatus::Skipped,
        Some("TODO") => TestStatus::ExpectedFailure,
        _ if passed => TestStatus::Passed,
        _ => TestStatus::Failed,
    };
    let text = text.trim();
    let text = text.strip_prefix("- ").unwrap_or(text);
    let text = super::scan::strip_duration(text.strip_suffix('{').unwrap_or(text).trim_end());
    let text = text.rsplit_once(" # time=").map_or(text, |(text, _)| text);
    let name = if text.is_empty() || text == "-" { format!("test {number}") } else { unescape(text) };
    Some(TapResult { name, status })
}

/// The description, and the text after `#`.
fn split_directive(text: &str) -> (&str, &str) {
    for (at, _) in text.match_indices("# ") {
        let directive = text.get(at + 2..).unwrap_or_default().trim_start();
        let word = directive.get(..4).unwrap_or_default();
        let is_escaped = text.get(..at).is_some_and(|before| before.ends_with('\\'));
        if !is_escaped && (word.eq_ignore_ascii_case("skip") || word.eq_ignore_ascii_case("todo")) {
            return (text.get(..at).unwrap_or(text), directive);
        }
    }
    (text, "")
}

fn unescape(text: &str) -> String {
    text.replace("\\#", "#").replace("\\\\", "\\")
}
