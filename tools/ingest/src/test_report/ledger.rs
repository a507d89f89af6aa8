/*!
Decides which closing summaries come from the runner itself. A test may print "100 passed", and a build may run the
same runner twice, so a summary is checked against the tests that were seen one by one. A runner that prints a line
when it starts has one summary per start. Without such a line, a summary is accepted if its counts match the tests
seen before it.
*/

use super::report::TestCounts;

/// Maximum number of undecided summaries; a runner does not print more within one suite.
const MAX_CANDIDATES: usize = 64;

#[derive(Debug, Clone)]
struct SummaryCandidate {
    counts: TestCounts,
    /// Number of tests that the summary claims, in the unit in which single tests are seen.
    expected: u64,
    /// Tests seen since the last suite, and since the last candidate.
    seen: u64,
    seen_since: u64,
    /// Whether more tests were seen after the summary.
    followed: bool,
}

/// The suites of one runner, in output order.
#[derive(Debug, Clone, Default)]
pub(super) struct SuiteLedger {
    marked: bool,
    seen: u64,
    seen_since: u64,
    candidates: Vec<SummaryCandidate>,
    pub totals: TestCounts,
    pub suites: u32,
    /// Number of suites started, including those without a summary; distinguishes equal names of two suites.
    pub begun: u32,
    pub unfinished: bool,
    pub contradictory: bool,
}

impl SuiteLedger {
    /// The runner printed its start line.
    pub(super) fn start_suite(&mut self) {
        self.finish_suite();
        self.marked = true;
        self.begun = self.begun.saturating_add(1);
    }

    /// Counts `tests` more tests that were seen one by one.
    pub(super) fn count_seen(&mut self, tests: u64) {
        if tests == 0 {
            return;
        }
        self.seen = self.seen.saturating_add(tests);
        self.seen_since = self.seen_since.saturating_add(tests);
        if let Some(last) = self.candidates.last_mut() {
            last.followed = true;
        }
    }

    /// The runner printed a line that cannot come after its closing summary.
    pub(super) fn continue_suite(&mut self) {
        if let Some(last) = self.candidates.last_mut() {
            last.followed = true;
        }
    }

    /// Adds a closing summary, unless a test printed it.
    pub(super) fn add_summary(&mut self, counts: TestCounts, expected: u64) {
        let candidate = SummaryCandidate {
            counts,
            expected,
            seen: self.seen,
            seen_since: self.seen_since,
            followed: false,
        };
        if self.candidates.len() >= MAX_CANDIDATES {
            self.contradictory = true;
            self.candidates.clear();
        }
        let exact = !self.marked && candidate.seen == expected;
        if exact {
            // A test printed the earlier candidates, which claim another number.
            self.candidates.clear();
            self.accept_summary(&candidate);
            self.seen = 0;
        } else {
            self.candidates.push(candidate);
        }
        self.seen_since = 0;
    }

    /// Ends the open suite, because the next one starts or the output ends.
    pub(super) fn finish_suite(&mut self) {
        let candidates = std::mem::take(&mut self.candidates);
        if candidates.is_empty() {
            self.unfinished |= self.marked || self.seen > 0;
        } else if self.marked {
            self.resolve_marked(&candidates);
        } else {
            self.resolve_unmarked(&candidates);
        }
        self.marked = false;
        self.seen = 0;
        self.seen_since = 0;
    }

    fn resolve_marked(&mut self, candidates: &[SummaryCandidate]) {
        if candidates.len() > 1 && are_suites(candidates) {
            candidates.iter().for_each(|one| self.accept_summary(one));
            return;
        }
        let mut closing: Vec<&SummaryCandidate> = candidates.iter().filter(|one| !one.followed).collect();
        if closing.is_empty() {
            closing.extend(candidates.last());
        }
        if !all_equal(&closing) {
            let exact: Vec<_> = closing.iter().copied().filter(|one| one.seen == one.expected).collect();
            if exact.is_empty() || !all_equal(&exact) {
                self.contradictory = true;
            } else {
                closing = exact;
            }
        }
        if let Some(last) = closing.last() {
            self.accept_summary(last);
        }
    }

    fn resolve_unmarked(&mut self, candidates: &[SummaryCandidate]) {
        if let [only] = candidates
            && self.suites == 0
        {
            self.accept_summary(only);
            return;
        }
        self.contradictory |= !are_suites(candidates);
        for candidate in candidates {
            self.accept_summary(candidate);
        }
    }

    fn accept_summary(&mut self, candidate: &SummaryCandidate) {
        self.totals.add(&candidate.counts);
        self.suites = self.suites.saturating_add(1);
        if !self.marked {
            self.begun = self.begun.saturating_add(1);
        }
    }

    /// The suite of a test that is seen now.
    pub(super) fn current_suite(&self) -> u32 {
        if self.marked { self.begun } else { self.begun.saturating_add(1) }
    }

    /// The suite of a list that is printed after the closing summary.
    pub(super) fn closed_suite(&self) -> u32 {
        if self.candidates.is_empty() && self.begun > 0 { self.begun } else { self.current_suite() }
    }

    pub(super) fn is_used(&self) -> bool {
        self.suites > 0 || self.begun > 0 || self.seen > 0 || !self.candidates.is_empty()
    }

    pub(super) fn is_open(&self) -> bool {
        self.marked && self.candidates.is_empty()
    }
}

/// Whether each candidate is the summary of a separate suite: each counts exactly the tests seen since the
/// previous one.
fn are_suites(candidates: &[SummaryCandidate]) -> bool {
    candidates.iter().all(|one| one.expected == one.seen_since)
}

fn all_equal(candidates: &[&SummaryCandidate]) -> bool {
    candidates.windows(2).all(|pair| matches!(pair, [a, b] if a.counts == b.counts))
}
