/*!
How an execution failed: what its output says (parsed by `ingest`), and how it ended. If the output names nothing,
only the ending distinguishes failures; a crash by a signal never equals an ordinary failure.
*/

use std::fmt;

use serde::{Deserialize, Serialize};

use millwright_model::ParsedTicket;

use millwright_ingest::{RunEnding, SignatureMatch, TicketAgreement};
use millwright_sandbox::ExitStatus;

/// A failure, reduced to the parts that do not change between revisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailureSignature {
    pub exit: ExitStatus,
    pub output: millwright_ingest::OutputSignature,
}

/// The signature of an execution that did not end well.
pub fn signature(output: &str, exit: ExitStatus) -> FailureSignature {
    FailureSignature { exit, output: millwright_ingest::signature(output) }
}

impl FailureSignature {
    /// Whether `seen` is the same failure as `self`, the one of the failing revision, and why.
    pub fn compare(&self, seen: &FailureSignature) -> SignatureMatch {
        let (known, other) = (signal_of(self.exit), signal_of(seen.exit));
        if known != other {
            return SignatureMatch::Different {
                why: format!("{} instead of {}", ended(seen.exit), ended(self.exit)),
            };
        }
        if self.output.is_empty() && seen.output.is_empty() && known.is_none() && self.exit != seen.exit {
            return SignatureMatch::Different {
                why: format!("{} instead of {}", ended(seen.exit), ended(self.exit)),
            };
        }
        self.output.matches(&seen.output)
    }

    /// Whether this failure, seen with `output`, is the one that the ticket describes.
    pub fn agreement(&self, ticket: &ParsedTicket, output: &str) -> TicketAgreement {
        let ending = match self.exit {
            ExitStatus::Code(status) => RunEnding::Status(status),
            ExitStatus::Signal(signal) => RunEnding::Signal(signal),
        };
        TicketAgreement::of(ticket, &self.output, ending, output)
    }
}

/// A shell reports a child's signal as a status above 128.
fn signal_of(exit: ExitStatus) -> Option<i32> {
    match exit {
        ExitStatus::Signal(signal) => Some(signal),
        ExitStatus::Code(code @ 129..=192) => Some(code - 128),
        ExitStatus::Code(_) => None,
    }
}

fn ended(exit: ExitStatus) -> String {
    match (exit, signal_of(exit)) {
        (_, Some(signal)) => format!("ended by signal {signal}"),
        (ExitStatus::Code(code), None) => format!("exit status {code}"),
        (ExitStatus::Signal(signal), None) => format!("ended by signal {signal}"),
    }
}

impl fmt::Display for FailureSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 300;
        let said = match (&self.output.obstacle, &self.output.exception, &self.output.template) {
            (Some(obstacle), _, _) => obstacle.to_string(),
            (None, Some(exception), Some(template)) => format!("{exception}: {template}"),
            (None, Some(exception), None) => exception.clone(),
            (None, None, Some(template)) => format!("{}: {template}", ended(self.exit)),
            (None, None, None) => ended(self.exit),
        };
        f.write_str(&said.chars().take(LONGEST).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_count_where_outputs_say_nothing() {
        let check = |known: (&str, ExitStatus), seen: (&str, ExitStatus), expected: bool| {
            let same = signature(known.0, known.1).compare(&signature(seen.0, seen.1));
            assert_eq!(same.is_same(), expected, "{known:?} {seen:?} {same:?}");
        };
        let code = ExitStatus::Code;
        check(("", code(1)), ("", code(1)), true);
        check(("", code(1)), ("", code(2)), false);
        check(("", ExitStatus::Signal(11)), ("", code(139)), true);
        check(("", ExitStatus::Signal(11)), ("", code(1)), false);
        check(("", ExitStatus::Signal(11)), ("", ExitStatus::Signal(6)), false);
        let python = "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n    g()\nValueError: no such till\n";
        check((python, code(1)), (&python.replace("line 3", "line 9"), code(2)), true);
        check((python, code(1)), (&python.replace("ValueError", "KeyError"), code(1)), false);
        check((python, code(1)), ("", code(1)), false);
    }

    #[test]
    fn is_said_in_one_line() {
        let said = signature("ValueError: broken here\n", ExitStatus::Code(1)).to_string();
        assert!(said.contains("ValueError") && !said.contains('\n'), "{said}");
        assert_eq!(signature("", ExitStatus::Signal(9)).to_string(), "ended by signal 9");
    }
}
