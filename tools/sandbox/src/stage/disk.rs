/*!
The disk space that the command uses in the folders it may write: allocated blocks and inodes (an empty file takes
one inode). [`super::tree`] counts the bytes that processes write; this module finds usage that needs no writing.

A file belongs to the command if it was created since the start. An older file only grows through writing. Its
permissions, names and times can change without writing, which is not charged to the run. Only blocks beyond the
file's size, which hold extended attributes, count for a changed file. If the file's size was set without writing,
that many blocks stay hidden.

Asking the file system how full it is costs one call and happens at every sample. The folders are walked, and the
command's changes added up, only when the file system has filled by more than the limit, regardless of who filled
it. They are also walked from time to time, because others may have freed space meanwhile.
*/

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Statx, StatxFlags, fstatvfs, openat, statx};
use rustix::io::Errno;

use super::super::sys;

/// What the smallest file or folder is counted as: file systems reserve a few inodes per fixed number of bytes.
const INODE_BYTES: u64 = 4096;
const WALK_EVERY: Duration = Duration::from_secs(5);
/// Walks take at most these shares of the supervisor's time: while the disk fills up, and otherwise.
const ALARMED_SHARE: u32 = 20;
const CALM_SHARE: u32 = 100;

pub(super) struct DiskWatch {
    folders: Vec<Rc<OwnedFd>>,
    before: Vec<FileSystemFill>,
    /// Files whose change time is at or after this belong to the command.
    since: (i64, i64),
    limit: u64,
    next_alarmed: Instant,
    next_calm: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileSystemFill {
    bytes: u64,
    inodes: u64,
}

/// The result of a walk.
#[derive(Debug, Default, PartialEq, Eq)]
struct DiskUsage {
    bytes: u64,
    /// Whether there are folders that could not be read.
    hides: bool,
}

impl DiskWatch {
    /// Watches changes below `folders` from now on.
    pub(super) fn on(folders: impl Iterator<Item = PathBuf>, limit: u64) -> Self {
        let since = sys::file_time_now();
        let folders: Vec<Rc<OwnedFd>> = folders.filter_map(|folder| open_top(&folder)).collect();
        let before = folders.iter().map(|folder| fill(folder)).collect();
        let now = Instant::now();
        Self { folders, before, since, limit, next_alarmed: now, next_calm: now + WALK_EVERY }
    }

    /// Whether the command uses more than the limit.
    pub(super) fn is_passed(&mut self) -> bool {
        let is_alarmed = self.folders.iter().zip(&self.before).any(|(folder, before)| {
            let now = fill(folder);
            let (bytes, inodes) =
                (now.bytes.saturating_sub(before.bytes), now.inodes.saturating_sub(before.inodes));
            bytes.saturating_add(inodes.saturating_mul(INODE_BYTES)) > self.limit
        });
        let now = Instant::now();
        if !(is_alarmed && now >= self.next_alarmed || now >= self.next_calm) {
            return false;
        }
        let before = sys::processor_time();
        let usage = self.walk();
        let took = sys::processor_time().saturating_sub(before);
        self.next_alarmed = Instant::now() + took * ALARMED_SHARE;
        self.next_calm = Instant::now() + WALK_EVERY.max(took * CALM_SHARE);
        // A command that hides files while the disk fills up counts as over the limit.
        usage.bytes > self.limit || is_alarmed && usage.hides
    }

    fn walk(&self) -> DiskUsage {
        let mut usage = DiskUsage::default();
        let mut linked = HashSet::new();
        let mut open: Vec<(Rc<OwnedFd>, Option<CString>)> =
            self.folders.iter().map(|folder| (Rc::clone(folder), None)).collect();
        while let Some((folder, name)) = open.pop() {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let opened = openat(&*folder, name.as_deref().unwrap_or(c"."), flags, Mode::empty());
            drop(folder);
            let entries = match opened {
                Ok(opened) => Dir::read_from(&opened).map(|entries| (Rc::new(opened), entries)),
                Err(error) => Err(error),
            };
            let (folder, entries) = match entries {
                Ok(opened) => opened,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue, // gone in the meantime
                Err(_) => {
                    usage.hides = true;
                    continue;
                }
            };
            for entry in entries.flatten() {
                let name = entry.file_name();
                if name == c"." || name == c".." {
                    continue;
                }
                let Some(entry) = DiskEntry::look(&folder, name) else { continue };
                if entry.is_folder {
                    open.push((Rc::clone(&folder), Some(name.to_owned())));
                }
                let bytes = entry.bytes_of_the_command(self.since);
                if bytes > 0 && (entry.links < 2 || linked.insert(entry.id)) {
                    usage.bytes += bytes;
                }
            }
            if usage.bytes > self.limit {
                break;
            }
        }
        usage
    }
}

/// The needed metadata of a file or folder.
#[derive(Debug, Clone, Copy)]
struct DiskEntry {
    is_folder: bool,
    links: u32,
    /// Device (major, minor) and inode number.
    id: (u32, u32, u64),
    size: u64,
    block_size: u64,
    allocated: u64,
    /// Creation time; not every file system records it.
    made: Option<(i64, i64)>,
    changed: (i64, i64),
}

impl DiskEntry {
    fn look(folder: &OwnedFd, name: &CStr) -> Option<Self> {
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let stat = statx(folder, name, AtFlags::SYMLINK_NOFOLLOW, wanted).ok()?;
        Some(Self::from(&stat))
    }

