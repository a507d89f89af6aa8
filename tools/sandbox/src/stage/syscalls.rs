/*!
Which system calls the command may not make. Where possible, the supervisor does the refusing, through seccomp's
user notification, so that the report can say what was refused.

The full sandbox refuses calls that reach into the kernel (mounts, namespaces, tracing, keys, io_uring …) and any
socket that could leave the machine. The reduced one shares mounts, processes and users with the machine. Landlock
covers neither permissions and times of files, nor, in older kernels, signals and sockets, so the reduced sandbox
also decides those call by call.
*/

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, Gt, MaskedEq, Ne};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    sock_filter,
};

use super::super::sandboxed::NetworkAccess;
use super::super::sys;
use super::super::wire::WantedLevel;
use super::{Failure, refused};

/// Calls that are always refused, with a description of what they do.
pub(super) const REFUSED: &[(i64, &str)] = &[
    (libc::SYS_mount, "change mounts"),
    (libc::SYS_umount2, "change mounts"),
    (libc::SYS_pivot_root, "change mounts"),
    (libc::SYS_chroot, "change its root folder"),
    (libc::SYS_open_tree, "change mounts"),
    (libc::SYS_move_mount, "change mounts"),
    (libc::SYS_fsopen, "change mounts"),
    (libc::SYS_fsconfig, "change mounts"),
    (libc::SYS_fsmount, "change mounts"),
    (libc::SYS_fspick, "change mounts"),
    (libc::SYS_mount_setattr, "change mounts"),
    (libc::SYS_setns, "enter another namespace"),
    (libc::SYS_ptrace, "trace a process"),
    (libc::SYS_process_vm_readv, "read another process's memory"),
    (libc::SYS_process_vm_writev, "write another process's memory"),
    (libc::SYS_process_madvise, "change another process's memory"),
    (libc::SYS_process_mrelease, "change another process's memory"),
    (libc::SYS_kcmp, "inspect another process"),
    (libc::SYS_pidfd_getfd, "take another process's files"),
    (libc::SYS_move_pages, "move another process's memory"),
    (libc::SYS_migrate_pages, "move another process's memory"),
    (libc::SYS_bpf, "load a kernel program"),
    (libc::SYS_perf_event_open, "use kernel profiling"),
    (libc::SYS_keyctl, "use kernel keys"),
    (libc::SYS_add_key, "use kernel keys"),
    (libc::SYS_request_key, "use kernel keys"),
    (libc::SYS_userfaultfd, "handle page faults"),
    (libc::SYS_open_by_handle_at, "open files by handle"),
    (libc::SYS_fanotify_init, "watch file systems"),
    (libc::SYS_init_module, "load a kernel module"),
    (libc::SYS_finit_module, "load a kernel module"),
    (libc::SYS_delete_module, "unload a kernel module"),
    (libc::SYS_kexec_load, "replace the kernel"),
    (libc::SYS_reboot, "restart the machine"),
    (libc::SYS_swapon, "change swap space"),
    (libc::SYS_swapoff, "change swap space"),
    (libc::SYS_acct, "switch process accounting"),
    (libc::SYS_quotactl, "change quotas"),
    (libc::SYS_syslog, "read the kernel log"),
    (libc::SYS_settimeofday, "set the clock"),
    (libc::SYS_clock_settime, "set the clock"),
    (libc::SYS_clock_adjtime, "set the clock"),
    (libc::SYS_adjtimex, "set the clock"),
    (libc::SYS_sethostname, "rename the machine"),
    (libc::SYS_setdomainname, "rename the machine"),
    (libc::SYS_vhangup, "hang up a terminal"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_kexec_file_load, "replace the kernel"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_iopl, "use hardware ports"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_ioperm, "use hardware ports"),
];

/// Calls that fail as if they did not exist; older programs work without them. A filter cannot check enough of
/// their arguments.
const ABSENT: &[i64] = &[
    libc::SYS_clone3,
    libc::SYS_openat2,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Memory that no process has mapped is not counted anywhere.
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
];

