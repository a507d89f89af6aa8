/*!
Decides the system calls that seccomp passes to the supervisor. Refuses calls that are always refused, and notes
them for the report. In the reduced sandbox, also decides calls that the machine's kernel would allow too freely.

A call is let through only if the decision depends on plain numbers. The data behind a pointer can change after it
was inspected, so such calls are refused or performed here, never let through.
*/

use std::fs;
use std::path::PathBuf;

use super::super::sys::{CallAnswer, CallNotification};
use super::super::wire::{StageSpec, WantedLevel};
use super::files::{FileTarget, MeantFile, TimeFraction, follows, read_times, socket_path};
use super::syscalls::{
    IOPRIO_WHO_GROUP, IOPRIO_WHO_PROCESS, NEW_NAMESPACES, REFUSED, SET_ID, SHARED_IPC, SYS_FCHMODAT2,
};
use super::tree::ProcessTree;

const MAX_NOTES: usize = 20;
const MAX_NOTE_CHARS: usize = 240;

pub(super) struct CallJudge<'a> {
    spec: &'a StageSpec,
    /// Folders in which the command may change permissions and times of files.
    writable: Vec<PathBuf>,
    notes: Vec<String>,
}

impl<'a> CallJudge<'a> {
    pub(super) fn new(spec: &'a StageSpec) -> Self {
        let mut writable = spec.write.clone();
        writable.push(spec.temp.clone());
        Self { spec, writable, notes: Vec::new() }
    }

    /// Lines for the report, one per kind of refusal.
    pub(super) fn into_notes(self) -> Vec<String> {
        self.notes
    }

