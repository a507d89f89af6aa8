/*! Plain regressions: one commit, one fault, and only unrelated work around it. */

use super::{fault, make};
use crate::scenarios::scenario_builder::ScenarioBuilder;
use crate::scenarios::{Class, Make};

/// Fault, trade, number of commits, and the culprit's position as a share of the history.
type Plan = (&'static str, usize, usize, f64);

pub(super) fn of(class: Class) -> Vec<Make> {
    let plans: &[Plan] = match class {
        Class::Crash => &[
            ("sh-blank", 0, 180, 0.55),
            ("sh-date", 1, 220, 0.48),
            ("py-number", 2, 200, 0.52),
            ("js-split", 3, 160, 0.44),
        ],
        Class::WrongResult => &[
            ("sh-tens", 4, 200, 0.5),
            ("sh-largest", 5, 240, 0.41),
            ("py-float", 6, 190, 0.57),
            ("js-sort", 7, 170, 0.46),
        ],
        Class::Slow => &[("sh-slow", 0, 150, 0.5), ("py-slow", 1, 160, 0.45)],
        Class::Flaky => &[("sh-flaky", 2, 130, 0.5), ("sh-seldom", 3, 130, 0.42), ("py-set", 4, 120, 0.55)],
        Class::LongBefore => {
            &[("sh-free", 5, 420, 0.1), ("sh-round", 6, 400, 0.12), ("js-zero", 7, 380, 0.11)]
        }
        _ => &[],
    };
    plans.iter().map(|plan| one(class, *plan)).collect()
}

fn one(class: Class, (name, theme, commits, at): Plan) -> Make {
    make(move |id, folder| {
        let fault = fault(name)?;
        let plot =
            ScenarioBuilder::new(id, fault.lang, theme, commits).fault(at, "culprit", fault).suspicion(fault);
        let (mut case, _) = plot.play()?.finish(&plot, class, fault, folder)?;
        if class == Class::LongBefore {
            case.ticket.push_str("\nWe only met it now: nobody had such a case before.\n");
        }
        Ok(case)
    })
}
