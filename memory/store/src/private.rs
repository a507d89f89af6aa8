/*!
Files and folders that only their owner may read: they contain tickets, code and the keys that sign links.
*/

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

const OF_OTHERS: u32 = 0o077;

/// Creates a folder, and missing parents, for its owner alone. An existing folder is not changed.
///
/// # Errors
/// When it cannot be created.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Removes the access of others to a file or folder. A file of another owner may be used but is not changed; this
/// logs a warning.
///
/// # Errors
/// When it cannot be inspected.
pub fn tighten(path: &Path) -> io::Result<()> {
    let rights = fs::metadata(path)?.permissions();
    if rights.mode() & OF_OTHERS == 0 {
        return Ok(());
    }
    let tight = Permissions::from_mode(rights.mode() & !OF_OTHERS);
    if let Err(error) = fs::set_permissions(path, tight) {
        tracing::warn!(path = %path.display(), %error, "other users may read this, and its permissions cannot be changed");
    }
    Ok(())
}
