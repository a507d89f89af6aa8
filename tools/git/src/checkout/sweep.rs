/*!
Removes what an earlier run left in a work tree. Git's own `clean` is not enough: it spares anything named `.git`,
and a run that removes permissions defeats it. Symbolic links are never followed. A tracked folder or file that
became something else is removed, so that git then writes only below real folders.
*/

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The type of entry a tree has at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TrackedEntry {
    File,
    Folder,
}

/// The tracked paths of a work tree, including folders.
#[derive(Debug, Default)]
pub(super) struct TrackedPaths {
    paths: HashMap<Vec<u8>, TrackedEntry>,
    /// Paths of submodules, whose folders stay empty.
    pub(super) submodules: Vec<String>,
}

impl TrackedPaths {
    /// From `git ls-files -s -z`.
    pub(super) fn parse(listing: &[u8]) -> Self {
        let mut manifest = Self::default();
        for record in listing.split(|byte| *byte == 0) {
            let Some(tab) = record.iter().position(|byte| *byte == b'\t') else { continue };
            let (head, path) = (&record[..tab], &record[tab + 1..]);
            let submodule = head.starts_with(b"160000");
            if submodule {
                manifest.submodules.push(String::from_utf8_lossy(path).into_owned());
            }
            let kind = if submodule { TrackedEntry::Folder } else { TrackedEntry::File };
            manifest.paths.insert(path.to_vec(), kind);
            let mut rest = path;
            while let Some(slash) = rest.iter().rposition(|byte| *byte == b'/') {
                rest = &rest[..slash];
                if manifest.paths.insert(rest.to_vec(), TrackedEntry::Folder).is_some() {
                    break;
                }
            }
        }
        manifest
    }

    pub(super) fn is_tracked(&self, path: &[u8]) -> bool {
        self.paths.contains_key(path)
    }
}

/// Paths (relative to `root`) of everything that is untracked or has another type than the tracked one. An
/// untracked folder is returned without its contents.
pub(super) fn untracked(root: &Path, manifest: &TrackedPaths) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![Vec::new()];
    while let Some(folder) = folders.pop() {
        let path = root.join(OsStr::from_bytes(&folder));
        make_accessible(&path)?;
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let mut relative = folder.clone();
            if !relative.is_empty() {
                relative.push(b'/');
            }
            relative.extend_from_slice(entry.file_name().as_bytes());
            let odd = kind.is_fifo() || kind.is_socket() || kind.is_char_device() || kind.is_block_device();
            match manifest.paths.get(&relative) {
                Some(TrackedEntry::Folder) if kind.is_dir() => folders.push(relative),
                Some(TrackedEntry::File) if !kind.is_dir() && !odd => {}
                _ => found.push(PathBuf::from(OsStr::from_bytes(&relative))),
            }
        }
    }
    Ok(found)
}

/// Removes a file, link or complete folder, even if permissions were removed. A missing path is not an error.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.is_dir() {
        return fs::remove_file(path);
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let mut folders = vec![path.to_owned()];
            while let Some(folder) = folders.pop() {
                make_accessible(&folder)?;
                for entry in fs::read_dir(&folder)? {
                    let entry = entry?;
                    if entry.file_type()?.is_dir() {
                        folders.push(entry.path());
                    }
                }
            }
            fs::remove_dir_all(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn make_accessible(folder: &Path) -> io::Result<()> {
    let mode = fs::symlink_metadata(folder)?.permissions().mode();
    if mode & 0o700 != 0o700 {
        fs::set_permissions(folder, fs::Permissions::from_mode(mode & 0o7777 | 0o700))?;
    }
    Ok(())
}
