/*!
The folder that the tracers of one run share: what they install, and what they wrote. The run can write there as well, so
sizes and kinds of files are bounded.
*/

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{collections::BTreeMap, io};

use crate::checkout_files::read_whole;

/// Maximum number of bytes that are read of one adapter's output.
const MAX_TRACE_BYTES: u64 = 64 << 20;
const MAX_TRACE_FILES: usize = 512;

/// Where one adapter works.
pub(super) struct TraceFolder<'t> {
    /// What the adapter installs; the run can read it.
    pub(super) installed: PathBuf,
    /// What the adapter's programs write; the run can write it.
    pub(super) out: PathBuf,
    /// Wrappers of programs; first in the run's `PATH`.
    pub(super) bin: PathBuf,
    pub(super) checkout: &'t Path,
    /// A file that is older than everything that the run writes.
    pub(super) marker: &'t Path,
    /// The environment of the recipe.
    pub(super) env: &'t BTreeMap<String, String>,
}

impl TraceFolder<'_> {
    /// A setting that takes one value: the recipe's own stays.
    pub(super) fn unless_own(&self, key: &str, ours: String) -> BTreeMap<String, String> {
        if self.env.contains_key(key) { BTreeMap::new() } else { [(key.to_owned(), ours)].into() }
    }

    /// A setting that takes several values, divided by `separator`: ours before the recipe's own.
    pub(super) fn with_own(&self, key: &str, ours: &str, separator: char) -> (String, String) {
        let own = self.env.get(key).map(|own| format!("{separator}{own}")).unwrap_or_default();
        (key.to_owned(), format!("{ours}{own}"))
    }
}

/// The contents of the files of a folder, up to the bounds. Links are not followed, also not one in place of the folder.
pub(super) fn read_files(folder: &Path) -> Vec<Vec<u8>> {
    read_named_files(folder).into_iter().map(|(_, content)| content).collect()
}

/// The same with the files' names.
pub(super) fn read_named_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut budget = MAX_TRACE_BYTES;
    let mut contents = Vec::new();
    if !fs::symlink_metadata(folder).is_ok_and(|meta| meta.is_dir()) {
        return contents;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().take(MAX_TRACE_FILES) {
        // One that does not fit is left out: cut, it could not be read anyway.
        if let Some(content) = read_whole(&entry.path(), budget) {
            budget = budget.saturating_sub(content.len() as u64);
            contents.push((entry.file_name().to_string_lossy().into_owned(), content));
        }
    }
    contents
}

/// The text of a script that ran, for coverage that counts characters; `None` unless it is the repository's own. `root` is
/// the checkout without links in its path, because the run may have put a link in place of a folder.
pub(super) fn script_text(root: &Path, script: &str) -> Option<String> {
    /// Larger scripts are bundles, whose lines say nothing about the repository.
    const MAX_SCRIPT_BYTES: u64 = 4 << 20;
    let path = Path::new(script).canonicalize().ok()?;
    let is_own = !path.strip_prefix(root).ok()?.iter().any(|part| part == "node_modules");
    let text = is_own.then(|| read_whole(&path, MAX_SCRIPT_BYTES)).flatten()?;
    String::from_utf8(text).ok()
}

/// A shell script that can be executed.
pub(super) fn write_script(path: &Path, script: &str) -> io::Result<()> {
    fs::write(path, script)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// A text as one word of the shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
