/*!
Files that a run left in a checkout, found by globs and read within bounds. The run can write anything there, so links are
not followed, and nothing but a regular file is opened.
*/

use std::fs;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Maximum number of folders that are looked through.
const MAX_FOLDERS: usize = 100_000;
/// Maximum number of files that match.
const MAX_FILES: usize = 10_000;

/// The files below `checkout` that match one of the globs, relative to it and sorted. Packages of node are looked through
/// only for a glob that names their folder.
pub(crate) fn matching_files(checkout: &Path, globs: &[String]) -> Vec<PathBuf> {
    let Some(set) = compiled(globs) else { return Vec::new() };
    let is_passed_over = |name: &str| {
        name == ".git" || (name == "node_modules" && !globs.iter().any(|glob| glob.contains(name)))
    };
    let (mut found, mut folders, mut looked) = (Vec::new(), vec![PathBuf::new()], 0);
    while let Some(folder) = folders.pop() {
        looked += 1;
        if looked > MAX_FOLDERS || found.len() >= MAX_FILES {
            tracing::warn!(checkout = %checkout.display(), "there are too many folders or files; some are not looked through");
            break;
        }
        for entry in fs::read_dir(checkout.join(&folder)).into_iter().flatten().flatten() {
            let path = folder.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !entry.file_name().to_str().is_some_and(is_passed_over) => {
                    folders.push(path);
                }
                Ok(kind) if kind.is_file() && set.is_match(&path) => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

fn compiled(globs: &[String]) -> Option<GlobSet> {
    if globs.is_empty() {
        return None;
    }
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let glob = glob.trim_start_matches("./");
        if let Ok(glob) = GlobBuilder::new(glob).literal_separator(true).build() {
            set.add(glob);
        }
    }
    set.build().ok()
}

/// The content of a regular file of at most `most` bytes; `None` for anything else.
pub(crate) fn read_whole(path: &Path, most: u64) -> Option<Vec<u8>> {
    read_regular(path, most.saturating_add(1)).filter(|content| content.len() as u64 <= most)
}

/// The content of a regular file, up to `most` bytes; `None` for anything else.
pub(crate) fn read_regular(path: &Path, most: u64) -> Option<Vec<u8>> {
    let no_follow = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = fs::OpenOptions::new().read(true).custom_flags(no_follow).open(path).ok()?;
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        return None;
    }
    let mut content = Vec::new();
    file.take(most).read_to_end(&mut content).ok()?;
    Some(content)
}
