/*!
Coverage files that the recipe names, in any format that is read: the way to lines for languages and runners without an
adapter.
*/

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use millwright_ingest::RepoFiles;
use millwright_ingest::coverage::MAX_REPORT_BYTES;

use super::{ExecutionTrace, of_reports};
use crate::checkout_files::{matching_files, read_regular};

/// Maximum number of files that are read.
const MAX_FILES: usize = 200;

/// Reads the files that were written since `started`: an older one is of an earlier run, or the repository's own.
pub(super) fn collect(
    checkout: &Path,
    globs: &[String],
    started: SystemTime,
    repository: &RepoFiles,
) -> Option<ExecutionTrace> {
    let is_of_this_run = |path: &std::path::PathBuf| {
        let written = fs::symlink_metadata(path).and_then(|meta| meta.modified());
        written.is_ok_and(|written| written >= started)
    };
    let found = matching_files(checkout, globs).into_iter().map(|path| checkout.join(path));
    let read = |path: std::path::PathBuf| read_regular(&path, MAX_REPORT_BYTES as u64 + 1);
    of_reports(found.filter(is_of_this_run).take(MAX_FILES).filter_map(read), checkout, repository)
}
