/*!
Decides whether a replay shows the failure that the ticket reports. A replay that fails in another way proves
nothing, regardless of how often it fails: a missing module, a typo in the script, another error at the same
revision.

The ticket's errors are read from its traces, error lines and sentences (`named`), the replay's from its output
(`observed`). They agree when the replay prints the ticket's error, raises its exception, dies of its signal, or
asserts about the same values, names or functions. They differ only when both name an error and nothing connects
the two. A replay whose output merely says too little (`CannotTell`) does not invalidate an exact culprit.
*/

mod introduced;
mod named;
mod observed;
mod overlap;

use millwright_model::ParsedTicket;

use super::fingerprint::exception_name;
use super::obstacles::{Obstacle, ObstacleKind};
use super::signature::OutputSignature;
use super::text::clip;

use named::{NamedError, names_obstacle};
use observed::ObservedFailure;
use overlap::TellingWords;

/// Longest error text in a result, in bytes.
const MAX_TOLD: usize = 300;
/// Share of a message's words that one line of output must contain to count as the same message.
const SAME_MESSAGE: f64 = 0.75;
/// Share of words that two messages of the same exception type must have in common.
const LIKE_MESSAGE: f64 = 0.4;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnding {
    Status(i32),
    Signal(i32),
}

impl RunEnding {
    /// A shell reports a child's signal as an exit status above 128.
    fn signal(self) -> Option<i32> {
        match self {
            Self::Signal(signal) => Some(signal),
            Self::Status(status @ 129..=192) => Some(status - 128),
            Self::Status(_) => None,
        }
    }
}

/// The failure that a ticket reports.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedFailure {
    errors: Vec<NamedError>,
    /// Whether the ticket says that the process dies of a signal, with the signal's number if the ticket names it.
    crash: Option<Option<i32>>,
    status: Option<i32>,
    /// Whether the ticket names an HTTP status of 500 or above: any error of the program may have caused it.
    is_server_error: bool,
    /// Function names of the failing tests.
    tests: Vec<String>,
    vocabulary: TellingWords,
}

/// How the ticket's failure compares with the replay's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TicketAgreement {
    Agrees {
        why: String,
    },
    /// The replay fails without saying how, or in a way that cannot be distinguished from the ticket's failure.
    /// Counts as agreement, with a note.
    CannotTell {
        why: String,
    },
    /// The ticket names no error, so there is nothing to compare.
    NotNamed,
    /// Both name an error, and the errors differ. Both texts are meant to be shown to people, side by side.
    Differs {
        ticket: String,
        replay: String,
    },
}

impl TicketAgreement {
    /// Compares a ticket, whether it names an error or not, with a failing replay. A set-up failure that the
    /// ticket does not mention differs from every ticket.
    pub fn of(ticket: &ParsedTicket, seen: &OutputSignature, ending: RunEnding, output: &str) -> Self {
        if let Some(expected) = ExpectedFailure::of(ticket) {
            return expected.compare(ticket, seen, ending, output);
        }
        match &seen.obstacle {
            // The module exists but lacks a name: two parts of the program are inconsistent, which may be the
            // fault itself.
            Some(obstacle) if is_inconsistency(obstacle) => Self::NotNamed,
            Some(obstacle) if !names_obstacle(ticket, obstacle) => Self::Differs {
                ticket: clip(&ticket.title, MAX_TOLD).to_owned(),
                replay: clip(&obstacle.to_string(), MAX_TOLD).to_owned(),
            },
            _ => Self::NotNamed,
        }
    }

    pub fn differs(&self) -> bool {
        matches!(self, Self::Differs { .. })
    }
}

fn is_inconsistency(obstacle: &Obstacle) -> bool {
    obstacle.kind == ObstacleKind::Import && obstacle.detail.contains("cannot import name")
}

impl ExpectedFailure {
    /// The error that the ticket names; `None` if the ticket only says in prose that something is wrong.
    pub fn of(ticket: &ParsedTicket) -> Option<Self> {
        named::read(ticket)
    }

    /// The error in one line, in the ticket's words.
    pub fn told(&self) -> String {
        let error = self.errors.iter().find(|error| error.is_certain).or(self.errors.first());
        let told = error.map(NamedError::told).or_else(|| match (self.crash, self.status) {
            (Some(Some(signal)), _) => Some(format!("the process ends by signal {signal}")),
            (Some(None), _) => Some("the process crashes".to_owned()),
            (None, Some(status)) => Some(format!("exit status {status}")),
            (None, None) => None,
        });
        let told = told.or_else(|| self.tests.first().map(|test| format!("the test {test} fails")));
        clip(&told.unwrap_or_else(|| "a server error".to_owned()), MAX_TOLD).to_owned()
    }

    /// Compares with a failing replay: its signature, its exit, and its output.
    pub fn compare(
        &self,
        ticket: &ParsedTicket,
        seen: &OutputSignature,
        ending: RunEnding,
        output: &str,
    ) -> TicketAgreement {
        let observed = ObservedFailure::read(seen, ending, output);
        let agrees = |why: String| TicketAgreement::Agrees { why };
        if let Some(why) = self.same_text(&observed).or_else(|| self.same_crash(&observed)) {
            return agrees(why);
        }
        if let Some(obstacle) = &seen.obstacle {
            if names_obstacle(ticket, obstacle) {
                return agrees(format!("the ticket reports this: {obstacle}"));
            }
            return self.differs(&obstacle.to_string());
        }
        if let Some(why) = self.same_exception(&observed).or_else(|| self.same_test(&observed)) {
            return agrees(why);
        }
        // Most programs fail with status 1, so that status says nothing.
        let status = self.status.filter(|status| *status > 1 && !self.names_certainly());
        if let Some(status) = status.filter(|status| ending == RunEnding::Status(*status)) {
            return agrees(format!("it ends with status {status}, as in the ticket"));
        }
        self.by_words(&observed)
    }

