/*!
Runs that are observed instead of judged: the project's tests, whose whole output is read as it arrives, and inputs
around the replay's own, whose output, exit status and written files are compared. They are not replays of the
incident, so the ledger does not list them.
*/

use millwright_model::CommitId;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use millwright_git::checkout::{CheckoutChange, CheckoutError, CheckoutSlot};
use millwright_sandbox::{Execution, SandboxError};
use sha2::{Digest, Sha256};

use super::checkout_files::{matching_files, read_whole};
use super::recipe::LaidFile;
use super::replayer::{ReplayError, Replayer};

/// Maximum number of files written by a run; if there are more, none is compared.
const MAX_WRITTEN: usize = 200;
/// Maximum size of one report file.
const MAX_COLLECTED_BYTES: u64 = 64 << 20;
const MAX_COLLECTED_FILES: usize = 2_000;

/// What to collect from an execution besides its output.
#[derive(Debug, Clone, Copy, Default)]
pub struct ObservationRequest<'a> {
    /// Globs of files to read after the run, below the checkout: reports of test runners.
    pub collect: &'a [String],
    /// Whether to report which files the run wrote.
    pub written: bool,
    /// Whether to report which files of the checkout the run opened.
    pub opened: bool,
    /// Files to write into the checkout after its set-up; varying them does not repeat the set-up.
    pub late: &'a [LaidFile],
}

/// Observations of one execution.
#[derive(Debug)]
pub struct ReplayObservation {
    pub execution: Execution,
    /// The set-up step that failed, so that the command did not run.
    pub failed_step: Option<String>,
    /// Path and digest of each file that the run made or changed, sorted.
    pub written: Vec<(PathBuf, String)>,
    /// Name and content of the requested files.
    pub collected: Vec<(String, Vec<u8>)>,
    /// Files of the checkout that were opened, relative to it.
    pub opened: Vec<PathBuf>,
}

impl Replayer {
    /// Runs the recipe at `commit` with `change` and returns what was observed. `observer` receives the whole output
    /// as it arrives, and the path of the checkout.
    ///
    /// # Errors
    /// Fails when the commit cannot be checked out or no sandbox is available. The inner error concerns this
    /// execution only.
    pub fn observe(
        &self,
        commit: &CommitId,
        change: Option<&CheckoutChange>,
        request: ObservationRequest<'_>,
        observer: &mut dyn FnMut(&Path, &[u8]),
    ) -> Result<Result<ReplayObservation, SandboxError>, ReplayError> {
        if self.cancel.is_cancelled() {
            return Err(ReplayError::Cancelled);
        }
        let composed = self.compose(commit, change)?;
        let mut slot = self.pool.acquire()?;
        slot.switch(&composed.tree)?;
        let failed = |execution, step| ReplayObservation {
            execution,
            failed_step: Some(step),
            written: Vec::new(),
            collected: Vec::new(),
            opened: Vec::new(),
        };
        if let Err((step, execution)) = self.set_up(&mut slot, &composed.tree)? {
            return Ok(Ok(failed(execution, step)));
        }
        let checkout = slot.hand_out();
        write_late(&checkout, request.late)?;
        let before = if request.written { written_files(&slot)? } else { Vec::new() };
        let mut command = self.command(&self.recipe.command, &checkout);
        if request.opened {
            command.record_opened_under = Some(checkout.clone());
        }
        let execution = match self.execute_command(&command, &mut |bytes| observer(&checkout, bytes))? {
            Ok(execution) => execution,
            Err(error) => return Ok(Err(error)),
        };
        let mut written = if request.written { written_files(&slot)? } else { Vec::new() };
        written.retain(|file| before.binary_search(file).is_err());
        let opened = execution
            .opened
            .iter()
            .map(|path| path.strip_prefix(&checkout).unwrap_or(path).to_owned())
            .collect();
        Ok(Ok(ReplayObservation {
            failed_step: None,
            written,
            collected: collect(&checkout, request.collect),
            opened,
            execution,
        }))
    }
}