    /// Neither time can be set by the command, and every allocation updates the change time.
    fn bytes_of_the_command(&self, since: (i64, i64)) -> u64 {
        if self.changed <= since {
            return 0;
        }
        let whole = INODE_BYTES.max(self.allocated);
        match self.made {
            // New names make a folder larger without any writing.
            Some(made) if made <= since && !self.is_folder => {
                self.allocated.saturating_sub(self.size.next_multiple_of(self.block_size.max(INODE_BYTES)))
            }
            _ => whole,
        }
    }
}

impl From<&Statx> for DiskEntry {
    fn from(stat: &Statx) -> Self {
        let time = |time: rustix::fs::StatxTimestamp| (time.tv_sec, i64::from(time.tv_nsec));
        let has_made = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
        Self {
            is_folder: FileType::from_raw_mode(stat.stx_mode.into()) == FileType::Directory,
            links: stat.stx_nlink,
            id: (stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino),
            size: stat.stx_size,
            block_size: stat.stx_blksize.into(),
            allocated: stat.stx_blocks.saturating_mul(512),
            made: has_made.then(|| time(stat.stx_btime)),
            changed: time(stat.stx_ctime),
        }
    }
}

fn open_top(folder: &Path) -> Option<Rc<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(folder, flags, Mode::empty()).ok().map(Rc::new)
}

/// How full the file system of a folder is.
fn fill(folder: &OwnedFd) -> FileSystemFill {
    fstatvfs(folder).map_or(FileSystemFill { bytes: 0, inodes: 0 }, |stat| FileSystemFill {
        bytes: stat.f_blocks.saturating_sub(stat.f_bfree).saturating_mul(stat.f_frsize),
        inodes: stat.f_files.saturating_sub(stat.f_ffree),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_changed_counts_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("old")).unwrap();
        fs::write(folder.path().join("old/file"), vec![1; 100_000]).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        let watch = |limit| DiskWatch::on([folder.path().to_owned()].into_iter(), limit);
        let started = watch(u64::MAX);
        assert_eq!(started.walk(), DiskUsage::default());
        std::thread::sleep(Duration::from_millis(50));
        for n in 0..10 {
            fs::write(folder.path().join(n.to_string()), "").unwrap();
        }
        fs::hard_link(folder.path().join("1"), folder.path().join("again")).unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("elsewhere")).unwrap();
        assert_eq!(started.walk().bytes, 11 * INODE_BYTES);
        fs::write(folder.path().join("old/new"), vec![1; 1_000_000]).unwrap();
        rustix::fs::sync();
        assert!(started.walk().bytes > 1_000_000);
    }

    #[test]
    fn what_was_there_before_is_not_charged_for_a_new_name_or_permission() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("old"), vec![1; 1_000_000]).unwrap();
        rustix::fs::sync();
        std::thread::sleep(Duration::from_millis(50));
        let started = DiskWatch::on([folder.path().to_owned()].into_iter(), u64::MAX);
        std::thread::sleep(Duration::from_millis(50));
        fs::set_permissions(at("old"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::hard_link(at("old"), at("again")).unwrap();
        let seen = DiskEntry::look(&started.folders[0], c"old").unwrap();
        assert!(seen.changed > started.since && seen.links == 2, "{seen:?}");
        if seen.made.is_none() {
            return; // this file system does not record creation times
        }
        assert_eq!(started.walk().bytes, 0);
    }

    #[test]
    fn a_file_is_charged_by_when_it_was_made() {
        let entry = |made, changed, is_folder, size, allocated| {
            let id = (0, 0, 0);
            DiskEntry { is_folder, links: 1, id, size, block_size: 512, allocated, made, changed }
                .bytes_of_the_command((10, 0))
        };
        let (before, after) = ((9, 0), (10, 1));
        assert_eq!(entry(Some(after), after, false, 0, 0), INODE_BYTES);
        assert_eq!(entry(Some(after), after, false, 100_000, 102_400), 102_400);
        assert_eq!(entry(Some(before), before, false, 100_000, 102_400), 0);
        assert_eq!(entry(Some(before), after, false, 100_000, 102_400), 0);
        assert_eq!(entry(Some(before), after, false, 100, 4096 + 65_536), 65_536, "extended attributes");
        assert_eq!(entry(Some(before), after, true, 1 << 20, 1 << 20), 1 << 20, "many new names");
        assert_eq!(entry(None, after, false, 100_000, 102_400), 102_400, "only the time of change is known");
    }
}
