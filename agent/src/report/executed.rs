/*!
What the failing run executed, in words: how much, and which of the units that the culprit changed.
*/

use millwright_model::{ExecutedCode, Report, TracePrecision};

use super::text::count;

/// Units named in a list.
const MAX_NAMED: usize = 5;

/// What the report says about the code that ran; empty when nothing was traced.
pub(super) fn executed_sentences(report: &Report) -> Vec<String> {
    let executed = report.replay.as_ref().and_then(|replay| replay.executed.as_ref());
    executed.map(sentences).unwrap_or_default()
}

fn sentences(code: &ExecutedCode) -> Vec<String> {
    let files = count(code.files as usize, "file");
    let ran = match (code.precision, code.units) {
        (TracePrecision::Files, _) => {
            return vec![format!(
                "The failing run opened {files} of the repository; which functions it executed was not recorded."
            )];
        }
        (_, 0) => format!("The failing run executed code of {files}."),
        (_, units) => {
            format!("The failing run executed {} in {files}.", count(units as usize, "function"))
        }
    };
    [Some(ran), about_changed(code)].into_iter().flatten().collect()
}

/// Which of the changed units ran; `None` when there are none.
fn about_changed(code: &ExecutedCode) -> Option<String> {
    let list = |ran: Option<bool>| {
        let names = code.changed.iter().filter(|unit| unit.executed == ran).map(|unit| unit.unit.as_str());
        names.collect::<Vec<&str>>()
    };
    let [ran, idle, unknown] = [Some(true), Some(false), None].map(list);
    let all = (code.changed_total as usize).max(code.changed.len());
    let one = "one unit that the culprit changed";
    let many = format!("{all} units that the culprit changed");
    let groups = [
        (ran, "ran", format!("The {one} ran"), format!("All {many} ran")),
        (idle, "did not run", format!("The {one} did not run"), format!("None of the {many} ran")),
        (
            unknown,
            "not recorded",
            format!("Whether the {one} ran was not recorded"),
            format!("Whether the {many} ran was not recorded"),
        ),
    ];
    let groups: Vec<_> = groups.into_iter().filter(|(units, ..)| !units.is_empty()).collect();
    Some(match &groups[..] {
        [] => return None,
        [(units, _, of_one, of_many)] if units.len() == all => {
            format!("{}: {}.", if all == 1 { of_one } else { of_many }, named(units))
        }
        _ => {
            let told = groups.iter().map(|(units, what, ..)| format!("{what}: {}", named(units)));
            format!("Of the {many}, {}.", told.collect::<Vec<_>>().join("; "))
        }
    })
}

fn named(names: &[&str]) -> String {
    let shown = names.get(..MAX_NAMED).unwrap_or(names).join(", ");
    match names.len().saturating_sub(MAX_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use millwright_model::ChangedUnit;

    use super::*;

    fn code(precision: TracePrecision, changed: &[(&str, Option<bool>)]) -> ExecutedCode {
        let changed: Vec<ChangedUnit> = changed
            .iter()
            .map(|(unit, executed)| ChangedUnit { unit: (*unit).into(), executed: *executed })
            .collect();
        let changed_total = changed.len() as u32;
        ExecutedCode { precision, files: 3, units: 12, named: Vec::new(), changed, changed_total }
    }

    #[test]
    fn what_ran_is_told_as_far_as_it_is_known() {
        let told = |changed: &[(&str, Option<bool>)]| {
            let told = sentences(&code(TracePrecision::Lines, changed));
            assert_eq!(told[0], "The failing run executed 12 functions in 3 files.");
            told[1..].join(" ")
        };
        assert_eq!(told(&[]), "");
        let one = "The one unit that the culprit changed";
        assert_eq!(told(&[("a.py::f", Some(true))]), format!("{one} ran: a.py::f."));
        assert_eq!(told(&[("a.py::f", Some(false))]), format!("{one} did not run: a.py::f."));
        assert_eq!(
            told(&[("a.py::f", None)]),
            "Whether the one unit that the culprit changed ran was not recorded: a.py::f."
        );
        assert_eq!(
            told(&[("a.py::f", Some(false)), ("a.py::g", Some(false))]),
            "None of the 2 units that the culprit changed ran: a.py::f, a.py::g."
        );
        assert_eq!(
            told(&[("a.py::f", Some(true)), ("a.py::g", Some(true))]),
            "All 2 units that the culprit changed ran: a.py::f, a.py::g."
        );
        assert_eq!(
            told(&[("a.py::f", None), ("a.py::g", None)]),
            "Whether the 2 units that the culprit changed ran was not recorded: a.py::f, a.py::g."
        );
        assert_eq!(
            told(&[("a.py::f", Some(true)), ("a.py::g", Some(false)), ("a.py::h", None)]),
            "Of the 3 units that the culprit changed, ran: a.py::f; did not run: a.py::g; not recorded: a.py::h."
        );
        assert_eq!(
            sentences(&code(TracePrecision::Files, &[("a.py::f", None)])).join(" "),
            "The failing run opened 3 files of the repository; which functions it executed was not recorded."
        );
    }
}
