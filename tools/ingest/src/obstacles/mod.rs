/*!
Set-up failures: signs that a run never reached the code under test. Examples are a module that cannot be imported,
a build that breaks, a command that does not exist, or a missing network. They are recognised by the messages of
common tools, and each kind says what to do about it (`Obstacle::remedy`).

An error that the ticket itself reports is the failure and not a set-up failure; `expected` distinguishes the two.
*/

mod build;
mod environment;
mod exceptions;
mod missing;
mod remedy;
mod rules;

use std::fmt;

use millwright_model::FailingTest;
use serde::{Deserialize, Serialize};

use super::text::{TextLines, clip};
use super::traces::{self, FoundTrace};
use super::{decode, failing};

/// Longest line and longest name that are kept of a finding, in bytes.
const MAX_DETAIL: usize = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ObstacleKind {
    /// A module, package, class or header that the run needs is missing.
    Import,
    Syntax,
    /// The build failed before anything ran.
    Build,
    /// A command, interpreter or script of a package manager is missing.
    MissingCommand,
    /// The test, its fixture or its class does not exist.
    MissingTest,
    /// The machine. Only in records of older versions; now `Network`, `Permission` or `Resources`.
    Environment,
    /// A script or file that the replay names is not in the checkout.
    MissingFile,
    /// A host, a port or a database cannot be reached: a replay has no network.
    Network,
    /// The run is not allowed to read, write or execute something.
    Permission,
    MissingVariable,
    /// A path of a git submodule, which a checkout leaves empty.
    EmptySubmodule,
    /// A script with Windows line ends.
    LineEndings,
    /// An interpreter, compiler or library with another version than the code needs.
    RuntimeVersion,
    /// Disk, memory, processes.
    Resources,
    TimeOut,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    pub kind: ObstacleKind,
    /// The line that shows the obstacle.
    pub detail: String,
    /// The module, command, file, host or variable concerned; for a build, the compiler's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// Facts about a run besides its output.
#[derive(Debug, Clone, Copy, Default)]
pub struct SetupContext<'a> {
    /// Paths of the revision's submodules, as its `.gitmodules` names them.
    pub submodules: &'a [String],
    pub exit_status: Option<i32>,
}

impl Obstacle {
    fn new(kind: ObstacleKind, detail: &str, subject: Option<String>) -> Self {
        let subject = subject.map(|name| clip(name.trim(), MAX_DETAIL).to_owned());
        Self {
            kind,
            detail: clip(detail.trim(), MAX_DETAIL).to_owned(),
            subject: subject.filter(|name| !name.is_empty()),
        }
    }

    /// The set-up failure that an output shows, if any. Never fails; takes time linear in the output.
    pub fn find(output: &str, context: &SetupContext<'_>) -> Option<Self> {
        let decoded = decode::decode(output.as_bytes());
        let lines = TextLines::new(&decoded.text);
        let found = traces::find(&lines, 50);
        let tests = failing::find(&lines);
        find_in(&lines, &found, &tests.tests, context)
    }

    /// A run that exceeded its time limit.
    pub fn time_out(seconds: u64) -> Self {
        Self::new(ObstacleKind::TimeOut, &format!("it did not end within {seconds} s"), None)
    }

    /// What to do about the obstacle: one sentence for the person who provided the replay.
    pub fn remedy(&self) -> String {
        remedy::remedy(self.kind, self.subject.as_deref())
    }

    pub(crate) fn is_same(&self, other: &Obstacle) -> bool {
        let same_subject = match (&self.subject, &other.subject) {
            (Some(a), Some(b)) => self.kind == other.kind && super::template(a) == super::template(b),
            // Records of older versions have no subject and fewer kinds.
            _ => true,
        };
        same_subject && super::template(&self.detail) == super::template(&other.detail)
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ObstacleKind::Import => "an import fails",
            ObstacleKind::Syntax => "a syntax error",
            ObstacleKind::Build => "the build fails",
            ObstacleKind::MissingCommand => "a command or file is missing",
            ObstacleKind::MissingTest => "the test or its fixture is missing",
            ObstacleKind::Environment => "the environment prevents it",
            ObstacleKind::MissingFile => "a file is missing",
            ObstacleKind::Network => "a host or service cannot be reached",
            ObstacleKind::Permission => "permission is denied",
            ObstacleKind::MissingVariable => "an environment variable is missing",
            ObstacleKind::EmptySubmodule => "a git submodule is empty",
            ObstacleKind::LineEndings => "a script has Windows line ends",
            ObstacleKind::RuntimeVersion => "an interpreter or compiler of another version is needed",
            ObstacleKind::Resources => "disk, memory or processes ran out",
            ObstacleKind::TimeOut => "it takes too long",
        };
        let told = match &self.subject {
            Some(message) if self.kind == ObstacleKind::Build => message,
            _ => &self.detail,
        };
        write!(f, "{what} ({told})")
    }
}