    pub(super) fn decide(&mut self, call: &CallNotification, tree: &ProcessTree) -> CallAnswer {
        let fails = CallAnswer::Fail;
        if let Some((_, what)) = REFUSED.iter().find(|(number, _)| *number == call.call) {
            return self.refuse(call, what, libc::EPERM);
        }
        if SHARED_IPC.contains(&call.call) {
            return self.refuse(call, "use memory and queues shared with the machine", libc::EPERM);
        }
        let [first, second, third, ..] = call.args;
        match call.call {
            libc::SYS_socket | libc::SYS_socketpair => {
                self.refuse(call, &socket_name(first), libc::EAFNOSUPPORT)
            }
            libc::SYS_connect => match socket_path(call.pid, second) {
                // The C library first asks a cache of account names, and works without it.
                Some(path) if path.ends_with("nscd/socket") => CallAnswer::Fail(libc::ENOENT),
                path => {
                    let name = path.unwrap_or_default();
                    let what = format!("connect to the socket {}", name.display());
                    self.refuse(call, &what, libc::EACCES)
                }
            },
            libc::SYS_unshare | libc::SYS_clone if makes_a_namespace(first) => {
                self.refuse(call, "make a namespace", libc::EPERM)
            }
            libc::SYS_unshare | libc::SYS_clone | libc::SYS_close_range => {
                self.refuse(call, "open files for one thread alone", libc::EPERM)
            }
            libc::SYS_personality => self.refuse(call, "change its personality", libc::EPERM),
            libc::SYS_ioctl | libc::SYS_fcntl => {
                self.refuse(call, "control a terminal or signals of other processes", libc::EPERM)
            }
            libc::SYS_openat | libc::SYS_mknodat => {
                self.refuse(call, "make a set-user-id file, or truncate one it only reads", libc::EPERM)
            }
            libc::SYS_truncate => self.refuse(call, "truncate a file by its name", libc::EPERM),
            libc::SYS_bind => self.refuse(call, "give a socket a name", libc::EACCES),
            libc::SYS_prctl => self.refuse(call, "share a processor core with others", libc::EPERM),
            libc::SYS_prlimit64
            | libc::SYS_sched_setaffinity
            | libc::SYS_sched_setscheduler
            | libc::SYS_sched_setparam
            | libc::SYS_sched_setattr => self.govern(call, one(first), tree),
            libc::SYS_setpriority => match first as i32 {
                PRIO_PROCESS => self.govern(call, one(second), tree),
                PRIO_GROUP => self.govern(call, group(second), tree),
                _ => self.govern(call, EVERYONE, tree),
            },
            libc::SYS_ioprio_set => match first & u64::from(u32::MAX) {
                IOPRIO_WHO_PROCESS => self.govern(call, one(second), tree),
                IOPRIO_WHO_GROUP => self.govern(call, group(second), tree),
                _ => self.govern(call, EVERYONE, tree),
            },
            libc::SYS_kill => self.signal(call, first as u32 as i32, tree),
            libc::SYS_tkill | libc::SYS_tgkill | libc::SYS_pidfd_open => {
                self.signal(call, (first as u32 as i32).max(1), tree)
            }
            libc::SYS_rt_sigqueueinfo | libc::SYS_rt_tgsigqueueinfo => {
                self.signal(call, (first as u32 as i32).max(1), tree)
            }
            libc::SYS_fchmod => self.chmod(call, &FileTarget::Descriptor(first as i32), second),
            libc::SYS_fchmodat => self.chmod(call, &at(first, second, true), third),
            SYS_FCHMODAT2 => {
                let [_, _, _, flags, ..] = call.args;
                self.chmod(call, &at(first, second, follows(flags)), third)
            }
            libc::SYS_fchown => self.chown(call, second, third),
            libc::SYS_fchownat => {
                let [_, _, _, group, ..] = call.args;
                self.chown(call, third, group)
            }
            libc::SYS_utimensat => {
                let [_, _, times, flags, ..] = call.args;
                let target = match second {
                    0 => FileTarget::Descriptor(first as i32),
                    _ => at(first, second, follows(flags)),
                };
                self.utimes(call, &target, times, TimeFraction::Nanoseconds)
            }
            #[cfg(target_arch = "x86_64")]
            number => match number {
                libc::SYS_chmod => self.chmod(call, &at(CWD, first, true), second),
                libc::SYS_chown | libc::SYS_lchown => self.chown(call, second, third),
                libc::SYS_utime => self.utimes(call, &at(CWD, first, true), second, TimeFraction::None),
                libc::SYS_utimes => {
                    self.utimes(call, &at(CWD, first, true), second, TimeFraction::Microseconds)
                }
                libc::SYS_futimesat => {
                    self.utimes(call, &at(first, second, true), third, TimeFraction::Microseconds)
                }
                libc::SYS_open | libc::SYS_creat | libc::SYS_mknod => {
                    self.refuse(call, "make a set-user-id file, or truncate one it only reads", libc::EPERM)
                }
                _ => fails(libc::EPERM),
            },
            #[cfg(not(target_arch = "x86_64"))]
            _ => fails(libc::EPERM),
        }
    }

    fn refuse(&mut self, call: &CallNotification, what: &str, errno: i32) -> CallAnswer {
        let name = fs::read_to_string(format!("/proc/{}/comm", call.pid)).unwrap_or_default();
        let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
        let note: String = format!("refused: {name} tried to {what}").chars().take(MAX_NOTE_CHARS).collect();
        if self.notes.len() < MAX_NOTES && !self.notes.contains(&note) {
            self.notes.push(note);
        }
        CallAnswer::Fail(errno)
    }

    fn signal(&mut self, call: &CallNotification, to: i32, tree: &ProcessTree) -> CallAnswer {
        if is_inside(to, tree) {
            CallAnswer::Go
        } else {
            self.refuse(call, "signal a process that is not its own", libc::EPERM)
        }
    }

    /// The command may change processors, limits and priorities of its own processes and threads only.
    fn govern(&mut self, call: &CallNotification, whose: i32, tree: &ProcessTree) -> CallAnswer {
        if is_inside(whose, tree) {
            CallAnswer::Go
        } else {
            self.refuse(call, "change limits or priorities of other processes", libc::EPERM)
        }
    }

