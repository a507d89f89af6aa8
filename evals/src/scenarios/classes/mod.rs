/*!
The classes of incidents, one file per family. Each defines when a fault enters the history, what happens around it, the
ticket, and the truth.
*/

mod absent;
mod adversarial;
mod memory;
mod regressions;
pub(super) mod retold;
pub(super) mod series;
mod shapes;
mod sources;

use std::path::Path;

use super::faults::{self, Fault};
use super::{Class, Make, ScenarioError};
use crate::cases::EvalCase;

/// The functions that create the scenarios of a class.
pub(super) fn of(class: Class) -> Vec<Make> {
    match class {
        Class::Crash | Class::WrongResult | Class::Slow | Class::Flaky | Class::LongBefore => {
            regressions::of(class)
        }
        Class::PartialRevert | Class::Interaction | Class::Refactored => shapes::of(class),
        Class::Dependency | Class::Configuration | Class::Data => sources::of(class),
        Class::Environment | Class::Healthy | Class::NoCodeCause => absent::of(class),
        Class::RedHerring | Class::NoReplay | Class::TraceElsewhere | Class::Hostile => {
            adversarial::of(class)
        }
        Class::Stream | Class::Recurrence | Class::LookAlike | Class::Poisoned | Class::Stale => {
            memory::of(class)
        }
    }
}

fn make(with: impl Fn(&str, &Path) -> Result<EvalCase, ScenarioError> + Send + Sync + 'static) -> Make {
    Box::new(with)
}

fn fault(id: &str) -> Result<&'static Fault, ScenarioError> {
    faults::fault(id).ok_or_else(|| ScenarioError::Plot(format!("no fault {id}")))
}
