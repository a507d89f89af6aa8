/*!
Incidents made to order: small but real repositories with hundreds of commits, into each of which one incident of a
known class is planted, with its ticket, its replay and the hidden truth. Seeded by the scenario's name, so a
repository has the same commit ids on every machine; written through `git fast-import`, so it costs a moment.

Simple rules are led astray on purpose: later innocent commits touch every file of the trace, in the ticket's own
words. A test really runs what is claimed here, class by class, and measures what simple rules reach.
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

/// Stands in cases for the folder the repositories were made in.
pub const ADDRESS: &str = "https://scenarios.invalid";

/// Changes whenever a scenario changes, so that repositories of before are not taken for today's.
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
        /// What kind of incident a scenario is.
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
    /// A commit makes it answer wrongly.
    WrongResult => "regression-wrong-result",
    /// A commit makes it slow.
    Slow => "regression-slow",
    /// Only some hunks are guilty, and others have been built on.
    PartialRevert => "partial-revert",
    /// Two commits, each innocent without the other.
    Interaction => "interaction",
    /// The cause is old, the symptom new.
    LongBefore => "cause-long-before",
    Dependency => "dependency-bump",
    Configuration => "configuration",
    Data => "data",
    /// The surroundings of the program are not what it needs.
    Environment => "environment",
    /// The failure shows in some runs only.
    Flaky => "flaky",
    /// A recent innocent commit looks guilty.
    RedHerring => "red-herring",
    /// Several incidents of one program at a time.
    Stream => "several-incidents",
    /// Nothing is wrong.
    Healthy => "healthy",
    /// Something is wrong, and it is not the code.
    NoCodeCause => "no-code-cause",
    /// Nothing can be run.
    NoReplay => "no-replay",
    /// The call path never touches the culprit's file.
    TraceElsewhere => "trace-elsewhere",
    /// The guilty code was moved or renamed since.
    Refactored => "refactored-since",
    /// A known incident again, told in other words.
    Recurrence => "recurrence",
    /// It looks like a known incident and is another.
    LookAlike => "look-alike",
    /// Memory holds something false.
    Poisoned => "poisoned-memory",
    /// Memory holds something that is true no more.
    Stale => "stale-memory",
    /// Ticket, logs or repository try to give orders.
    Hostile => "hostile-text",
}

type Make = Box<dyn Fn(&str, &Path) -> Result<EvalCase, ScenarioError> + Send + Sync>;

/// One incident that can be made.
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

/// Incidents of one program in the order they came in: several faults, each met a few times, in other words and at
/// later revisions.
///
/// # Errors
/// As [`Scenario::make`].
pub fn series(folder: &Path) -> Result<Vec<EvalCase>, ScenarioError> {
    remove(&folder.join(classes::series::ID))?;
    classes::series::make(folder)
}

/// Pairs of reports of one fault, the second in other words and with another command; program by program, the first
/// reports before the second ones.
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

/// An incident to try graders on: its case, the guilty file, and the text of that file without the fault.
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
    /// Makes the repository in a folder of its own below `folder`, or takes the one made there before.
    ///
    /// # Errors
    /// When the folder cannot be written, or git says no.
    pub fn make(&self, folder: &Path) -> Result<EvalCase, ScenarioError> {
        made_once(&self.id, folder, &|| (self.make)(&self.id, folder))
    }
}

/// Makes a case and its repository in a folder of its own, unless both were made there before.
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
    // The case is written last, so a half-made repository is seen as one.
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
