/*!
Why tests could not run at all: a missing command, a failed build, a wrong configuration. A test may also print
such a line, so it only counts if no test ran.
*/

use super::OutputReader;
use super::log::RunLog;

/// Beginnings of such lines.
const STARTS: &[&str] = &[
    "npm ERR! Missing script",
    "npm error Missing script",
    "npm error enoent",
    "npm ERR! enoent",
    "error Command \"test\" not found",
    "ERR_PNPM_NO_SCRIPT",
    "error: Script not found",
    "[ERROR] COMPILATION ERROR",
    "[ERROR] Failed to execute goal",
    "error: could not find `Cargo.toml`",
    "error: failed to parse manifest",
    "go: cannot find main module",
    "go: go.mod file not found",
    "no required module provides package",
    "pattern ./...: ",
    "FAILURE: Build failed with an exception",
    "Execution failed for task ':compile",
    "CMake Error",
    "Error: no test files found",
    "Error: No test files found",
    "No tests found, exiting with code",
    "No test files found, exiting with code",
    "No tests were found!!!",
    "No tests executed!",
    "Exception during run: ",
    " Exception during run: ",
    "Could not find '",
    "ERROR: usage: ",
    "Fatal error: Uncaught ",
    "PHP Fatal error: ",
    "Could not open input file: ",
    "bundler: command not found",
    "Could not find gem",
    "ERROR: No tests found",
    "● Validation Error:",
];

/// Parts of such lines that a test would not print.
const PARTS: &[&str] = &[
    ": command not found",
    ": not found",
    ": No rule to make target",
    ": No module named ",
    "cannot execute: required file not found",
    ": cannot execute binary file",
    "Could not find or load main class",
    "error: linking with `",
    "undefined reference to `",
    "fatal error: no input files",
    "error: no such command: ",
    ": Permission denied",
];

#[derive(Debug, Default)]
pub(super) struct ObstacleReader;

impl OutputReader for ObstacleReader {
    fn read_line(&mut self, line: &str, log: &mut RunLog) {
        if log.obstacle.is_some() || line.len() > 600 {
            return;
        }
        let is_part = |part: &&str| {
            line.ends_with(part.trim_end())
                || (part.starts_with(": ") && part.ends_with(' ') && line.contains(*part))
        };
        let is_obstacle = STARTS.iter().any(|start| line.starts_with(start))
            || PARTS.iter().any(is_part)
            || line.contains("*** No rule to make target");
        if is_obstacle {
            log.set_obstacle(line);
        }
    }
}
