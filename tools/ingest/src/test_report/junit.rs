/*!
JUnit XML, which most runners can write. Suites may be nested. Surefire adds the attempts of a repeated test: a
test that passed in the end is flaky and counts as passed, and one that never passed has a failure in addition to
its attempts.
*/

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::jest_json::finish;
use super::log::RunLog;
use crate::xml_attribute::{MAX_XML_DEPTH, attribute};

use super::report::{RunnerKind, TestCounts, TestReport, TestStatus, UnitStatus};

const KIND: RunnerKind = RunnerKind::JunitXml;

#[derive(Debug)]
struct OpenTest {
    name: String,
    status: TestStatus,
    depth: usize,
}

#[derive(Debug, Default)]
struct JunitReader {
    suites: Vec<String>,
    test: Option<OpenTest>,
    counts: TestCounts,
    found: bool,
    /// Whether the suite had an error outside of its tests.
    broken: bool,
}

pub(super) fn read(bytes: &[u8]) -> Option<TestReport> {
    let text = String::from_utf8_lossy(bytes);
    let mut xml = Reader::from_str(&text);
    xml.config_mut().check_end_names = true;
    let mut reader = JunitReader::default();
    let mut log = RunLog::new(None);
    log.start_suite(KIND);
    let mut depth = 0_usize;
    let is_whole = loop {
        match xml.read_event() {
            Ok(Event::Start(element)) => {
                depth += 1;
                if depth > MAX_XML_DEPTH {
                    break false;
                }
                reader.open(&element, depth, &mut log);
            }
            Ok(Event::Empty(element)) => {
                reader.open(&element, depth + 1, &mut log);
                reader.close(element.local_name().as_ref(), depth + 1, &mut log);
            }
            Ok(Event::End(element)) => {
                reader.close(element.local_name().as_ref(), depth, &mut log);
                depth = depth.saturating_sub(1);
            }
            Ok(Event::Eof) => break depth == 0,
            Ok(_) => {}
            Err(_) => break false,
        }
    };
    if !reader.found {
        return None;
    }
    if is_whole {
        log.close_suite(KIND, reader.counts, 0);
    }
    Some(finish(log))
}

impl JunitReader {
    fn open(&mut self, element: &BytesStart<'_>, depth: usize, log: &mut RunLog) {
        match element.local_name().as_ref() {
            "testsuites" => self.found = true,
            "testsuite" => {
                self.found = true;
                self.suites.push(attribute(element, "name").unwrap_or_default());
            }
            "testcase" if self.test.is_none() => {
                let status = match attribute(element, "status").as_deref() {
                    Some("notrun" | "disabled" | "skipped") => TestStatus::Skipped,
                    _ => TestStatus::Passed,
                };
                self.test = Some(OpenTest { name: self.name(element), status, depth });
            }
            tag => self.read_outcome(tag, element, depth, log),
        }
    }

    fn read_outcome(&mut self, tag: &str, element: &BytesStart<'_>, depth: usize, log: &mut RunLog) {
        let status = match tag {
            "failure" => TestStatus::Failed,
            "error" => TestStatus::Errored,
            "skipped" => match attribute(element, "type").as_deref() {
                Some("pytest.xfail") => TestStatus::ExpectedFailure,
                _ => TestStatus::Skipped,
            },
            _ => return,
        };
        match &mut self.test {
            Some(test) if depth == test.depth + 1 => {
                test.status =
                    if test.status == TestStatus::Passed { status } else { test.status.max(status) };
            }
            None if status.is_failing() => {
                let suite = self.suites.last().cloned().unwrap_or_default();
                log.set_unit(KIND, &format!("{suite} (failed outside of its tests)"), UnitStatus::Broken);
                self.broken = true;
            }
            _ => {}
        }
    }

    fn close(&mut self, tag: &str, depth: usize, log: &mut RunLog) {
        match tag {
            "testsuite" => {
                self.suites.pop();
            }
            "testcase" => {
                if let Some(test) = self.test.take_if(|test| test.depth == depth) {
                    self.counts.count(test.status);
                    log.record_distinct(KIND, &test.name, test.status);
                }
            }
            _ => {}
        }
    }

    /// The class qualifies a test; without a class, the enclosing suites do.
    fn name(&self, element: &BytesStart<'_>) -> String {
        let name = attribute(element, "name").unwrap_or_default();
        let class = attribute(element, "classname").filter(|class| !class.is_empty() && *class != name);
        match class {
            Some(class) => format!("{class} > {name}"),
            None => {
                let suites = self.suites.iter().filter(|suite| !suite.is_empty()).map(String::as_str);
                suites.chain([name.as_str()]).collect::<Vec<_>>().join(" > ")
            }
        }
    }
}