/// The largest segment of System V shared memory. A detached segment is not counted either, and there may be 4096
/// of them; databases need a few bytes as a lock.
const MAX_SEGMENT_BYTES: u64 = 64 << 10;

/// Without an IPC namespace, System V and POSIX queues are shared with the machine.
pub(super) const SHARED_IPC: &[i64] = &[
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semctl,
    libc::SYS_semtimedop,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
];

/// Calls that change extended attributes, which Landlock does not cover. Programs expect file systems without
/// them.
const ATTRIBUTE_CALLS: &[i64] = &[
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    SYS_SETXATTRAT,
    SYS_REMOVEXATTRAT,
    SYS_FILE_SETATTR,
];
// Newer than the libc crate's tables; the numbers are the same on all architectures.
const SYS_SETXATTRAT: i64 = 463;
const SYS_REMOVEXATTRAT: i64 = 466;
const SYS_OPEN_TREE_ATTR: i64 = 467;
const SYS_FILE_SETATTR: i64 = 469;
pub(super) const SYS_FCHMODAT2: i64 = 452;
/// ioctl requests that set file flags, such as immutability.
const FS_IOC_SETFLAGS: u64 = 0x4008_6602;
const FS_IOC_FSSETXATTR: u64 = 0x401c_5820;
/// ioctl requests that insert characters into a terminal's input.
const TERMINAL_INPUT: [u64; 2] = [libc::TIOCSTI, 0x541c];

/// ioctl requests equivalent to `fallocate`, named after XFS.
const ALLOCATING: [u64; 3] = [0x4030_5828, 0x4030_582a, 0x4030_5839];

/// Options that enlarge a socket's buffers, which are not counted as any process's memory. Programs accept a
/// smaller buffer than they requested, so these options have no effect instead of failing.
const BUFFER_OPTIONS: [i32; 4] =
    [libc::SO_SNDBUF, libc::SO_RCVBUF, libc::SO_SNDBUFFORCE, libc::SO_RCVBUFFORCE];

/// `prctl` option that lets processes share a processor core, or prevents it.
const PR_SCHED_CORE: u64 = 62;
pub(super) const IOPRIO_WHO_PROCESS: u64 = 1;
pub(super) const IOPRIO_WHO_GROUP: u64 = 2;

/// Socket types that cannot send to an address given with the message. The kernel turns other types into datagram
/// sockets.
const CONNECTED_TYPES: [i32; 2] = [libc::SOCK_STREAM, libc::SOCK_SEQPACKET];

pub(super) const NEW_NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];
/// Masks the flags out of a socket's type.
const TYPE_MASK: u64 = 0xf;
/// Set-user-id and set-group-id: files of the command stay on disk, where others could run them.
pub(super) const SET_ID: u64 = 0o6000;
/// The bit of `seccomp_data.nr` that marks the 32-bit pointer variant of x86-64.
const X32: u32 = 0x4000_0000;

/// Installs the filters on this process and returns where notifications arrive.
pub(super) fn install(
    wanted: WantedLevel,
    network: NetworkAccess,
    landlock: u8,
) -> Result<Option<OwnedFd>, Failure> {
    let (at_once, mut notified) = programs(wanted, network, landlock).map_err(refused("writing filters"))?;
    for program in at_once {
        seccompiler::apply_filter(&program).map_err(refused("filtering system calls"))?;
    }
    match sys::install_notifying_filter(&notified) {
        Ok(listener) => Ok(Some(listener)),
        // A process can have only one supervisor for its calls, and a container may already use it. Everything
        // that the full sandbox passes on is refused anyway, so it can work without a supervisor; then refusals
        // are not noted.
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) && wanted == WantedLevel::Full => {
            replace(
                &mut notified,
                libc::SECCOMP_RET_USER_NOTIF,
                libc::SECCOMP_RET_ERRNO | libc::EPERM as u32,
            );
            seccompiler::apply_filter(&notified).map_err(refused("filtering system calls"))?;
            Ok(None)
        }
        Err(error) => Err(refused("handing system calls to the supervisor")(error)),
    }
}

