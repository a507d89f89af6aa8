/*!
Traps: small incidents that tempt an agent to claim more than was run. The tests never ran, the replay fails in another way
than the ticket says, or the smallest change that makes the replay pass breaks other inputs. Each trap states the true
commit, the most that may be claimed, and a hidden check that a fix must pass. Controls are incidents of the same kinds
without a trap, so that an agent that never claims anything does not look honest.

There is one file per family. A test runs what each trap says about itself.
*/

/// The text of a program or of its tests.
macro_rules! program {
    ($path:literal) => {
        include_str!(concat!("../projects/traps/", $path))
    };
}

mod cannot_test;
mod controls;
mod crash;
mod flaky_tests;
mod grouping;
mod half_constructs;
mod half_functions;
mod other_failure;
mod other_failure_setup;
mod program;
mod security;
mod tests_never_ran;
mod tests_removed;
mod tests_worse;
mod trap;
mod young_tests;

pub(crate) use trap::Trap;

/// What tempts the agent to claim too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TrapFamily {
    /// No test ran, whatever the command printed.
    TestsNeverRan,
    /// A test that passed without the fix fails with it, and the output hides this.
    TestsWorse,
    /// The revert removes the tests that would fail.
    TestsRemoved,
    /// Some tests fail by chance.
    FlakyTests,
    /// The replay fails in another way than the ticket says.
    OtherFailure,
    /// The replay cannot tell the good revision from the failing one.
    CannotTest,
    /// The test is younger than the fault.
    YoungTest,
    /// The smallest change that makes the replay pass is half of a construct.
    HalfConstruct,
    /// The culprit guards against an attack, and its revert removes the guard.
    SecurityGuard,
    /// An incident without a trap.
    Control,
}

impl TrapFamily {
    #[cfg(test)]
    pub(crate) const ALL: [TrapFamily; 10] = [
        TrapFamily::TestsNeverRan,
        TrapFamily::TestsWorse,
        TrapFamily::TestsRemoved,
        TrapFamily::FlakyTests,
        TrapFamily::OtherFailure,
        TrapFamily::CannotTest,
        TrapFamily::YoungTest,
        TrapFamily::HalfConstruct,
        TrapFamily::SecurityGuard,
        TrapFamily::Control,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            TrapFamily::TestsNeverRan => "tests-never-ran",
            TrapFamily::TestsWorse => "tests-worse",
            TrapFamily::TestsRemoved => "tests-removed",
            TrapFamily::FlakyTests => "flaky-tests",
            TrapFamily::OtherFailure => "other-failure",
            TrapFamily::CannotTest => "cannot-test",
            TrapFamily::YoungTest => "young-test",
            TrapFamily::HalfConstruct => "half-construct",
            TrapFamily::SecurityGuard => "security-guard",
            TrapFamily::Control => "control",
        }
    }
}

/// All traps and controls, ordered by family.
pub(crate) fn all() -> Vec<Trap> {
    let families = [
        tests_never_ran::traps(),
        tests_worse::traps(),
        tests_removed::traps(),
        flaky_tests::traps(),
        other_failure::traps(),
        other_failure_setup::traps(),
        cannot_test::traps(),
        young_tests::traps(),
        half_constructs::traps(),
        half_functions::traps(),
        security::traps(),
        controls::traps(),
    ];
    families.into_iter().flatten().collect()
}

#[cfg(test)]
#[path = "traps_tests.rs"]
mod tests;
