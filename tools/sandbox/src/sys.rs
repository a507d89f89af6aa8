/*!
The system calls the sandbox needs that no library offers safely, each behind a small safe function.

This is the only file of the product's workspace with unsafe code. Only the sandbox stage calls these functions,
and the stage is a process of its own with one thread, so nothing here has to consider other threads.
*/
#![expect(
    unsafe_code,
    reason = "fork, mount attributes, seccomp notifications and signal defaults have no safe API"
)]

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use nix::unistd::{ForkResult, Pid};
use seccompiler::BpfProgram;

/// Forks the single-threaded stage. `None` in the child.
pub(super) fn fork() -> nix::Result<Option<Pid>> {
    // SAFETY: the stage runs one thread, so the child inherits no lock held by another.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Some(child)),
        ForkResult::Child => Ok(None),
    }
}

/// Closes every descriptor from `first` on, including any that leaked into this process.
pub(super) fn close_from(first: u32) -> io::Result<()> {
    // SAFETY: called before any descriptor of our own beyond the standard ones is open.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) }).map(drop)
}

/// The standard input of this process as an owned descriptor.
pub(super) fn take_stdin() -> OwnedFd {
    // SAFETY: the stage takes its standard input once, before anything reads from it.
    unsafe { OwnedFd::from_raw_fd(0) }
}

/// Takes ownership of a descriptor that another process sent.
pub(super) fn adopt(received: RawFd) -> OwnedFd {
    // SAFETY: the kernel has just opened it in this process, and nothing else knows its number.
    unsafe { OwnedFd::from_raw_fd(received) }
}

/// Sets attributes of a detached mount and everything below it.
pub(super) fn set_mount_attributes(
    mount: BorrowedFd<'_>,
    attributes: u64,
    idmap: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let attr = libc::mount_attr {
        attr_set: attributes | if idmap.is_some() { libc::MOUNT_ATTR_IDMAP } else { 0 },
        attr_clr: 0,
        propagation: libc::MS_PRIVATE,
        userns_fd: idmap.map_or(0, |fd| fd.as_raw_fd() as u64),
    };
    let flags = libc::AT_EMPTY_PATH | libc::AT_RECURSIVE;
    // SAFETY: the path is a static C string, and the kernel copies `attr` of the given size.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attr,
            size_of::<libc::mount_attr>(),
        )
    };
    check(done).map(drop)
}

/// Resets every signal to its default and unblocks all: Rust's runtime ignores `SIGPIPE`, but scripts rely on it.
pub(super) fn reset_signals() {
    for number in 1..=libc::SIGRTMAX() {
        // SAFETY: the default disposition runs no code of ours; the kernel rejects numbers that cannot be set.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
    let _ = nix::sys::signal::SigSet::all().thread_unblock();
}

/// Installs a filter whose `USER_NOTIF` notifications arrive at the returned descriptor.
pub(super) fn install_notifying_filter(program: &BpfProgram) -> io::Result<OwnedFd> {
    let fprog = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
        filter: program.as_ptr().cast_mut().cast(),
    };
    // Since Linux 5.19 the waiting call can ignore harmless signals, which would otherwise restart it.
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    let mut last = io::Error::from(io::ErrorKind::Unsupported);
    for flags in [flags | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, flags] {
        // SAFETY: `fprog` points at `program`, which outlives the call; the kernel copies it.
        let fd = unsafe {
            libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const fprog)
        };
        match check(fd) {
            // SAFETY: the kernel has just opened this descriptor for us.
            Ok(fd) => return Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) }),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A system call that waits for our answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallNotification {
    pub(super) id: u64,
    /// As seen from the stage.
    pub(super) pid: i32,
    pub(super) call: i64,
    pub(super) args: [u64; 6],
}

/// Receives the next notification; fails with `ENOENT` when its process has already exited.
pub(super) fn receive_notification(listener: BorrowedFd<'_>) -> io::Result<CallNotification> {
    // SAFETY: a structure of integers, for which zero is valid and which the kernel requires to be zeroed.
    let mut raw: libc::seccomp_notif = unsafe { zeroed() };
    // SAFETY: the request matches the structure it points at.
    let done = unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut raw) };
    check(done.into())?;
    Ok(CallNotification { id: raw.id, pid: raw.pid as i32, call: raw.data.nr.into(), args: raw.data.args })
}

/// How a waiting system call continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallAnswer {
    /// The kernel performs the call. Only safe if the decision does not depend on anything the caller can still
    /// change.
    Go,
    /// The call returns success, but the kernel does not perform it.
    Done,
    Fail(i32),
}

pub(super) fn answer_notification(listener: BorrowedFd<'_>, id: u64, answer: CallAnswer) {
    let response = libc::seccomp_notif_resp {
        id,
        val: 0,
        error: if let CallAnswer::Fail(errno) = answer { -errno } else { 0 },
        flags: if answer == CallAnswer::Go { libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32 } else { 0 },
    };
    // SAFETY: the request matches the structure. A failure means that the caller has died.
    unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const response) };
}

/// Whether the notified process still waits. If so, its id was not reused while we inspected it.
pub(super) fn notification_is_live(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: the request matches the integer it points at.
    unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const id) == 0 }
}

/// Seconds and nanoseconds of the clock that file systems use for timestamps.
pub(super) fn file_time_now() -> (i64, i64) {
    clock(libc::CLOCK_REALTIME_COARSE)
}

/// CPU time of this thread so far. Unlike wall-clock time, other processes cannot stretch it.
pub(super) fn processor_time() -> Duration {
    let (seconds, nanoseconds) = clock(libc::CLOCK_THREAD_CPUTIME_ID);
    Duration::new(u64::try_from(seconds).unwrap_or(0), u32::try_from(nanoseconds).unwrap_or(0))
}

fn clock(which: libc::clockid_t) -> (i64, i64) {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes only the structure that we pass.
    unsafe { libc::clock_gettime(which, &raw mut now) };
    (now.tv_sec, now.tv_nsec)
}

/// The kernel's Landlock version; 0 when Landlock is missing or disabled.
pub(super) fn landlock_version() -> i64 {
    const CREATE_RULESET_VERSION: u32 = 1;
    // SAFETY: with this flag the call takes no structure and only returns a number.
    unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, CREATE_RULESET_VERSION)
    }
    .max(0)
}

fn check(result: i64) -> io::Result<i64> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
