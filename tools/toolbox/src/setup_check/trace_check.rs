/*!
What a traced run of one test shows of the code that it executes: lines narrow the suspects down, files hardly do.
*/

use millwright_model::ReplayOutcome;
use millwright_replay::exec_trace::TracePrecision;
use millwright_replay::{ReplayError, ReplayResult};

use super::{SetupCheck, SetupPart};

/// `coverage` lists the configured globs of coverage files. `passes` says that the command passes when it is not traced.
pub(super) fn trace_check(
    command: &str,
    passes: bool,
    coverage: &[String],
    traced: &Result<ReplayResult, ReplayError>,
) -> SetupCheck {
    const PART: SetupPart = SetupPart::Trace;
    let trace = match traced {
        Ok(result) if passes && result.outcome() != ReplayOutcome::Passes => {
            // The very last line is the exit status.
            let last = result.tail.lines().rev().nth(1).unwrap_or_default();
            let why = result.why.as_deref().unwrap_or(last);
            let detail =
                format!("`{command}` fails when it is traced, so it will be replayed without a trace: {why}");
            return SetupCheck::doubtful(PART, detail);
        }
        Ok(result) => result.trace.as_ref(),
        Err(error) => return SetupCheck::doubtful(PART, format!("`{command}` could not be traced: {error}")),
    };
    let files = match trace.map_or(0, |trace| trace.files.len()) {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    match trace.map(|trace| trace.precision) {
        Some(TracePrecision::Lines | TracePrecision::Functions) => {
            SetupCheck::works(PART, format!("`{command}` shows which lines of {files} it executes"))
        }
        _ if !coverage.is_empty() => SetupCheck::doubtful(
            PART,
            format!(
                "`{command}` wrote no coverage report that {} matches and that can be read; correct coverage in \
                 [repositories.NAME], or remove it",
                coverage.join(", ")
            ),
        ),
        Some(TracePrecision::Files) => SetupCheck::works(
            PART,
            format!(
                "`{command}` shows only which files it opens ({files}); name a coverage file that it writes with coverage \
                 in [repositories.NAME] to see lines"
            ),
        ),
        None => SetupCheck::works(
            PART,
            format!(
                "`{command}` shows nothing of the code that it executes; name a coverage file that it writes with coverage \
                 in [repositories.NAME]"
            ),
        ),
    }
}