/// Writes files into a checkout. Its content is hostile: no folder in a path may be a symbolic link.
fn write_late(checkout: &Path, files: &[LaidFile]) -> Result<(), ReplayError> {
    for file in files {
        let bad_path = || CheckoutError::BadPath { path: file.path.chars().take(200).collect() };
        let bytes = file.bytes().ok_or_else(bad_path)?;
        let mut there = checkout.to_owned();
        let parts: Vec<&str> = file.path.split('/').collect();
        if parts.iter().any(|part| matches!(*part, "" | "." | "..") || part.contains('\0')) {
            return Err(bad_path().into());
        }
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| CheckoutError::Io { action: "writing", path, source }
        };
        for (at, part) in parts.iter().enumerate() {
            there.push(part);
            let kind = fs::symlink_metadata(&there).ok();
            let is_last = at + 1 == parts.len();
            match kind {
                Some(kind) if kind.is_dir() && !is_last => {}
                Some(kind) if kind.is_file() && is_last => {}
                Some(kind) if kind.is_symlink() => {
                    fs::remove_file(&there).map_err(io(&there))?;
                    if !is_last {
                        fs::create_dir(&there).map_err(io(&there))?;
                    }
                }
                Some(_) => return Err(bad_path().into()),
                None if is_last => {}
                None => fs::create_dir(&there).map_err(io(&there))?,
            }
        }
        let mode = if file.executable { 0o755 } else { 0o644 };
        fs::write(&there, bytes).map_err(io(&there))?;
        fs::set_permissions(&there, fs::Permissions::from_mode(mode)).map_err(io(&there))?;
    }
    Ok(())
}

/// Whether tools made the file as a by-product (caches, build products), not the program itself.
fn is_by_product(path: &Path) -> bool {
    const FOLDERS: [&str; 10] = [
        "__pycache__",
        ".pytest_cache",
        "node_modules",
        "target",
        ".gradle",
        ".cache",
        "CMakeFiles",
        ".nyc_output",
        ".mypy_cache",
        ".tox",
    ];
    const ENDINGS: [&str; 8] = ["pyc", "o", "a", "so", "class", "d", "gcno", "log"];
    path.components().any(|part| part.as_os_str().to_str().is_some_and(|part| FOLDERS.contains(&part)))
        || path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| ENDINGS.contains(&ending))
}

/// Files that differ from the clean checkout, each with a digest, sorted and bounded.
fn written_files(slot: &CheckoutSlot) -> Result<Vec<(PathBuf, String)>, ReplayError> {
    let checkout = slot.path();
    let leftovers = slot.leftovers()?;
    let mut todo: Vec<PathBuf> = leftovers.changed.into_iter().chain(leftovers.new).collect();
    let mut out = Vec::new();
    while let Some(path) = todo.pop() {
        // Folders are read in no fixed order, so a part of many files would differ between runs.
        if out.len() >= MAX_WRITTEN {
            return Ok(vec![(PathBuf::from("…"), "too many to compare".to_owned())]);
        }
        if is_by_product(&path) {
            continue;
        }
        let there = checkout.join(&path);
        let Ok(metadata) = fs::symlink_metadata(&there) else {
            out.push((path, "removed".to_owned()));
            continue;
        };
        if metadata.is_dir() {
            for child in fs::read_dir(&there).into_iter().flatten().flatten() {
                todo.push(path.join(child.file_name()));
            }
        } else if metadata.is_file() && metadata.len() <= MAX_COLLECTED_BYTES {
            let content = fs::read(&there).unwrap_or_default();
            // Skip binary files: compiler output differs whenever the code differs.
            if memchr::memchr(0, content.get(..8_000).unwrap_or(&content)).is_none() {
                out.push((path, hex::encode(Sha256::digest(content))));
            }
        } else {
            out.push((path, format!("{} bytes", metadata.len())));
        }
    }
    out.sort();
    Ok(out)
}

/// The files below `checkout` that match one of the globs, bounded; larger ones are left out.
fn collect(checkout: &Path, globs: &[String]) -> Vec<(String, Vec<u8>)> {
    let read = |path: PathBuf| {
        let content = read_whole(&checkout.join(&path), MAX_COLLECTED_BYTES)?;
        Some((path.to_string_lossy().into_owned(), content))
    };
    matching_files(checkout, globs).into_iter().filter_map(read).take(MAX_COLLECTED_FILES).collect()
}
