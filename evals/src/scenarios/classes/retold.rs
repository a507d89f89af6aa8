/*!
Pairs of reports of one fault by two people. The first report quotes the output and is investigated. The author of the second
does not know the first, describes the failure in other words and shows it with another command and other records. Each
program has several faults at a time, so that memory has several culprits to choose from.
*/

use std::path::Path;

use super::fault;
use crate::cases::EvalCase;
use crate::scenarios::faults::{Fault, quoted};
use crate::scenarios::project::{ProgramLanguage, ScenarioProject};
use crate::scenarios::scenario_builder::{ScenarioBuilder, replay};
use crate::scenarios::{Class, ScenarioError};

/// The second report's way to show a fault.
struct SecondReport {
    fault: &'static str,
    command: &'static str,
    /// The lines of the input file.
    input: &'static str,
    /// A line that the output must contain.
    wanted: &'static str,
}

const fn total(fault: &'static str, input: &'static str, wanted: &'static str) -> SecondReport {
    SecondReport { fault, command: "total", input, wanted }
}

/// A program with several faults, none of which hides another.
struct RetoldProgram {
    id: &'static str,
    lang: ProgramLanguage,
    theme: usize,
    /// Whether its tests can run, so that a fix can be verified.
    has_tests: bool,
    second_reports: &'static [SecondReport],
}

const PROGRAMS: &[RetoldProgram] = &[
    RetoldProgram {
        id: "retold-till",
        lang: ProgramLanguage::Sh,
        theme: 0,
        has_tests: true,
        second_reports: &[
            total("sh-tens", "9;Rita;4;80.5;2024-07-09;std", "1 @recs@, total 322.00, largest 322.00"),
            total(
                "sh-round",
                "12;Sven;1;90.15;2024-07-09;staff\n13;Tom;1;70.00;2024-07-09;std",
                "2 @recs@, total 133.10, largest 70.00",
            ),
            SecondReport {
                fault: "sh-default",
                command: "list",
                input: "14;Uma;1;75.00;2024-07-09;",
                wanted: "14 Uma              75.00",
            },
            total("sh-free", "15;Vera;2;25.00;2024-07-10;std", "1 @recs@, total 50.00, largest 50.00"),
            total(
                "sh-skip",
                "007;Will;1;99.00;2024-07-10;std\n8;Xena;1;55.00;2024-07-10;std",
                "2 @recs@, total 154.00, largest 99.00",
            ),
            SecondReport {
                fault: "sh-date",
                command: "list",
                input: "16;Yuri;1;66.00;2023-12-31;std",
                wanted: "16 Yuri             66.00",
            },
        ],
    },
    RetoldProgram {
        id: "retold-clinic",
        lang: ProgramLanguage::Sh,
        theme: 2,
        has_tests: false,
        second_reports: &[
            total("sh-cents", "5;Zoe;1;71.08;2024-08-01;std", "1 @recs@, total 71.08, largest 71.08"),
            total("sh-prefix", "6;Abe;1;150.00;2024-08-01;std2", "1 @recs@, total 144.00, largest 144.00"),
            SecondReport {
                fault: "sh-blank",
                command: "list",
                input: "7;Bea;  2;40.00;2024-08-01;std",
                wanted: "7 Bea              80.00",
            },
            total("sh-cuts", "8;Cy;2;50.00;2024-08-02;staff", "1 @recs@, total 70.00, largest 70.00"),
            SecondReport {
                fault: "sh-trim",
                command: "list",
                input: "9;Dan Brown  ;1;85.00;2024-08-02;std",
                wanted: "9 Dan Brown        85.00",
            },
            total(
                "sh-largest",
                "10;Eve;1;95.00;2024-08-02;std\n11;Flo;100;2.00;2024-08-02;std",
                "2 @recs@, total 295.00, largest 200.00",
            ),
        ],
    },
    RetoldProgram {
        id: "retold-depot",
        lang: ProgramLanguage::Python,
        theme: 5,
        has_tests: true,
        second_reports: &[
            SecondReport {
                fault: "py-code",
                command: "list",
                input: "7;Gil;1;65.00;2024-09-03; ",
                wanted: "7 Gil              65.00 std",
            },
            total("py-float", "8;Hal;100;4.35;2024-09-03;std", "1 @recs@, total 435.00, largest 435.00"),
            total("py-cut", "9;Ivy;2;100.00;2024-09-03;staff", "1 @recs@, total 140.00, largest 140.00"),
            SecondReport {
                fault: "py-number",
                command: "list",
                input: "N4;Jo;1;77.00;2024-09-04;std",
                wanted: "N4 Jo               77.00 std",
            },
        ],
    },
    RetoldProgram {
        id: "retold-studio",
        lang: ProgramLanguage::Node,
        theme: 6,
        has_tests: true,
        second_reports: &[
            SecondReport {
                fault: "js-code",
                command: "list",
                input: "7;Kai;1;65.00;2024-09-03;  ",
                wanted: "7 Kai              65.00",
            },
            total(
                "js-sort",
                "8;Lou;1;900.00;2024-09-03;std\n9;Mia;1;1000.00;2024-09-03;std",
                "2 @recs@, total 1900.00, largest 1000.00",
            ),
            total("js-split", "10;;1;70.00;2024-09-04;std", "1 @recs@, total 70.00, largest 70.00"),
        ],
    },
    RetoldProgram {
        id: "retold-mill",
        lang: ProgramLanguage::Node,
        theme: 3,
        has_tests: false,
        second_reports: &[
            total("js-zero", "11;Ola;1;55.00;2024-09-05;std", "1 @recs@, total 55.00, largest 55.00"),
            SecondReport {
                fault: "js-split",
                command: "list",
                input: "12;;1;80.00;2024-09-05;std",
                wanted: "12                  80.00",
            },
        ],
    },
];

