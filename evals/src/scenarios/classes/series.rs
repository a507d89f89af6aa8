/*!
A year of one program: several faults, each reported a few times, by other people, in other words, at later revisions.
What memory is worth shows in how the second and third report of a fault go.
*/

use std::path::Path;

use super::fault;
use crate::cases::EvalCase;
use crate::scenarios::project::ProgramLanguage;
use crate::scenarios::scenario_builder::ScenarioBuilder;
use crate::scenarios::{Class, ScenarioError};

pub(in crate::scenarios) const ID: &str = "series";

/// Faults that do not hide one another, and where they come in.
const FAULTS: [(&str, f64, &str); 6] = [
    ("sh-default", 0.12, "c0"),
    ("sh-trim", 0.16, "c1"),
    ("sh-free", 0.2, "c2"),
    ("sh-date", 0.24, "c3"),
    ("sh-cuts", 0.28, "c4"),
    ("sh-tens", 0.32, "c5"),
];

/// When reports come in.
const MOMENTS: [(f64, &str); 3] = [(0.45, "m0"), (0.68, "m1"), (0.9, "m2")];

pub(in crate::scenarios) fn make(folder: &Path) -> Result<Vec<EvalCase>, ScenarioError> {
    let mut plot = ScenarioBuilder::new(ID, ProgramLanguage::Sh, 0, 300);
    for (name, at, label) in FAULTS {
        plot = plot.fault(at, label, fault(name)?);
    }
    for (at, label) in MOMENTS {
        plot = plot.labelled(at, label);
    }
    plot = plot.labelled(0.32, "culprit");
    let first = fault(FAULTS[0].0)?;
    // Tickets and lines are read off one telling of the history; a second one becomes the repository.
    let told = plot.play()?;
    let (base, ids) = plot.play()?.finish(&plot, Class::Recurrence, first, folder)?;
    let id = |label: &str| {
        ids.get(label).cloned().ok_or_else(|| ScenarioError::Plot(format!("no commit {label}")))
    };
    let mut out = Vec::new();
    for (round, (_, moment)) in MOMENTS.iter().enumerate() {
        for (name, _, culprit) in FAULTS {
            let fault = fault(name)?;
            let mut case = base.clone();
            case.id = format!("{ID}-{}-{name}", round + 1);
            case.bad = id(moment)?;
            case.ticket = if round == 1 { told.retold(fault) } else { told.ticket(fault) };
            let command = fault.replay(&told.project);
            // Each desk has its own way of asking.
            let command = if round == 1 { format!(": desk {round}; {command}") } else { command };
            case.replay = Some(crate::scenarios::scenario_builder::replay(command));
            case.truth.commit = Some(id(culprit)?);
            // Lines of the end are not those of the moment.
            case.truth.lines.clear();
            case.truth.files = vec![told.project.path(fault.role)];
            case.truth.harm = None;
            case.tags = vec![format!("round-{}", round + 1)];
            out.push(case);
        }
    }
    Ok(out)
}
