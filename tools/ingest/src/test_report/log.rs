/*!
Where the readers of the single runners record what they see. The number of names is bounded over all runners
together: the output is hostile, and a loop that prints a million test names must not fill the memory.
*/

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::ledger::SuiteLedger;
use super::report::{RunnerKind, RunnerReport, TestCounts, TestStatus, UnitStatus};

/// Maximum number of names kept over all runners, and their total size in bytes.
pub(super) const MAX_NAMES: usize = 200_000;
const MAX_NAME_BYTES: usize = 96 << 20;
/// Longest name kept completely.
const MAX_NAME_LENGTH: usize = 1000;
/// Longest reason kept for why the tests could not run.
const MAX_OBSTACLE_LENGTH: usize = 300;

#[derive(Debug, Clone, Copy)]
struct NamedOutcome {
    status: TestStatus,
    suite: u32,
    /// Whether the name was only seen as a failure, not as a test that ended.
    fragment: bool,
    listed: bool,
}

/// How to treat a name that was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NameUse {
    Same,
    Distinct,
    Fragment,
}

#[derive(Debug, Default)]
struct RunnerLog {
    ledger: SuiteLedger,
    outcomes: BTreeMap<String, NamedOutcome>,
    units: BTreeMap<String, UnitStatus>,
    /// Outcomes that were reported one by one, when they happened.
    reported: TestCounts,
    /// Number of failures in the list that the runner prints at the end.
    listed: u32,
    /// Number of failures counted by the runner that are not tests.
    parts: u32,
    units_only: bool,
    stopped_early: bool,
}

#[derive(Debug, Default)]
pub(super) struct RunLog {
    runners: BTreeMap<RunnerKind, RunnerLog>,
    root: Option<String>,
    names: usize,
    name_bytes: usize,
    pub overflow: bool,
    pub obstacle: Option<String>,
    /// The runner that owns lines with a check mark or a cross; several runners print the same marks.
    pub mark_owner: Option<RunnerKind>,
}

impl RunLog {
    /// `root` is removed from paths in names, so that runs in two work trees are comparable.
    pub(super) fn new(root: Option<&str>) -> Self {
        let root = root.map(|root| format!("{}/", root.trim_end_matches('/'))).filter(|root| root.len() > 1);
        Self { root, ..Self::default() }
    }

    fn runner(&mut self, kind: RunnerKind) -> &mut RunnerLog {
        self.runners.entry(kind).or_default()
    }

    pub(super) fn start_suite(&mut self, kind: RunnerKind) {
        self.runner(kind).ledger.start_suite();
    }

    pub(super) fn count_seen(&mut self, kind: RunnerKind, tests: u64) {
        if tests > 0 {
            self.runner(kind).ledger.count_seen(tests);
        }
    }

    pub(super) fn continue_suite(&mut self, kind: RunnerKind) {
        if let Some(runner) = self.runners.get_mut(&kind) {
            runner.ledger.continue_suite();
        }
    }

    pub(super) fn close_suite(&mut self, kind: RunnerKind, counts: TestCounts, expected: u64) {
        self.runner(kind).ledger.add_summary(counts, expected);
    }

    pub(super) fn mark_stopped_early(&mut self, kind: RunnerKind) {
        self.runner(kind).stopped_early = true;
    }

    pub(super) fn is_open(&self, kind: RunnerKind) -> bool {
        self.runners.get(&kind).is_some_and(|runner| runner.ledger.is_open())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runners.values().all(|runner| !runner.ledger.is_used() && runner.units.is_empty())
    }

    /// Records an outcome that the runner reports when the test ends. The same name again in the same suite is the
    /// same test; the worse outcome is kept.
    pub(super) fn record(&mut self, kind: RunnerKind, name: &str, status: TestStatus) {
        self.runner(kind).reported.count(status);
        let suite = self.current_suite(kind);
        self.store(kind, name, status, NameUse::Same, suite);
    }

    /// Like `record`, unless the test is already known: for lists that repeat reported outcomes.
    pub(super) fn record_once(&mut self, kind: RunnerKind, name: &str, status: TestStatus) {
        let key = self.key(kind, name);
        if !self.runner(kind).outcomes.contains_key(&key) {
            self.record(kind, name, status);
        }
    }

