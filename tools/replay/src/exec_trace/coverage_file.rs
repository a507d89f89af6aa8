/*!
Coverage files that the recipe names, in any format that is read: the way to lines for languages and runners without an
adapter.
*/

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use millwright_ingest::RepoFiles;
use millwright_ingest::coverage::{MAX_REPORT_BYTES, read_coverage};

use super::folder::read_bounded;
use super::{ExecutionTrace, TracePrecision, of_report};

/// A larger script is a bundle.
const MAX_SCRIPT_BYTES: u64 = 4 << 20;
/// Maximum number of files, and of folders that are looked through.
const MAX_FILES: usize = 200;
const MAX_FOLDERS: usize = 20_000;

/// Reads the files that were written since `started`: an older one is of an earlier run, or the repository's own.
pub(super) fn collect(
    checkout: &Path,
    globs: &[String],
    started: SystemTime,
    repository: &RepoFiles,
) -> Option<ExecutionTrace> {
    let mut whole = ExecutionTrace::empty(TracePrecision::Lines);
    for path in found(checkout, globs) {
        let written = fs::symlink_metadata(&path).and_then(|meta| meta.modified());
        if written.is_ok_and(|written| written < started) {
            continue;
        }
        let Some(content) = read_bounded(&path, MAX_REPORT_BYTES as u64 + 1) else { continue };
        match read_coverage(&content, &mut |script| {
            String::from_utf8(read_bounded(&inside(checkout, script)?, MAX_SCRIPT_BYTES)?).ok()
        }) {
            Ok(report) => whole.extend(of_report(report, checkout, repository)),
            Err(error) => tracing::warn!(file = %path.display(), %error, "a coverage file cannot be read"),
        }
    }
    whole.if_any()
}

/// A script's path when it lies in the checkout, also after its links are followed.
fn inside(checkout: &Path, script: &str) -> Option<PathBuf> {
    let path = Path::new(script).canonicalize().ok()?;
    path.starts_with(checkout.canonicalize().ok()?).then_some(path)
}

/// The files that the globs match; folders that are links are not entered.
fn found(checkout: &Path, globs: &[String]) -> Vec<PathBuf> {
    let Some(globs) = compiled(globs) else { return Vec::new() };
    let (mut folders, mut files) = (vec![checkout.to_owned()], Vec::new());
    let mut looked = 0;
    while let Some(folder) = folders.pop() {
        looked += 1;
        if looked > MAX_FOLDERS {
            break;
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && path.strip_prefix(checkout).is_ok_and(|inside| globs.is_match(inside))
                && files.len() < MAX_FILES
            {
                files.push(path);
            }
        }
    }
    files
}

fn compiled(globs: &[String]) -> Option<GlobSet> {
    if globs.is_empty() {
        return None;
    }
    let mut set = GlobSetBuilder::new();
    globs
        .iter()
        .filter_map(|glob| {
            GlobBuilder::new(glob.trim_start_matches("./")).literal_separator(true).build().ok()
        })
        .for_each(|glob| {
            set.add(glob);
        });
    set.build().ok()
}
