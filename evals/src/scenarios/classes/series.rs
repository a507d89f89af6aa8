/*!
A year of one program with several faults. Each fault is reported a few times, by different people, in different words, at
later revisions. The second and third reports of a fault show the value of memory.
*/

use std::path::Path;

use super::fault;
use crate::cases::EvalCase;
use crate::scenarios::project::ProgramLanguage;
use crate::scenarios::scenario_builder::ScenarioBuilder;
use crate::scenarios::{Class, ScenarioError};

pub(in crate::scenarios) const ID: &str = "series";

/// Faults that do not hide one another, the position of each in the history, and its label.
const FAULTS: [(&str, f64, &str); 6] = [
    ("sh-default", 0.12, "c0"),
    ("sh-trim", 0.16, "c1"),
    ("sh-free", 0.2, "c2"),
    ("sh-date", 0.24, "c3"),
    ("sh-cuts", 0.28, "c4"),
    ("sh-tens", 0.32, "c5"),
];

/// The positions in the history at which reports arrive, with their labels.
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
    // The history is generated twice: tickets and lines come from the first copy, and the second becomes the repository.
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
            // The second report uses a different command text.
            let command = if round == 1 { format!(": desk {round}; {command}") } else { command };
            case.replay = Some(crate::scenarios::scenario_builder::replay(command));
            case.truth.commit = Some(id(culprit)?);
            // The lines at the end of the history differ from those at this revision.
            case.truth.lines.clear();
            case.truth.files = vec![told.project.path(fault.role)];
            case.truth.harm = None;
            case.tags = vec![format!("round-{}", round + 1)];
            out.push(case);
        }
    }
    Ok(out)
}