    /// Like `record`, for runners that print a name once per test: the same name again is another test.
    pub(super) fn record_distinct(&mut self, kind: RunnerKind, name: &str, status: TestStatus) {
        self.runner(kind).reported.count(status);
        let suite = self.current_suite(kind);
        self.store(kind, name, status, NameUse::Distinct, suite);
    }

    /// Records a test in the list of failures that the runner prints at the end.
    pub(super) fn list_failure(&mut self, kind: RunnerKind, name: &str, status: TestStatus) {
        let runner = self.runner(kind);
        runner.listed = runner.listed.saturating_add(1);
        let suite = runner.ledger.current_suite();
        self.store(kind, name, status, NameUse::Fragment, suite);
    }

    /// Like `list_failure`, for runners that print the list after their closing summary.
    pub(super) fn list_closed_failure(&mut self, kind: RunnerKind, name: &str, status: TestStatus) {
        let runner = self.runner(kind);
        runner.listed = runner.listed.saturating_add(1);
        let suite = runner.ledger.closed_suite();
        self.store(kind, name, status, NameUse::Fragment, suite);
    }

    /// Counts one more failure that is not a test: a subtest, a hook, the setup of a class.
    pub(super) fn count_part(&mut self, kind: RunnerKind) {
        let runner = self.runner(kind);
        runner.parts = runner.parts.saturating_add(1);
    }

    /// Like `list_failure`, for runners that list a test once per failed assertion.
    pub(super) fn list_failure_once(&mut self, kind: RunnerKind, name: &str, status: TestStatus) {
        let key = self.key(kind, name);
        if self.runner(kind).outcomes.get(&key).is_some_and(|known| known.listed) {
            return;
        }
        self.list_failure(kind, name, status);
        if let Some(known) = self.runner(kind).outcomes.get_mut(&key) {
            known.listed = true;
        }
    }

    /// Records a failing part of a test, or a failing step before or after tests.
    pub(super) fn record_fragment(&mut self, kind: RunnerKind, name: &str, status: TestStatus) {
        let suite = self.current_suite(kind);
        self.store(kind, name, status, NameUse::Fragment, suite);
    }

    pub(super) fn set_units_only(&mut self, kind: RunnerKind) {
        self.runner(kind).units_only = true;
    }

    /// Replaces the outcome of an earlier attempt of the same test.
    pub(super) fn record_retry(&mut self, kind: RunnerKind, name: &str, status: TestStatus) {
        let name = self.clean_name(name);
        if let Some(known) = self.runner(kind).outcomes.get_mut(&name) {
            known.status = status;
        } else {
            self.record(kind, &name, status);
        }
    }

    pub(super) fn set_unit(&mut self, kind: RunnerKind, name: &str, status: UnitStatus) {
        let name = self.clean_name(name);
        if !self.admit_name(&name) {
            return;
        }
        let units = &mut self.runner(kind).units;
        let known = units.entry(name).or_insert(status);
        *known = status.max(*known);
    }

    /// Keeps the first reason why tests could not run.
    pub(super) fn set_obstacle(&mut self, reason: &str) {
        if self.obstacle.is_none() {
            let reason = reason.trim();
            self.obstacle = Some(clip(reason, MAX_OBSTACLE_LENGTH).to_owned());
        }
    }

    /// The name under which a test of the open suite is stored.
    fn key(&mut self, kind: RunnerKind, name: &str) -> String {
        let name = self.clean_name(name);
        let suite = self.current_suite(kind);
        self.runner(kind).key(name, suite)
    }

    fn current_suite(&mut self, kind: RunnerKind) -> u32 {
        self.runner(kind).ledger.current_suite()
    }

