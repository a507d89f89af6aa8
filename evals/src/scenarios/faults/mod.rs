/*!
The faults: a few lines of the program, the innocent commit message they came with, and how the failure looks to users. A
fault is only data. The classes decide when a fault is added, what is around it, and who learns what.
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
    /// The line as in the file, for languages whose traces have line numbers.
    pub(super) line: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    pub(super) id: &'static str,
    pub(super) lang: ProgramLanguage,
    /// The file that is changed.
    pub(super) role: ProgramPart,
    /// The changed function, by its symbol name.
    pub(super) symbol: &'static str,
    /// Whole lines, and their replacement.
    pub(super) old: &'static str,
    pub(super) new: &'static str,
    pub(super) subject: &'static str,
    pub(super) body: &'static str,
    pub(super) command: &'static str,
    /// Lines of standard input.
    pub(super) input: &'static str,
    /// The right output, if the failure is a wrong output. Otherwise the failure is an error status.
    pub(super) expected: Option<&'static str>,
    /// The text that is printed instead: the wrong output, or the error.
    pub(super) shown: &'static str,
    /// Innermost frame first; empty when no error is raised.
    pub(super) frames: &'static [FaultFrame],
    /// The part where the failure appears and where innocent changes look suspicious.
    pub(super) raised: ProgramPart,
    pub(super) title: &'static str,
    /// Title and text of a report by another person, without the error message.
    pub(super) retold: (&'static str, &'static str),
    pub(super) prose: &'static str,
    /// Message of a later innocent commit that uses the words of the ticket.
    pub(super) decoy: (&'static str, &'static str),
}

impl Fault {
    /// A fault with default values.
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

/// A line of the call path that our shell programs record themselves.
pub(super) const fn sh_frame(role: ProgramPart, function: &'static str) -> FaultFrame {
    frame(role, function, "")
}

/// The fault with this id. A test checks that scenarios name only existing faults.
pub(super) fn fault(id: &str) -> Option<&'static Fault> {
    SH.iter().chain(PYTHON).chain(NODE).find(|fault| fault.id == id)
}

/// Quotes a word for the shell, in single quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

impl Fault {
    /// The command that fails at revisions with the fault.
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

/// A shell loop that prints a long input. A slow program needs twice its limit of one second for it, even on a machine that
/// is twice as fast as today's.
fn many(lang: ProgramLanguage) -> String {
    let lines = if lang == ProgramLanguage::Sh { 3000 } else { 9000 };
    format!("i=0; while [ $i -lt {lines} ]; do i=$((i + 1)); echo \"$i;Ada;1;60.00;2024-03-01;std\"; done")
}
