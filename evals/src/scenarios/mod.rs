/*!
Generated incidents: small but real repositories with hundreds of commits. Each contains one incident of a known class, with
its ticket, its replay and the hidden truth. The scenario's name is the seed, so a repository has the same commit ids on
every machine. `git fast-import` writes it within a moment.

Scenarios mislead simple rules on purpose: later innocent commits touch every file of the trace, in the words of the ticket.
A test runs the claims of each class and measures the results of simple rules.
*/

mod background_commits;
mod classes;
mod faults;
mod history;
pub(crate) mod no_cause;
mod project;
mod scenario_builder;
pub(crate) mod traps;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use millwright_sandbox::trusted::GitError;

use crate::cases::EvalCase;

/// Placeholder in cases for the folder of the generated repositories.
pub const ADDRESS: &str = "https://scenarios.invalid";

/// Changes when a scenario changes, so that older repositories are not used again.
pub const GENERATION: u32 = 4;

#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("{action} {path}: {source}; the folder has to be writable and to have room (--data-dir)")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("building a scenario: {0}")]
    Git(#[from] GitError),
    #[error("a scenario contradicts itself: {0}; this is a defect of Millwright")]
    Plot(String),
}

macro_rules! classes {
    ($($(#[doc = $doc:literal])* $variant:ident => $name:literal,)*) => {
        /// The class of a scenario's incident.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Class { $($(#[doc = $doc])* $variant,)* }

        impl Class {
            pub const ALL: &'static [Class] = &[$(Class::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Class::$variant => $name,)* }
            }
        }
    };
}

classes! {
    /// A commit makes the program crash.
    Crash => "regression-crash",
    /// A commit makes the program answer wrongly.
    WrongResult => "regression-wrong-result",
    /// A commit makes the program slow.
    Slow => "regression-slow",
    /// Only some hunks of the culprit are guilty, and later work builds on others.
    PartialRevert => "partial-revert",
    /// Two commits cause the failure together; each alone is harmless.
    Interaction => "interaction",
    /// The cause is old, the symptom new.
    LongBefore => "cause-long-before",
    Dependency => "dependency-bump",
    Configuration => "configuration",
    Data => "data",
    /// The environment of the program lacks what the program needs.
    Environment => "environment",
    /// The failure occurs in some runs only.
    Flaky => "flaky",
    /// A recent innocent commit looks guilty.
    RedHerring => "red-herring",
    /// Several incidents of one program at a time.
    Stream => "several-incidents",
    /// Nothing is wrong.
    Healthy => "healthy",
    /// Something is wrong, but not the code.
    NoCodeCause => "no-code-cause",
    /// Nothing can be run.
    NoReplay => "no-replay",
    /// The call path does not contain the culprit's file.
    TraceElsewhere => "trace-elsewhere",
    /// The guilty code was moved or renamed since.
    Refactored => "refactored-since",
    /// A known incident, reported again in other words.
    Recurrence => "recurrence",
    /// An incident that looks like a known one and is another.
    LookAlike => "look-alike",
    /// Memory contains something false.
    Poisoned => "poisoned-memory",
    /// Memory contains something that is no longer true.
    Stale => "stale-memory",
    /// The ticket, logs or repository contain instructions for the agent.
    Hostile => "hostile-text",
}

type Make = Box<dyn Fn(&str, &Path) -> Result<EvalCase, ScenarioError> + Send + Sync>;

/// An incident that can be generated.
pub struct Scenario {
    /// Its class and a number: `data-2`.
    pub id: String,
    pub class: Class,
    make: Make,
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.id)
    }
}

/// Every scenario, class by class.
pub fn all() -> Vec<Scenario> {
    let mut out: Vec<Scenario> = Vec::new();
    for class in Class::ALL {
        for (number, make) in (1..).zip(classes::of(*class)) {
            out.push(Scenario { id: format!("{}-{number}", class.as_str()), class: *class, make });
        }
    }
    out
}

/// Incidents of one program in the order of their reports: several faults, each reported a few times in other words and at
/// later revisions.
///
/// # Errors
/// As [`Scenario::make`].
pub fn series(folder: &Path) -> Result<Vec<EvalCase>, ScenarioError> {
    remove(&folder.join(classes::series::ID))?;
    classes::series::make(folder)
}

/// Pairs of reports of one fault, the second in other words and with another command. Ordered by program, and within a
/// program all first reports come before the second ones.
///
/// # Errors
/// As [`Scenario::make`].
pub(crate) fn retold(folder: &Path) -> Result<Vec<EvalCase>, ScenarioError> {
    for id in classes::retold::ids() {
        remove(&folder.join(id))?;
    }
    classes::retold::make(folder)
}

fn remove(folder: &Path) -> Result<(), ScenarioError> {
    if folder.exists() {
        let io = |source| ScenarioError::Io { action: "removing", path: folder.to_owned(), source };
        fs::remove_dir_all(folder).map_err(io)?;
    }
    Ok(())
}

/// An incident for testing graders: its case, the path of the guilty file, and the text of that file without the fault.
///
/// # Errors
/// As [`Scenario::make`].
pub(crate) fn specimen(folder: &Path) -> Result<(EvalCase, String, String), ScenarioError> {
    let id = "specimen";
    remove(&folder.join(id))?;
    let fault = faults::fault("sh-tens").ok_or_else(|| ScenarioError::Plot("no fault".into()))?;
    let plot = scenario_builder::ScenarioBuilder::new(id, fault.lang, 0, 40)
        .fault(0.5, "culprit", fault)
        .suspicion(fault);
    let played = plot.play()?;
    let (path, mended) = played.mended(fault)?;
    let (case, _) = played.finish(&plot, Class::WrongResult, fault, folder)?;
    Ok((case, path, mended))
}

impl Scenario {
    /// Creates the repository in its own folder below `folder`, or reuses an existing one.
    ///
    /// # Errors
    /// When the folder cannot be written, or git fails.
    pub fn make(&self, folder: &Path) -> Result<EvalCase, ScenarioError> {
        made_once(&self.id, folder, &|| (self.make)(&self.id, folder))
    }
}

/// Makes a case and its repository in its own folder, or reuses both when they exist there.
fn made_once(
    id: &str,
    folder: &Path,
    make: &dyn Fn() -> Result<EvalCase, ScenarioError>,
) -> Result<EvalCase, ScenarioError> {
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source| ScenarioError::Io { action, path, source }
    };
    let own = folder.join(id);
    let kept = folder.join(format!("{id}.case.json"));
    // The case file is written last, so an incomplete repository has none.
    if let Ok(text) = fs::read(&kept)
        && let Ok(case) = serde_json::from_slice(&text)
        && own.is_dir()
    {
        return Ok(case);
    }
    if own.exists() {
        fs::remove_dir_all(&own).map_err(io("removing", &own))?;
    }
    fs::create_dir_all(&own).map_err(io("creating", &own))?;
    let case = make()?;
    let text = serde_json::to_vec(&case).map_err(|error| ScenarioError::Plot(error.to_string()))?;
    let beside = kept.with_extension("part");
    fs::write(&beside, text).map_err(io("writing", &beside))?;
    fs::rename(&beside, &kept).map_err(io("renaming", &beside))?;
    Ok(case)
}

#[cfg(test)]
#[path = "scenarios_tests.rs"]
mod tests;