    fn chmod(&mut self, call: &CallNotification, target: &FileTarget, mode: u64) -> CallAnswer {
        if mode & SET_ID != 0 {
            return self.refuse(call, "make a set-user-id file", libc::EPERM);
        }
        if self.spec.wanted != WantedLevel::Reduced {
            return CallAnswer::Fail(libc::EPERM);
        }
        self.on_own_file(call, target, |file| file.change_mode(mode as u32))
    }

    fn utimes(
        &mut self,
        call: &CallNotification,
        target: &FileTarget,
        times: u64,
        unit: TimeFraction,
    ) -> CallAnswer {
        match read_times(call.pid, times, unit) {
            Ok((accessed, modified)) => {
                self.on_own_file(call, target, |file| file.change_times(accessed, modified))
            }
            Err(error) => CallAnswer::Fail(error as i32),
        }
    }

    /// Giving a file to its own user changes nothing; giving it to another user is refused.
    fn chown(&mut self, call: &CallNotification, uid: u64, gid: u64) -> CallAnswer {
        let same = |id: u64, own: u32| id as u32 == u32::MAX || id as u32 == own;
        let own = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        if same(uid, own.0) && same(gid, own.1) {
            return CallAnswer::Done;
        }
        self.refuse(call, "change the owner of files", libc::EPERM)
    }

    fn on_own_file(
        &mut self,
        call: &CallNotification,
        target: &FileTarget,
        change: impl FnOnce(&MeantFile) -> nix::Result<()>,
    ) -> CallAnswer {
        let file = match MeantFile::open(call.pid, target) {
            Ok(file) => file,
            Err(error) => return CallAnswer::Fail(error as i32),
        };
        if !file.is_below(&self.writable) {
            let what = format!("change permissions or times of {}", file.path().display());
            return self.refuse(call, &what, libc::EPERM);
        }
        match change(&file) {
            Ok(()) => CallAnswer::Done,
            Err(error) => CallAnswer::Fail(error as i32),
        }
    }
}

fn makes_a_namespace(flags: u64) -> bool {
    NEW_NAMESPACES.iter().any(|flag| flags & u64::from(flag.cast_unsigned()) != 0)
}

const CWD: u64 = libc::AT_FDCWD as u64;

fn at(folder: u64, address: u64, follow: bool) -> FileTarget {
    FileTarget::Path { folder: folder as u32 as i32, address, follow }
}

const PRIO_PROCESS: i32 = libc::PRIO_PROCESS as i32;
const PRIO_GROUP: i32 = libc::PRIO_PGRP as i32;
/// A target that includes other processes than the command's own.
const EVERYONE: i32 = -1;

/// A process or thread id; 0 means the caller.
fn one(argument: u64) -> i32 {
    (argument as u32 as i32).max(0)
}

/// A process group in the form that [`is_inside`] takes; 0 means the caller's.
fn group(argument: u64) -> i32 {
    one(argument).wrapping_neg()
}

/// Whether the target is a process of the tree, or a process group (negative) inside the tree.
fn is_inside(whose: i32, tree: &ProcessTree) -> bool {
    match whose {
        0 => true, // the caller itself or its group, which began with the command
        -1 => false,
        group if group < 0 => tree.contains_group(group.wrapping_neg()),
        pid => tree.pids().iter().any(|member| *member == pid || is_thread_of(pid, *member)),
    }
}

fn is_thread_of(thread: i32, process: i32) -> bool {
    std::path::Path::new(&format!("/proc/{process}/task/{thread}")).exists()
}

fn socket_name(family: u64) -> String {
    match family as i32 {
        libc::AF_INET => "open an IPv4 socket".into(),
        libc::AF_INET6 => "open an IPv6 socket".into(),
        libc::AF_NETLINK => "open a netlink socket".into(),
        libc::AF_PACKET => "open a packet socket".into(),
        libc::AF_UNIX => "open a datagram socket".into(),
        other => format!("open a socket of family {other}"),
    }
}
