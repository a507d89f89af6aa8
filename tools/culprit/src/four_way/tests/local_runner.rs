/*!
Runs inputs as plain processes in temporary folders. For planted cases only, never for a repository's code.
*/

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::super::{ExecutionEnding, FourWayObservation, FourWaySide, InputVariant, SideRunner};
use super::Files;

static NUMBER: AtomicUsize = AtomicUsize::new(0);

pub(super) struct LocalRunner {
    sides: [Files; 4],
    root: PathBuf,
}

impl LocalRunner {
    pub(super) fn new(sides: [&Files; 4]) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("fourway-{}-{number}", std::process::id()));
        Self { sides: sides.map(Clone::clone), root }
    }

    pub(super) fn status(&mut self, side: FourWaySide, command: &str, files: &Files) -> i32 {
        let seen = self.execute(side, command, &BTreeMap::new(), files);
        match seen.ending {
            ExecutionEnding::Status(status) | ExecutionEnding::Signal(status) => status,
            _ => -1,
        }
    }

    fn execute(
        &mut self,
        side: FourWaySide,
        command: &str,
        env: &BTreeMap<String, String>,
        files: &Files,
    ) -> FourWayObservation {
        let at = match side {
            FourWaySide::Parent => 0,
            FourWaySide::Culprit => 1,
            FourWaySide::Bad => 2,
            FourWaySide::Fixed => 3,
        };
        let folder = self.root.join(at.to_string());
        let _ = std::fs::remove_dir_all(&folder);
        let mut laid = self.sides[at].clone();
        laid.extend(files.clone());
        for (path, text) in &laid {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        std::fs::create_dir_all(&folder).unwrap();
        let output = self.root.join("output");
        let file = std::fs::File::create(&output).unwrap();
        let mut child = Command::new("sh")
            .args(["-c", command])
            .current_dir(&folder)
            .envs(env)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PATH", path())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        let started = Instant::now();
        let ending = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status
                    .code()
                    .map_or(ExecutionEnding::Signal(status.signal().unwrap_or(0)), ExecutionEnding::Status);
            }
            if started.elapsed() > Duration::from_secs(5) {
                let _ = child.kill();
                let _ = child.wait();
                break ExecutionEnding::TimedOut;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let mut written = BTreeMap::new();
        digest(&folder, &folder, &laid, &mut written);
        let output = String::from_utf8_lossy(&std::fs::read(output).unwrap()).into_owned();
        FourWayObservation { output, ending, files: written }
    }
}

/// A `PATH` that finds the interpreter itself before its shims, which take longer than the planted programs.
fn path() -> &'static str {
    static PATH: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    PATH.get_or_init(|| {
        let own = Command::new("python3")
            .args(["-c", "import os, sys; print(os.path.dirname(sys.executable))"])
            .output();
        let folder =
            own.map(|own| String::from_utf8_lossy(&own.stdout).trim().to_owned()).unwrap_or_default();
        format!("{folder}:{}", std::env::var("PATH").unwrap_or_default())
    })
}

/// Collects new and changed files; built programs are not compared.
fn digest(root: &Path, folder: &Path, laid: &Files, written: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            digest(root, &path, laid, written);
            continue;
        }
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap_or_default();
        if bytes.starts_with(b"\x7fELF") || laid.get(&name).is_some_and(|text| text.as_bytes() == bytes) {
            continue;
        }
        written.insert(name, String::from_utf8_lossy(&bytes).chars().take(200).collect());
    }
}

impl Drop for LocalRunner {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

impl SideRunner for LocalRunner {
    fn run(&mut self, side: FourWaySide, input: &InputVariant) -> Result<FourWayObservation, String> {
        Ok(self.execute(side, &input.command, &input.env, &input.files))
    }

    fn roots(&self) -> Vec<String> {
        (0..4).map(|side| self.root.join(side.to_string()).to_string_lossy().into_owned()).collect()
    }
}

/// `diff -u` of two revisions.
pub(super) fn revision_diff(from: &Files, to: &Files) -> String {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("fourway-diff-{}-{number}", std::process::id()));
    for (name, files) in [("a", from), ("b", to)] {
        for (path, text) in files {
            let path = folder.join(name).join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
    let output = Command::new("diff").args(["-urN", "a", "b"]).current_dir(&folder).output().unwrap();
    let _ = std::fs::remove_dir_all(&folder);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
