/*!
Files and folders that are for their owner alone: tickets, code and the keys that sign links lie in them.
*/

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

const OF_OTHERS: u32 = 0o077;

/// Makes a folder, and those above it, for its owner alone. One that is there stays as it is.
///
/// # Errors
/// When it cannot be made.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Takes what others may do with a file or folder away. What is somebody else's may be used, but is not ours to change; it
/// stays, with a warning.
///
/// # Errors
/// When it cannot be looked at.
pub fn tighten(path: &Path) -> io::Result<()> {
    let rights = fs::metadata(path)?.permissions();
    if rights.mode() & OF_OTHERS == 0 {
        return Ok(());
    }
    let tight = Permissions::from_mode(rights.mode() & !OF_OTHERS);
    if let Err(error) = fs::set_permissions(path, tight) {
        tracing::warn!(path = %path.display(), %error, "others may read this, which cannot be changed");
    }
    Ok(())
}
