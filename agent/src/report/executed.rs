/*!
What the failing run executed, in words: how much, and which of the units that the culprit changed.
*/

use millwright_model::{ChangedUnit, ExecutedCode, ExecutedPrecision, Report};

/// Units named in a sentence.
const MAX_NAMED: usize = 5;

/// What the report says about the code that ran; empty when nothing was traced.
pub(super) fn executed_sentences(report: &Report) -> Vec<String> {
    let executed = report.replay.as_ref().and_then(|replay| replay.executed.as_ref());
    executed.map(sentences).unwrap_or_default()
}

fn sentences(code: &ExecutedCode) -> Vec<String> {
    let files = counted(code.files as usize, "file");
    let mut out = vec![match code.precision {
        ExecutedPrecision::Files => format!(
            "The failing run opened {files} of the repository. Which functions it executed is not known: it was not traced."
        ),
        _ if code.units == 0 => format!("The failing run executed code of {files}."),
        _ => {
            let units = counted(code.units as usize, "function");
            format!("The failing run executed {units} in {files}.")
        }
    }];
    if code.changed.is_empty() || code.precision == ExecutedPrecision::Files {
        return out;
    }
    let those = |ran: Option<bool>| code.changed.iter().filter(move |unit| unit.executed == ran);
    let all = code.changed.len();
    let ran = those(Some(true)).count();
    out.push(match (ran, all) {
        (0, 1) => {
            format!("The one unit that the culprit changed did not run: {}.", named(code.changed.iter()))
        }
        (0, _) => format!("None of the units that the culprit changed ran: {}.", named(code.changed.iter())),
        (1, 1) => format!("The one unit that the culprit changed ran: {}.", named(those(Some(true)))),
        _ => {
            let rest =
                [(Some(false), "did not run"), (None, "is not there under this name, or was not traced")];
            let rest = rest.iter().filter(|(ran, _)| those(*ran).count() > 0);
            let rest: Vec<String> =
                rest.map(|(ran, words)| format!("{} {words}", named(those(*ran)))).collect();
            let rest = if rest.is_empty() { String::new() } else { format!("; {}", rest.join("; ")) };
            format!("Of {all} units that the culprit changed, {ran} ran: {}{rest}.", named(those(Some(true))))
        }
    });
    out
}

fn named<'u>(units: impl Iterator<Item = &'u ChangedUnit>) -> String {
    let names: Vec<&str> = units.map(|unit| unit.unit.as_str()).collect();
    let shown = names.get(..MAX_NAMED).unwrap_or(&names).join(", ");
    match names.len().saturating_sub(MAX_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(precision: ExecutedPrecision, changed: &[(&str, Option<bool>)]) -> ExecutedCode {
        let changed =
            changed.iter().map(|(unit, executed)| ChangedUnit { unit: (*unit).into(), executed: *executed });
        ExecutedCode { precision, files: 3, units: 12, named: Vec::new(), changed: changed.collect() }
    }

    #[test]
    fn what_ran_is_told_as_far_as_it_is_known() {
        use ExecutedPrecision::{Files, Lines};
        let told = |code: &ExecutedCode| sentences(code).join(" ");
        assert_eq!(
            told(&code(Files, &[("a.py::f", None)])),
            "The failing run opened 3 files of the repository. Which functions it executed is not known: it was not \
             traced."
        );
        assert_eq!(
            told(&code(Lines, &[("a.py::f", Some(true))])),
            "The failing run executed 12 functions in 3 files. The one unit that the culprit changed ran: a.py::f."
        );
        assert_eq!(
            told(&code(Lines, &[("a.py::f", Some(true)), ("a.py::g", Some(false)), ("a.py::h", None)])),
            "The failing run executed 12 functions in 3 files. Of 3 units that the culprit changed, 1 ran: a.py::f; \
             a.py::g did not run; a.py::h is not there under this name, or was not traced."
        );
        assert_eq!(
            told(&code(Lines, &[("a.py::f", Some(false))])),
            "The failing run executed 12 functions in 3 files. The one unit that the culprit changed did not \
             run: a.py::f."
        );
    }
}
