/*!
Where a check runs: a checkout the command may use, a secret outside, every sandbox level, and both kinds of users.
*/

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use millwright_sandbox::{CancelFlag, Execution, SandboxCeiling, SandboxLimits, SandboxedCommand, run_at};

use crate::checks::not_tried;

pub(crate) const ORDINARY_USER: u32 = 54_321;

/// A sandbox level for a check.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Level {
    pub(crate) name: &'static str,
    pub(crate) ceiling: SandboxCeiling,
}

pub(crate) fn levels() -> [Level; 3] {
    let old = SandboxCeiling { landlock: 1, ..SandboxCeiling::reduced() };
    [
        Level { name: "full", ceiling: SandboxCeiling::default() },
        Level { name: "reduced", ceiling: SandboxCeiling::reduced() },
        Level { name: "reduced, old Landlock", ceiling: old },
    ]
}

/// Folders of one check: those the command may use, and those it must not reach.
pub(crate) struct Ground {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) level: Level,
}

impl Ground {
    pub(crate) fn new(level: Level) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for sub in ["checkout", "outside"] {
            fs::create_dir(folder.path().join(sub)).unwrap();
        }
        fs::write(folder.path().join("outside/secret"), "the secret").unwrap();
        fs::write(folder.path().join("checkout/file"), "content").unwrap();
        Self { folder, level }
    }

    pub(crate) fn checkout(&self) -> PathBuf {
        self.folder.path().join("checkout")
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.folder.path().join("outside")
    }

    pub(crate) fn command(&self, script: &str) -> SandboxedCommand {
        let script = script.replace("OUTSIDE", &self.outside().to_string_lossy());
        SandboxedCommand {
            script,
            cwd: self.checkout(),
            write: vec![self.checkout()],
            limits: SandboxLimits {
                wall: Duration::from_secs(60),
                processes: 64,
                ..SandboxLimits::default()
            },
            ..SandboxedCommand::default()
        }
    }

    pub(crate) fn run(&self, script: &str) -> Execution {
        self.run_command(&self.command(script))
    }

    pub(crate) fn run_command(&self, command: &SandboxedCommand) -> Execution {
        let execution = run_at(self.level.ceiling, command, &CancelFlag::default()).unwrap();
        assert_eq!(execution.level, self.level.ceiling.level, "{}", self.level.name);
        execution
    }

    /// Asserts that nothing outside was changed.
    pub(crate) fn is_untouched(&self) {
        let secret = self.outside().join("secret");
        assert_eq!(fs::read_to_string(&secret).unwrap(), "the secret", "{}", self.level.name);
        let meta = fs::metadata(&secret).unwrap();
        assert_eq!(meta.mode() & 0o7777, 0o644, "{}", self.level.name);
        assert!(meta.modified().unwrap().elapsed().unwrap() < Duration::from_secs(3600));
        let names: Vec<_> = fs::read_dir(self.outside()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["secret"], "{}", self.level.name);
    }
}

/// Waits until a file exists, long enough for a busy machine.
pub(crate) fn wait_for(path: &Path) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !path.exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Asserts that the report says what happened.
pub(crate) fn says(execution: &Execution, words: &[&str]) {
    let lines = execution.denied.join("\n");
    assert!(words.iter().any(|word| lines.contains(word)), "{words:?} in {lines:?}; {}", execution.output);
}

/// Asserts that no process started in this ground still runs: the environment of each one names the folder.
pub(crate) fn nothing_left(ground: &Ground) {
    let mark = ground.folder.path().to_string_lossy().into_owned();
    let ours = std::process::id().to_string();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.parse::<u32>().is_err() || name == ours {
            continue;
        }
        let cwd = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        assert!(!cwd.starts_with(&mark) && !line.contains(&mark), "{name} is left: {line}");
    }
}

/// A Python interpreter, if there is one that this user may run.
pub(crate) fn python() -> Option<&'static str> {
    let found =
        ["/usr/bin/python3", "/usr/local/bin/python3"].into_iter().find(|path| Path::new(path).exists());
    if found.is_none() {
        not_tried("no python3 in the system folders");
    }
    found
}