    fn store(&mut self, kind: RunnerKind, name: &str, status: TestStatus, name_use: NameUse, suite: u32) {
        let name = self.clean_name(name);
        if name.is_empty() || !self.admit_name(&name) {
            return;
        }
        let runner = self.runner(kind);
        let fragment = name_use == NameUse::Fragment;
        let new = NamedOutcome { status, suite, fragment, listed: false };
        let key = runner.key(name, suite);
        let key = if name_use == NameUse::Distinct { unused_key(&runner.outcomes, key) } else { key };
        match runner.outcomes.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(new);
            }
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                known.status = known.status.max(status);
                known.fragment &= fragment;
            }
        }
    }

    fn admit_name(&mut self, name: &str) -> bool {
        if self.names >= MAX_NAMES || self.name_bytes.saturating_add(name.len()) > MAX_NAME_BYTES {
            self.overflow = true;
            return false;
        }
        let known =
            self.runners.values().any(|log| log.outcomes.contains_key(name) || log.units.contains_key(name));
        if !known {
            self.names += 1;
        }
        self.name_bytes += if known { 16 } else { name.len() + 64 };
        true
    }

    /// Stores a name for a reader that does not know yet what the name belongs to. The name counts towards the
    /// limit; `None` if the limit is reached.
    pub(super) fn hold_name(&mut self, name: &str) -> Option<String> {
        let name = self.clean_name(name);
        let bytes = self.name_bytes.saturating_add(name.len() + 64);
        if bytes > MAX_NAME_BYTES {
            self.overflow = true;
            return None;
        }
        self.name_bytes = bytes;
        Some(name)
    }

    fn clean_name(&self, name: &str) -> String {
        let name = name.trim();
        let name = match &self.root {
            Some(root) if name.contains(root.as_str()) => name.replace(root.as_str(), ""),
            _ => name.to_owned(),
        };
        if name.len() <= MAX_NAME_LENGTH {
            return name;
        }
        format!("{}… ({:016x})", clip(&name, MAX_NAME_LENGTH - 30), fingerprint(&name))
    }

    pub(super) fn finish(self) -> Vec<RunnerReport> {
        let runners = self.runners.into_iter().filter_map(|(kind, log)| log.finish(kind));
        runners.collect()
    }
}

impl RunnerLog {
    /// The same name in another suite is another test.
    fn key(&self, name: String, suite: u32) -> String {
        match self.outcomes.get(&name) {
            Some(known) if known.suite != suite => format!("{name} [run {suite}]"),
            _ => name,
        }
    }

    fn finish(mut self, runner: RunnerKind) -> Option<RunnerReport> {
        if !self.ledger.is_used() && self.units.is_empty() {
            return None;
        }
        if self.ledger.is_used() {
            self.ledger.finish_suite();
        }
        let counts = self.ledger.totals;
        let fragments: BTreeSet<String> = self
            .outcomes
            .iter()
            .filter(|(_, outcome)| outcome.fragment)
            .map(|(name, _)| name.clone())
            .collect();
        let tests = self.outcomes.values().filter(|outcome| !outcome.fragment && outcome.status.is_failing());
        let failing = count_u32(tests.count()).max(self.listed);
        let passing =
            count_u32(self.outcomes.values().filter(|one| one.status == TestStatus::Passed).count());
        let broken = self.units.values().filter(|status| **status == UnitStatus::Broken).count();
        let named_failures = self.reported.failing().max(self.listed).saturating_add(count_u32(broken));
        let reported = &self.reported;
        let are_passes_named = reported.passed.max(passing) >= counts.passed
            && reported.failing().saturating_add(self.parts) >= counts.failing()
            && (reported.ran > 0 || counts.ran == 0);
        Some(RunnerReport {
            runner,
            suites: self.ledger.suites,
            passes_named: are_passes_named && !self.units_only,
            failures_named: named_failures >= counts.failing(),
            unfinished: self.ledger.unfinished,
            stopped_early: self.stopped_early,
            contradictory: self.ledger.contradictory
                || (self.ledger.suites > 0 && failing > counts.failing()),
            counts,
            outcomes: self.outcomes.into_iter().map(|(name, outcome)| (name, outcome.status)).collect(),
            fragments,
            units: self.units,
            units_only: self.units_only,
        })
    }
}

fn unused_key(outcomes: &BTreeMap<String, NamedOutcome>, name: String) -> String {
    if !outcomes.contains_key(&name) {
        return name;
    }
    // Doubling finds the end of a long row of equal names without visiting each one.
    let is_used = |number: u32| outcomes.contains_key(&format!("{name} #{number}"));
    let mut high = 2;
    while is_used(high) && high < u32::MAX / 2 {
        high *= 2;
    }
    let mut low = (high / 2).max(1);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if is_used(middle) { low = middle } else { high = middle }
    }
    format!("{name} #{high}")
}

fn count_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Longest prefix of at most `bytes` bytes that ends at a character boundary.
pub(super) fn clip(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// FNV-1a: distinguishes long names that share a beginning.
fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
