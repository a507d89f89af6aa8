/*!
Finds the git directory for a path and reads the few facts that we need about it from its files. libgit2 and git
would read the repository's configuration and its includes, and that configuration may be hostile or belong to
another user. Supports work trees, linked worktrees, submodules and bare repositories.
*/

use std::fs;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The two git folders of a repository. They differ in a linked worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocatedRepository {
    /// Holds `HEAD`.
    pub(super) git_dir: PathBuf,
    /// Holds objects, refs and configuration.
    pub(super) common_dir: PathBuf,
}

/// What the configuration says about the format on disk.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DiskFormat {
    /// `sha1` when absent.
    pub(super) object_format: Option<String>,
    /// `files` when absent.
    pub(super) ref_storage: Option<String>,
}

/// The repository at `path` or in a folder above it, by git's rules.
pub(super) fn locate(path: &Path) -> Option<LocatedRepository> {
    let path = fs::canonicalize(path).ok()?;
    path.ancestors().find_map(|folder| {
        let dot_git = folder.join(".git");
        if dot_git.is_dir() {
            as_git_dir(&dot_git)
        } else if dot_git.is_file() {
            as_git_dir(&folder.join(pointed_at(&dot_git)?))
        } else {
            as_git_dir(folder)
        }
    })
}

/// The content of a regular file, at most `max` bytes. Other file types are rejected: reading a pipe would block
/// for ever.
pub(super) fn read_small(path: &Path, max: u64) -> Option<Vec<u8>> {
    // Open without blocking and check the type of the open file: another process may replace the path at any
    // moment.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = fs::File::options().read(true).custom_flags(flags).open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut content = Vec::new();
    file.take(max).read_to_end(&mut content).ok()?;
    Some(content)
}

/// Reads `extensions.*` of the repository's own configuration file; includes are not followed.
pub(super) fn format(common_dir: &Path) -> DiskFormat {
    let config = read_small(&common_dir.join("config"), 1 << 20).unwrap_or_default();
    let mut format = DiskFormat::default();
    let mut in_extensions = false;
    for line in String::from_utf8_lossy(&config).lines() {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            in_extensions =
                section.split(']').next().is_some_and(|s| s.trim().eq_ignore_ascii_case("extensions"));
        } else if in_extensions && let Some((key, value)) = line.split_once('=') {
            let value = value.split(['#', ';']).next().unwrap_or_default().trim().trim_matches('"');
            match key.trim().to_ascii_lowercase().as_str() {
                "objectformat" => format.object_format = Some(value.to_ascii_lowercase()),
                "refstorage" => format.ref_storage = Some(value.to_ascii_lowercase()),
                _ => {}
            }
        }
    }
    format
}

/// All object folders that the repository reads from, its own first. Alternates may name further alternates.
pub(super) fn object_folders(common_dir: &Path) -> Vec<PathBuf> {
    /// Git follows five levels of alternates; more folders than this are a mistake or an attack.
    const MOST: usize = 64;
    let mut found: Vec<PathBuf> = Vec::new();
    let mut queue = std::collections::VecDeque::from([common_dir.join("objects")]);
    while let Some(folder) = queue.pop_front() {
        let Ok(folder) = fs::canonicalize(&folder) else {
            tracing::warn!(git.alternate = %folder.display(), "an alternate object folder is missing");
            continue;
        };
        if found.contains(&folder) || found.len() >= MOST {
            continue;
        }
        let listed = read_small(&folder.join("info/alternates"), 1 << 20).unwrap_or_default();
        for line in listed.split(|byte| *byte == b'\n') {
            if !line.is_empty() && !line.starts_with(b"#") {
                queue.push_back(folder.join(bytes_to_path(line)));
            }
        }
        found.push(folder);
    }
    found
}

/// Whether any pack is marked as a promisor pack, which means that some objects exist only at a remote.
pub(super) fn has_promisor_packs(common_dir: &Path) -> bool {
    let Ok(packs) = fs::read_dir(common_dir.join("objects/pack")) else { return false };
    packs.flatten().any(|entry| entry.path().extension().is_some_and(|ext| ext == "promisor"))
}

fn as_git_dir(dir: &Path) -> Option<LocatedRepository> {
    let git_dir = fs::canonicalize(dir).ok()?;
    let common_dir = match read_small(&git_dir.join("commondir"), 4096) {
        Some(content) => fs::canonicalize(git_dir.join(bytes_to_path(content.trim_ascii()))).ok()?,
        None => git_dir.clone(),
    };
    let has_head = fs::symlink_metadata(git_dir.join("HEAD")).is_ok();
    (has_head && common_dir.join("objects").is_dir() && common_dir.join("refs").is_dir())
        .then_some(LocatedRepository { git_dir, common_dir })
}

/// The target of a `.git` file: `gitdir: ../.git/modules/lib`.
fn pointed_at(file: &Path) -> Option<PathBuf> {
    let content = read_small(file, 4096)?;
    Some(bytes_to_path(content.strip_prefix(b"gitdir:")?.trim_ascii()))
}

fn bytes_to_path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}