    fn differs(&self, replay: &str) -> TicketAgreement {
        TicketAgreement::Differs { ticket: self.told(), replay: clip(replay, MAX_TOLD).to_owned() }
    }

    fn names_certainly(&self) -> bool {
        self.errors.iter().any(|error| error.is_certain)
    }

    /// The replay prints the ticket's error.
    fn same_text(&self, observed: &ObservedFailure) -> Option<String> {
        let certain = self.names_certainly();
        let printed = |error: &&NamedError| {
            // If the ticket also names an error, a quoted word of the program's output is not enough.
            if certain && !error.is_certain && overlap::message_words(&error.message).is_none() {
                return false;
            }
            observed.prints(&error.message)
                || overlap::message_words(&error.message)
                    .is_some_and(|words| observed.best_line(&words) >= SAME_MESSAGE)
        };
        let error = self.errors.iter().find(printed)?;
        Some(format!("the replay prints the ticket's error: {}", clip(&error.told(), MAX_TOLD)))
    }

    fn same_crash(&self, observed: &ObservedFailure) -> Option<String> {
        let signal = observed.crash?;
        match self.crash? {
            None => Some(format!("the process ends by signal {signal}, and the ticket says that it crashes")),
            Some(named) if named == signal => {
                Some(format!("the process ends by signal {signal}, as in the ticket"))
            }
            // It depends on chance which of these signals memory corruption causes.
            Some(named) if observed::is_memory_fault(named) && observed::is_memory_fault(signal) => {
                Some(format!(
                    "the process ends by signal {signal}, and the ticket names {named}: both indicate memory \
                     corruption"
                ))
            }
            Some(_) => None,
        }
    }

    /// The same exception type, with a similar message or at the same place.
    fn same_exception(&self, observed: &ObservedFailure) -> Option<String> {
        for named in &self.errors {
            let Some(kind) = named.kind.as_deref().map(exception_name) else { continue };
            for seen in observed.exceptions.iter().filter(|seen| seen.kind == kind) {
                let likeness = overlap::likeness(&named.message, &seen.message);
                let says_little = overlap::message_words(&named.message).is_none()
                    || overlap::message_words(&seen.message).is_none();
                let shared = named.functions.iter().find(|name| seen.functions.contains(name));
                let places = named.functions.is_empty() || seen.functions.is_empty();
                if likeness >= LIKE_MESSAGE || says_little && (places || shared.is_some()) {
                    return Some(format!("the same exception, {kind}"));
                }
                if let Some(function) = shared {
                    return Some(format!("the same exception, {kind}, in {function}"));
                }
            }
        }
        None
    }

    fn same_test(&self, observed: &ObservedFailure) -> Option<String> {
        // If the ticket also names an error, the test may fail for another reason.
        let only_tests = self.errors.iter().all(|error| !error.is_certain);
        let test = self.tests.iter().find(|test| observed.tests.contains(test))?;
        (only_tests || observed.is_assertion()).then(|| format!("the same test fails: {test}"))
    }

    /// The outputs have no text in common, but the replay's assertion or exception may still concern the same
    /// thing.
    fn by_words(&self, observed: &ObservedFailure) -> TicketAgreement {
        let cannot = |why: &str| TicketAgreement::CannotTell { why: why.to_owned() };
        let Some(told) = observed.told() else {
            return cannot(
                "the replay fails without saying how, so that it cannot be compared with the ticket",
            );
        };
        if observed.crash.is_some() {
            return if self.names_certainly() || self.crash.is_some() {
                self.differs(&told)
            } else {
                cannot("the replay crashes; the ticket does not say how the program ends")
            };
        }
        let shared = self.vocabulary.shared(&observed.vocabulary);
        if observed.is_assertion() {
            if observed.vocabulary.is_empty() {
                return cannot("the replay's assertion does not say what it is about");
            }
            if shared.suffices(observed.vocabulary.len()) {
                return TicketAgreement::Agrees {
                    why: format!("the replay asserts about what the ticket names: {}", shared.sample()),
                };
            }
            // The author of the replay need not use the words with which the ticket quotes wrong output.
            return if self.names_certainly() || self.crash.is_some() {
                self.differs(&told)
            } else {
                cannot("the replay's assertion and the output that the ticket quotes have no words in common")
            };
        }
        if self.is_server_error && !self.names_certainly() {
            return cannot("the ticket names a server error, which any exception may cause");
        }
        // Another exception: if its message contains the same names, it is the ticket's exception, wrapped or
        // reworded.
        let shared = self.vocabulary.shared(&observed.said);
        if shared.identifiers() >= 2 {
            return TicketAgreement::Agrees {
                why: format!("the replay names what the ticket names: {}", shared.sample()),
            };
        }
        if self.same_place(observed) {
            return cannot("the replay fails with another error at the same place");
        }
        self.differs(&told)
    }

    fn same_place(&self, observed: &ObservedFailure) -> bool {
        let first = self.errors.iter().filter_map(|error| error.functions.first());
        first
            .into_iter()
            .any(|site| observed.exceptions.iter().any(|seen| seen.functions.first() == Some(site)))
    }
}

#[cfg(test)]
mod expected_tests;