/// Replaces one of a program's return values.
fn replace(program: &mut BpfProgram, answer: u32, by: u32) {
    let returns = (libc::BPF_RET | libc::BPF_K) as u16;
    for instruction in program.iter_mut().filter(|step| step.code == returns && step.k == answer) {
        instruction.k = by;
    }
}

/// The programs that decide by themselves, and the one that passes calls to the supervisor.
type Programs = ([BpfProgram; 3], BpfProgram);

fn programs(
    wanted: WantedLevel,
    network: NetworkAccess,
    landlock: u8,
) -> Result<Programs, seccompiler::Error> {
    let mut absent = Rules::default();
    ABSENT.iter().for_each(|call| absent.always(*call));
    let mut absent = absent.program(SeccompAction::Errno(libc::ENOSYS as u32))?;
    absent.splice(0..0, refuse_x32());

    let mut unsupported = Rules::default();
    // Allocated but unwritten disk space is not counted for any process. Without this call, programs and the C
    // library write instead.
    unsupported.always(libc::SYS_fallocate);
    for request in ALLOCATING {
        unsupported.when(libc::SYS_ioctl, &[(1, Dword, Eq, request)]);
    }
    if wanted == WantedLevel::Reduced {
        ATTRIBUTE_CALLS.iter().for_each(|call| unsupported.always(*call));
        for request in [FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR] {
            unsupported.when(libc::SYS_ioctl, &[(1, Dword, Eq, request)]);
        }
    }
    let unsupported = unsupported.program(SeccompAction::Errno(libc::EOPNOTSUPP as u32))?;

    let mut ignored = Rules::default();
    for option in BUFFER_OPTIONS {
        let of_sockets = (1, Dword, Eq, libc::SOL_SOCKET as u64);
        ignored.when(libc::SYS_setsockopt, &[of_sockets, (2, Dword, Eq, option as u64)]);
    }
    let ignored = ignored.program(SeccompAction::Errno(0))?;

    let mut notified = Rules::default();
    REFUSED.iter().for_each(|(call, _)| notified.always(*call));
    notified.always(SYS_OPEN_TREE_ATTR);
    add_common(&mut notified, network);
    if wanted == WantedLevel::Reduced {
        add_reduced(&mut notified, landlock);
    }
    // seccompiler cannot express the notification, so compile a placeholder and replace it.
    const PLACEHOLDER: u16 = 0x1234;
    let mut program = notified.program(SeccompAction::Trace(PLACEHOLDER.into()))?;
    let placeholder = libc::SECCOMP_RET_TRACE | u32::from(PLACEHOLDER);
    replace(&mut program, placeholder, libc::SECCOMP_RET_USER_NOTIF);
    Ok(([absent, unsupported, ignored], program))
}

