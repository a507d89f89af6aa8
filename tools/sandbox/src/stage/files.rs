/*!
Changes permissions and times of files on behalf of a command in the reduced sandbox, within the folders it may
write. Landlock lets a process change those of every file its user owns. So the command's calls are intercepted,
and the supervisor performs them after checking which file they really reach. It opens the file first and works on
the open file, so nothing the command does in the meantime can redirect the call.
*/

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{FchmodatFlags, Mode, UtimensatFlags, fchmodat, utimensat};
use nix::sys::time::TimeSpec;

const MAX_PATH_BYTES: usize = 4096;

/// What a call's file argument refers to.
pub(super) enum FileTarget {
    /// A descriptor of the process.
    Descriptor(i32),
    /// A path at an address in the process's memory, relative to a descriptor or the working folder.
    Path { folder: i32, address: u64, follow: bool },
}

/// The file a process refers to, opened without any access to its content.
pub(super) struct MeantFile {
    file: OwnedFd,
    path: PathBuf,
}

impl MeantFile {
    pub(super) fn open(pid: i32, target: &FileTarget) -> nix::Result<Self> {
        let file = match *target {
            FileTarget::Descriptor(number) => open(
                format!("/proc/{pid}/fd/{number}").as_str(),
                OFlag::O_PATH | OFlag::O_CLOEXEC,
                Mode::empty(),
            )?,
            FileTarget::Path { folder, address, follow } => {
                let path = as_meant_by(pid, read_path(pid, address)?);
                let start = match folder {
                    libc::AT_FDCWD => format!("/proc/{pid}/cwd"),
                    number => format!("/proc/{pid}/fd/{number}"),
                };
                if path.as_os_str().is_empty() {
                    // An empty path means the descriptor itself, if the call allows it.
                    open(start.as_str(), OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?
                } else {
                    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
                    let flags = if follow { flags } else { flags | OFlag::O_NOFOLLOW };
                    if path.is_absolute() {
                        open(&path, flags, Mode::empty())?
                    } else {
                        let start = open(start.as_str(), OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
                        openat(start.as_fd(), &path, flags, Mode::empty())?
                    }
                }
            }
        };
        let path = fs::read_link(own_entry(&file)).map_err(|_| nix::Error::ENOENT)?;
        Ok(Self { file, path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_below(&self, folders: &[PathBuf]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }

    pub(super) fn change_mode(&self, mode: u32) -> nix::Result<()> {
        let mode = Mode::from_bits_truncate(mode);
        fchmodat(rustix::fs::CWD, own_entry(&self.file).as_str(), mode, FchmodatFlags::FollowSymlink)
    }

    pub(super) fn change_times(&self, accessed: TimeSpec, modified: TimeSpec) -> nix::Result<()> {
        let entry = own_entry(&self.file);
        utimensat(rustix::fs::CWD, entry.as_str(), &accessed, &modified, UtimensatFlags::FollowSymlink)
    }
}

/// Translates names that mean the process itself, so that they work from another process. To change the mode of a
/// file without following links, the C library uses the `/proc` name of its own descriptor.
fn as_meant_by(pid: i32, path: PathBuf) -> PathBuf {
    let own = |prefix: &str, below: &str| {
        path.strip_prefix(prefix)
            .ok()
            .map(|rest| Path::new("/proc").join(pid.to_string()).join(below).join(rest))
    };
    let found =
        own("/proc/self", "").or_else(|| own("/proc/thread-self", "")).or_else(|| own("/dev/fd", "fd"));
    found.unwrap_or(path)
}

/// The path named by a socket address in a process's memory, if it names one.
pub(super) fn socket_path(pid: i32, address: u64) -> Option<PathBuf> {
    let mut family = [0; 2];
    memory(pid).ok()?.read_exact_at(&mut family, address).ok()?;
    let is_unix = i32::from(u16::from_ne_bytes(family)) == libc::AF_UNIX;
    is_unix.then(|| read_path(pid, address.checked_add(2)?).ok()).flatten()
}

/// Times at an address: pairs of seconds and a fraction; the current time if the address is null.
pub(super) fn read_times(pid: i32, address: u64, unit: TimeFraction) -> nix::Result<(TimeSpec, TimeSpec)> {
    let now = TimeSpec::UTIME_NOW;
    if address == 0 {
        return Ok((now, now));
    }
    let mut raw = [0; 32];
    let bytes =
        raw.get_mut(..if matches!(unit, TimeFraction::None) { 16 } else { 32 }).ok_or(nix::Error::EFAULT)?;
    memory(pid).and_then(|memory| memory.read_exact_at(bytes, address)).map_err(|_| nix::Error::EFAULT)?;
    let number = |at: usize| {
        let bytes = raw.get(at * 8..at * 8 + 8).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, i64::from_ne_bytes)
    };
    Ok(match unit {
        TimeFraction::Nanoseconds => {
            (TimeSpec::new(number(0), number(1)), TimeSpec::new(number(2), number(3)))
        }
        TimeFraction::Microseconds => (
            TimeSpec::new(number(0), number(1).saturating_mul(1000)),
            TimeSpec::new(number(2), number(3).saturating_mul(1000)),
        ),
        TimeFraction::None => (TimeSpec::new(number(0), 0), TimeSpec::new(number(1), 0)),
    })
}

/// The unit of the fraction in a call's times.
#[derive(Clone, Copy)]
pub(super) enum TimeFraction {
    Nanoseconds,
    Microseconds,
    None,
}

fn own_entry(file: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

fn memory(pid: i32) -> io::Result<fs::File> {
    fs::File::open(format!("/proc/{pid}/mem"))
}

fn read_path(pid: i32, address: u64) -> nix::Result<PathBuf> {
    let memory = memory(pid).map_err(|_| nix::Error::EFAULT)?;
    let mut path = Vec::new();
    // Read page by page: a path may end right before unmapped memory.
    while path.len() < MAX_PATH_BYTES {
        let at = address.checked_add(path.len() as u64).ok_or(nix::Error::EFAULT)?;
        let mut piece = [0; 256];
        let to_page_end = usize::try_from(4096 - at % 4096).unwrap_or(256).min(piece.len());
        let piece = piece.get_mut(..to_page_end).ok_or(nix::Error::EFAULT)?;
        memory.read_exact_at(piece, at).map_err(|_| nix::Error::EFAULT)?;
        if let Some(end) = piece.iter().position(|byte| *byte == 0) {
            path.extend_from_slice(piece.get(..end).unwrap_or_default());
            return Ok(PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(
                path,
            )));
        }
        path.extend_from_slice(piece);
    }
    Err(nix::Error::ENAMETOOLONG)
}

/// Whether the raw flags of an `…at` call request that symbolic links are followed.
pub(super) fn follows(raw_flags: u64) -> bool {
    raw_flags & libc::AT_SYMLINK_NOFOLLOW as u64 == 0
}
