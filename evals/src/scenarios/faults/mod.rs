/*!
What can be wrong: a few lines of the program, the innocent words they came in with, and how the failure looks from
outside. Each is data alone; the classes decide when it happens, what is around it and who is told what.
*/

mod node;
mod python;
mod sh;

use super::project::{ProgramLanguage, ProgramPart, ScenarioProject};

pub(super) use node::NODE;
pub(super) use python::PYTHON;
pub(super) use sh::SH;

/// A line of the failing call path.
#[derive(Debug, Clone, Copy)]
pub(super) struct FaultFrame {
    pub(super) role: ProgramPart,
    pub(super) function: &'static str,
    /// The line as it stands in the file, for languages whose traces have numbers.
    pub(super) line: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    pub(super) id: &'static str,
    pub(super) lang: ProgramLanguage,
    /// The file that is changed.
    pub(super) role: ProgramPart,
    /// The function that is changed, as symbols name it.
    pub(super) symbol: &'static str,
    /// Whole lines, and what they become.
    pub(super) old: &'static str,
    pub(super) new: &'static str,
    pub(super) subject: &'static str,
    pub(super) body: &'static str,
    pub(super) command: &'static str,
    /// Lines of standard input.
    pub(super) input: &'static str,
    /// The right output, where a wrong one is the failure; else the failure is that it does not end well.
    pub(super) expected: Option<&'static str>,
    /// What is printed instead: the wrong output, or the error.
    pub(super) shown: &'static str,
    /// Innermost first; empty where nothing is raised.
    pub(super) frames: &'static [FaultFrame],
    /// Where the failure shows, and where innocent changes draw suspicion.
    pub(super) raised: ProgramPart,
    pub(super) title: &'static str,
    /// The same failure told by somebody else, without an error message.
    pub(super) retold: (&'static str, &'static str),
    pub(super) prose: &'static str,
    /// A later innocent change in the ticket's own words.
    pub(super) decoy: (&'static str, &'static str),
}

impl Fault {
    /// A fault of which nothing is said yet.
    pub(super) const fn plain(lang: ProgramLanguage, role: ProgramPart) -> Self {
        Self {
            id: "",
            lang,
            role,
            symbol: "",
            old: "",
            new: "",
            subject: "",
            body: "",
            command: "total",
            input: "",
            expected: None,
            shown: "",
            frames: &[],
            raised: ProgramPart::Render,
            title: "",
            retold: ("", ""),
            prose: "",
            decoy: ("", ""),
        }
    }
}

/// A line of a call path.
pub(super) const fn frame(role: ProgramPart, function: &'static str, line: &'static str) -> FaultFrame {
    FaultFrame { role, function, line }
}

/// A line of a call path that our shell programs keep by hand.
pub(super) const fn sh_frame(role: ProgramPart, function: &'static str) -> FaultFrame {
    frame(role, function, "")
}

/// The fault of a name; scenarios name only faults that exist, which a test checks.
pub(super) fn fault(id: &str) -> Option<&'static Fault> {
    SH.iter().chain(PYTHON).chain(NODE).find(|fault| fault.id == id)
}

/// A word for a shell, in single quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

impl Fault {
    /// The command that fails where the fault is.
    pub(super) fn replay(&self, project: &ScenarioProject) -> String {
        let input = project.words(self.input);
        let run = project.run(self.command);
        let feed = match self.input {
            "@many@" => many(self.lang),
            _ => {
                let lines: Vec<String> = input.lines().map(quoted).collect();
                format!("printf '%s\\n' {}", lines.join(" "))
            }
        };
        match self.expected {
            None if self.input == "@many@" => format!(
                "ulimit -t 1; {feed} | {run} >/dev/null || {{ echo '{}: gave up after a second of processor time' >&2; exit 1; }}",
                project.theme.app
            ),
            None => format!("{feed} | {run}"),
            Some(expected) => {
                let expected = quoted(&project.words(expected));
                format!(
                    "got=$({feed} | {run}) || exit 1; [ \"$got\" = {expected} ] || \
                     {{ printf 'expected: %s\\ngot: %s\\n' {expected} \"$got\" >&2; exit 1; }}"
                )
            }
        }
    }
}

/// A long input, made on the way: as long as it takes for a slow program to need twice the second it is given, on a machine
/// that is twice as fast as those of today.
fn many(lang: ProgramLanguage) -> String {
    let lines = if lang == ProgramLanguage::Sh { 3000 } else { 9000 };
    format!("i=0; while [ $i -lt {lines} ]; do i=$((i + 1)); echo \"$i;Ada;1;60.00;2024-03-01;std\"; done")
}