fn add_common(rules: &mut Rules, network: NetworkAccess) {
    for flag in NEW_NAMESPACES {
        let flag = u64::from(flag.cast_unsigned());
        rules.when(libc::SYS_unshare, &[(0, Dword, MaskedEq(flag), flag)]);
        rules.when(libc::SYS_clone, &[(0, Dword, MaskedEq(flag), flag)]);
    }
    // Open files are counted per process. A single thread's own table would not be counted. A new process always
    // gets its own table.
    let files = libc::CLONE_FILES as u64;
    rules.when(libc::SYS_unshare, &[(0, Dword, MaskedEq(files), files)]);
    let thread = libc::CLONE_THREAD as u64;
    rules.when(libc::SYS_clone, &[(0, Dword, MaskedEq(thread | files), thread)]);
    let unshare = libc::CLOSE_RANGE_UNSHARE as u64;
    rules.when(libc::SYS_close_range, &[(2, Dword, MaskedEq(unshare), unshare)]);
    rules.when(libc::SYS_shmget, &[(1, Qword, Gt, MAX_SEGMENT_BYTES)]);
    // Reading the personality and setting the default one are harmless.
    rules.when(libc::SYS_personality, &[(0, Dword, Ne, 0), (0, Dword, Ne, 0xffff_ffff)]);
    for request in TERMINAL_INPUT {
        rules.when(libc::SYS_ioctl, &[(1, Dword, Eq, request)]);
    }
    let unix = (0, Dword, Ne, libc::AF_UNIX as u64);
    match network {
        NetworkAccess::None => rules.when(libc::SYS_socket, std::slice::from_ref(&unix)),
        NetworkAccess::Loopback => {
            let family = |family: i32| (0, Dword, Ne, family as u64);
            let others =
                [unix.clone(), family(libc::AF_INET), family(libc::AF_INET6), family(libc::AF_NETLINK)];
            rules.when(libc::SYS_socket, &others);
            // Of netlink, allow only what lists the namespace's own interfaces.
            rules.when(
                libc::SYS_socket,
                &[(0, Dword, Eq, libc::AF_NETLINK as u64), (2, Dword, Ne, libc::NETLINK_ROUTE as u64)],
            );
        }
    }
    rules.when(libc::SYS_socketpair, &[unix]);
    for bit in [0o4000, 0o2000] {
        let set_id = |argument| (argument, Dword, MaskedEq(bit), bit);
        rules.when(libc::SYS_fchmod, &[set_id(1)]);
        rules.when(libc::SYS_fchmodat, &[set_id(2)]);
        rules.when(SYS_FCHMODAT2, &[set_id(2)]);
        rules.when(libc::SYS_mknodat, &[set_id(2)]);
        for made in [libc::O_CREAT as u64, (libc::O_TMPFILE & !libc::O_DIRECTORY) as u64] {
            rules.when(libc::SYS_openat, &[(2, Dword, MaskedEq(made), made), set_id(3)]);
            #[cfg(target_arch = "x86_64")]
            rules.when(libc::SYS_open, &[(1, Dword, MaskedEq(made), made), set_id(2)]);
        }
        #[cfg(target_arch = "x86_64")]
        for call in [libc::SYS_chmod, libc::SYS_creat, libc::SYS_mknod] {
            rules.when(call, &[set_id(1)]);
        }
    }
}