/// The obstacle of an output whose traces and failing tests are already parsed.
pub(crate) fn find_obstacle(
    lines: &TextLines<'_>,
    found: &[FoundTrace],
    tests: &[FailingTest],
) -> Option<Obstacle> {
    find_in(lines, found, tests, &SetupContext::default())
}

fn find_in(
    lines: &TextLines<'_>,
    found: &[FoundTrace],
    tests: &[FailingTest],
    context: &SetupContext<'_>,
) -> Option<Obstacle> {
    let obstacle = if tests.iter().all(|test| test.function.is_none()) {
        rules::overriding(lines)
            .or_else(|| exceptions::of_loading(found, tests))
            .or_else(|| rules::of_lines(lines))
            .or_else(|| exceptions::of_run(found))
            .or_else(|| context.exit_status.and_then(of_status))
    } else {
        // A test was named, so its module was loaded; obstacles that its output quotes from other runs do not
        // count.
        exceptions::of_tests(found).or_else(|| rules::missing_fixture(lines))
    };
    obstacle.map(|found| in_submodule(found, lines, context))
}

/// What a shell's exit status means if the output says nothing.
fn of_status(status: i32) -> Option<Obstacle> {
    let (kind, detail) = match status {
        124 => (ObstacleKind::TimeOut, "status 124: `timeout` ended the command"),
        126 => (ObstacleKind::Permission, "status 126: the command is not executable here"),
        127 => (ObstacleKind::MissingCommand, "status 127: the command was not found here"),
        _ => return None,
    };
    Some(Obstacle::new(kind, detail, None))
}

/// A path below a submodule is missing because the submodule is empty.
fn in_submodule(obstacle: Obstacle, lines: &TextLines<'_>, context: &SetupContext<'_>) -> Obstacle {
    use ObstacleKind::{Build, Import, MissingCommand, MissingFile};
    if context.submodules.is_empty()
        || !matches!(obstacle.kind, Import | Build | MissingFile | MissingCommand)
    {
        return obstacle;
    }
    let texts = [Some(obstacle.detail.as_str()), obstacle.subject.as_deref()];
    let more = rules::missing_paths(lines);
    let named = context.submodules.iter().filter(|path| !path.trim_matches('/').is_empty()).find(|path| {
        texts.iter().flatten().copied().chain(more.iter().copied()).any(|text| names_path(text, path))
    });
    match named {
        Some(path) => Obstacle::new(ObstacleKind::EmptySubmodule, &obstacle.detail, Some(path.clone())),
        None => obstacle,
    }
}

/// Whether a text names `path`, or a file below it, as a path or as a dotted module.
fn names_path(text: &str, path: &str) -> bool {
    let path = path.trim_matches('/');
    let bounded = |form: &str| {
        text.match_indices(form).any(|(at, _)| {
            let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
            let before = text.get(..at).and_then(|head| head.chars().next_back());
            let after = text.get(at + form.len()..).and_then(|rest| rest.chars().next());
            !before.is_some_and(inside) && !after.is_some_and(inside)
        })
    };
    let leaf = path.rsplit('/').next().unwrap_or(path);
    bounded(path)
        || path.contains('/') && bounded(&path.replace('/', "."))
        // An include or import path often starts inside of the submodule's parent folder.
        || path.contains('/') && leaf.len() >= 4 && begins_with_folder(text, leaf)
}

fn begins_with_folder(text: &str, folder: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`' | '<' | '>' | '(' | ':'))
        .any(|word| word.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
}

#[cfg(test)]
mod obstacle_tests;