/// The ids of the programs. Each has its own repository.
pub(in crate::scenarios) fn ids() -> impl Iterator<Item = &'static str> {
    PROGRAMS.iter().map(|program| program.id)
}

/// The tag of second reports of a fault.
pub(in crate::scenarios) const TOLD_AGAIN: &str = "told-again";

impl SecondReport {
    /// A command of another form: it reads a file and searches its output for one line.
    fn replay(&self, project: &ScenarioProject) -> String {
        let lines: Vec<String> = self.input.lines().map(quoted).collect();
        let wanted = quoted(&project.words(self.wanted));
        format!(
            "set -e; day=$(mktemp); printf '%s\\n' {} >\"$day\"; {} <\"$day\" >\"$day.said\" 2>&1 || true; \
             grep -qxF {wanted} \"$day.said\" || {{ echo 'not as agreed:'; cat \"$day.said\"; exit 3; }}",
            lines.join(" "),
            project.run(self.command),
        )
    }
}

/// Makes the cases: all first reports of a program, then all its second reports.
pub(in crate::scenarios) fn make(folder: &Path) -> Result<Vec<EvalCase>, ScenarioError> {
    let mut out = Vec::new();
    for program in PROGRAMS {
        out.extend(cases_of(program, folder)?);
    }
    Ok(out)
}

fn cases_of(program: &RetoldProgram, folder: &Path) -> Result<Vec<EvalCase>, ScenarioError> {
    let faults: Vec<&'static Fault> =
        program.second_reports.iter().map(|second| fault(second.fault)).collect::<Result<_, _>>()?;
    let Some(first) = faults.first() else { return Ok(Vec::new()) };
    const LABELS: [&str; 6] = ["c0", "c1", "c2", "c3", "c4", "c5"];
    let mut plot = ScenarioBuilder::new(program.id, program.lang, program.theme, 240);
    for (number, (fault, label)) in faults.iter().zip(LABELS).enumerate() {
        plot = plot.fault(0.15 + 0.08 * number as f64, label, fault);
    }
    plot = plot.labelled(0.7, "then").labelled(0.15, "culprit");
    // The history is generated twice: tickets and lines come from the first copy, and the second becomes the repository.
    let told = plot.play()?;
    let (base, ids) = plot.play()?.finish(&plot, Class::Recurrence, first, folder)?;
    let id = |label: &str| {
        ids.get(label).cloned().ok_or_else(|| ScenarioError::Plot(format!("no commit {label}")))
    };
    let mut out = Vec::new();
    for again in [false, true] {
        for ((second, fault), label) in program.second_reports.iter().zip(&faults).zip(LABELS) {
            let mut case = base.clone();
            case.id = format!("{}-{}-{}", program.id, if again { "again" } else { "first" }, fault.id);
            let command = match again {
                true => second.replay(&told.project),
                false => fault.replay(&told.project),
            };
            case.bad = id(if again { "head" } else { "then" })?;
            case.ticket = if again { told.retold(fault) } else { told.ticket(fault) };
            case.replay = Some(replay(command));
            case.tests = base.tests.clone().filter(|_| program.has_tests);
            case.truth.commit = Some(id(label)?);
            // The lines at the end of the history differ from those at this revision, and the other faults fail the tests at
            // the end.
            case.truth.lines.clear();
            case.truth.symbols.clear();
            case.truth.files = vec![told.project.path(fault.role)];
            case.truth.harm = None;
            case.truth.revert_fixes = None;
            case.tags = vec![if again { TOLD_AGAIN } else { "told-first" }.to_owned()];
            out.push(case);
        }
    }
    Ok(out)
}