fn add_reduced(rules: &mut Rules, landlock: u8) {
    SHARED_IPC.iter().for_each(|call| rules.always(*call));
    // Sockets with a path lead to the machine's services, and Landlock does not cover them.
    rules.always(libc::SYS_connect);
    // Other programs may connect to an abstract name, and a socket that nobody may connect to needs no name.
    rules.always(libc::SYS_bind);
    let other_types = (0..=TYPE_MASK).filter(|kind| !CONNECTED_TYPES.contains(&(*kind as i32)));
    for kind in other_types {
        for call in [libc::SYS_socket, libc::SYS_socketpair] {
            let of_unix = (0, Dword, Eq, libc::AF_UNIX as u64);
            rules.when(call, &[of_unix, (1, Dword, MaskedEq(TYPE_MASK), kind)]);
        }
    }
    for call in [
        libc::SYS_fchmod,
        libc::SYS_fchmodat,
        SYS_FCHMODAT2,
        libc::SYS_fchown,
        libc::SYS_fchownat,
        libc::SYS_utimensat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chmod,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chown,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_lchown,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_utime,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_utimes,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_futimesat,
    ] {
        rules.always(call);
    }
    // Calls that change processors, limits and priorities of other processes.
    for call in [
        libc::SYS_sched_setaffinity,
        libc::SYS_sched_setscheduler,
        libc::SYS_sched_setparam,
        libc::SYS_sched_setattr,
    ] {
        rules.when(call, &[(0, Dword, Ne, 0)]);
    }
    rules.when(libc::SYS_ioprio_set, &[(1, Dword, Ne, 0)]);
    rules.when(libc::SYS_ioprio_set, &[(0, Dword, Ne, IOPRIO_WHO_PROCESS), (0, Dword, Ne, IOPRIO_WHO_GROUP)]);
    rules.when(libc::SYS_prctl, &[(0, Dword, Eq, PR_SCHED_CORE)]);
    rules.when(libc::SYS_prlimit64, &[(0, Dword, Ne, 0), (2, Qword, Ne, 0)]);
    rules.when(libc::SYS_setpriority, &[(1, Dword, Ne, 0)]);
    rules.when(libc::SYS_setpriority, &[(0, Dword, Eq, libc::PRIO_USER as u64)]);
    if landlock < 6 {
        for call in [
            libc::SYS_kill,
            libc::SYS_tkill,
            libc::SYS_tgkill,
            libc::SYS_rt_sigqueueinfo,
            libc::SYS_rt_tgsigqueueinfo,
            libc::SYS_pidfd_open,
        ] {
            rules.always(call);
        }
        // Signals that the kernel sends on behalf of a file.
        for command in [libc::F_SETOWN, F_SETSIG, F_SETOWN_EX] {
            rules.when(libc::SYS_fcntl, &[(1, Dword, Eq, command as u64)]);
        }
        for request in [FIOSETOWN, SIOCSPGRP] {
            rules.when(libc::SYS_ioctl, &[(1, Dword, Eq, request)]);
        }
    }
    if landlock < 3 {
        rules.always(libc::SYS_truncate);
        let truncating = (libc::O_TRUNC | libc::O_ACCMODE) as u64;
        let reading = (libc::O_TRUNC | libc::O_RDONLY) as u64;
        rules.when(libc::SYS_openat, &[(2, Dword, MaskedEq(truncating), reading)]);
        #[cfg(target_arch = "x86_64")]
        rules.when(libc::SYS_open, &[(1, Dword, MaskedEq(truncating), reading)]);
    }
}

const F_SETSIG: i32 = 10;
const F_SETOWN_EX: i32 = 15;
const FIOSETOWN: u64 = 0x8901;
const SIOCSPGRP: u64 = 0x8902;

type Condition = (u8, SeccompCmpArgLen, SeccompCmpOp, u64);

/// Rules by system call. A call matches if all conditions of one of its rules match.
#[derive(Default)]
struct Rules(BTreeMap<i64, Vec<Vec<Condition>>>);

impl Rules {
    fn always(&mut self, call: i64) {
        self.0.insert(call, Vec::new());
    }

    fn when(&mut self, call: i64, conditions: &[Condition]) {
        match self.0.get_mut(&call) {
            Some(rules) if rules.is_empty() => {} // always matches
            Some(rules) => rules.push(conditions.to_vec()),
            None => drop(self.0.insert(call, vec![conditions.to_vec()])),
        }
    }

    fn program(self, matched: SeccompAction) -> Result<BpfProgram, seccompiler::Error> {
        let mut compiled = BTreeMap::new();
        for (call, rules) in self.0 {
            let mut chain = Vec::new();
            for conditions in rules {
                let conditions = conditions
                    .into_iter()
                    .map(|(argument, length, operator, value)| {
                        SeccompCondition::new(argument, length, operator, value)
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                chain.push(SeccompRule::new(conditions)?);
            }
            compiled.insert(call, chain);
        }
        let architecture = std::env::consts::ARCH.try_into()?;
        Ok(SeccompFilter::new(compiled, SeccompAction::Allow, matched, architecture)?.try_into()?)
    }
}

/// Instructions at the start of a program that refuse calls of the x32 variant, which have their own numbers.
fn refuse_x32() -> Vec<sock_filter> {
    if !cfg!(target_arch = "x86_64") {
        return Vec::new();
    }
    let instruction = |code: u32, jt, jf, k| sock_filter { code: code as u16, jt, jf, k };
    vec![
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, X32),
        instruction(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
    ]
}
