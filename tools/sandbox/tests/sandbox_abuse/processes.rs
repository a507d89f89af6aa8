/*!
Other processes, and what the command leaves behind.
*/

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use millwright_sandbox::{CancelFlag, ExitStatus, SandboxError, SandboxedCommand, run_at};

use crate::checks::{ContainmentCheck, not_tried};
use crate::ground::{Ground, levels, nothing_left, python, says, wait_for};

pub(crate) const CHECKS: &[ContainmentCheck] = &[
    ContainmentCheck::contains(
        "processes::daemons",
        "processes that outlive it in sessions of their own",
        daemons_of_their_own_session,
    ),
    ContainmentCheck::contains(
        "processes::signals",
        "signals to processes of the machine",
        signals_to_others,
    ),
    ContainmentCheck::contains(
        "processes::kernel",
        "mounts, namespaces, tracing, keys, kernel programs and modules",
        reaching_into_the_kernel,
    ),
    ContainmentCheck::contains(
        "processes::secrets",
        "environment, command line and memory of other processes",
        secrets_of_other_processes,
    ),
    ContainmentCheck::contains(
        "processes::scheduling",
        "priority, processors, limits and memory of other processes",
        scheduling_of_others,
    ),
    ContainmentCheck::contains(
        "processes::cancelling",
        "processes that outlive a cancelled command",
        cancelling_ends_everything,
    ),
    ContainmentCheck::contains_once(
        "processes::dying",
        "processes that outlive whoever ran the command",
        dying_ends_everything,
    ),
    ContainmentCheck::works(
        "processes::own_scheduling",
        "priority, processors and limits of its own processes",
        scheduling_of_its_own,
    ),
    ContainmentCheck::works_once(
        "processes::prompt_end",
        "an end without a wait, with no control group left",
        nothing_waits_and_nothing_is_left,
    ),
];

fn daemons_of_their_own_session(ground: &Ground) {
    let started = Instant::now();
    let execution = ground.run(
            "setsid sh -c 'sleep 40; echo late > OUTSIDE/late' & (setsid setsid sh -c '(sleep 41 OUTSIDE) & (trap \"\" TERM HUP INT; sleep 42) &' &) ; nohup sleep 43 & exit 0",
        );
    assert_eq!(execution.exit, ExitStatus::Code(0), "{}", execution.output);
    assert!(started.elapsed() < Duration::from_secs(30), "it did not wait for them");
    nothing_left(ground);
    ground.is_untouched();
}

fn signals_to_others(ground: &Ground) {
    let mut victim = Command::new("sleep").arg("60").stdout(Stdio::null()).spawn().unwrap();
    let (me, parent, victim_id) = (std::process::id(), std::os::unix::process::parent_id(), victim.id());
    let execution = ground.run(&format!(
        "kill -9 {victim_id} && echo KILLED; kill -9 {me} && echo KILLED; kill -0 {parent} && echo KILLED
             kill -9 -{victim_id}; kill -9 -{me}; kill -s KILL -1 ; echo after"
    ));
    assert!(victim.try_wait().unwrap().is_none(), "the victim lives: {}", execution.output);
    assert!(!execution.output.contains("KILLED"), "{}", execution.output);
    victim.kill().unwrap();
    victim.wait().unwrap();
}

fn reaching_into_the_kernel(ground: &Ground) {
    let execution = ground.run(
            "unshare -Ur true && echo DONE; unshare -m true && echo DONE; mount -t tmpfs x /mnt && echo DONE
             mount --bind OUTSIDE . && echo DONE; nsenter -t 1 -m true && echo DONE; chroot / true && echo DONE
             setpriv --reuid 0 true && echo DONE; hostname evil && echo DONE; exit 1",
        );
    assert!(!execution.output.contains("DONE") || nix::unistd::geteuid().is_root(), "{}", execution.output);
    says(&execution, &["make a namespace", "change mounts"]);
    let Some(python) = python() else { return };
    // These numbers are for x86-64. Other architectures use others, which are equally refused.
    if !cfg!(target_arch = "x86_64") {
        return;
    }
    let execution = ground.run(&format!(
            "{python} -c \"
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for name, number in dict(ptrace=101, bpf=321, keyctl=250, io_uring_setup=425, perf=298, userfaultfd=323, open_by_handle=304,
        kexec=246, init_module=175, personality=135, setns=308, clone3=435, process_vm_readv=310, pivot_root=155, x32=0x40000027).items():
    print(name, 'DONE' if libc.syscall(number, 0x1000, 0, 0, 0, 0) >= 0 else 'refused')
for flag in [0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000, 0x4000000, 0x2000000]:
    print('unshare', 'DONE' if libc.unshare(flag) == 0 else 'refused')
# Tables of open files that no one looks at: by unshare, by closing a range, and for a thread of its own from the start.
print('files', 'DONE' if libc.unshare(0x400) == 0 else 'refused')
print('close_range', 'DONE' if libc.syscall(436, 1000, 1000, 2) == 0 else 'refused')
print('thread', 'refused' if libc.syscall(56, 0x10000, 0, 0, 0, 0) == -1 and ctypes.get_errno() == 1 else 'DONE')
\""
        ));
    assert_eq!(execution.exit, ExitStatus::Code(0), "{}", execution.output);
    assert!(!execution.output.contains("DONE"), "{}", execution.output);
    says(&execution, &["trace a process"]);
    says(&execution, &["open files for one thread alone"]);
}

fn secrets_of_other_processes(ground: &Ground) {
    let mut victim = Command::new("sleep").arg("61.5").env("THE_SECRET", "hunter2").spawn().unwrap();
    let me = std::process::id();
    let pid = victim.id();
    let execution = ground.run(&format!(
            "env; for p in {me} {pid} 1; do cat /proc/$p/environ /proc/$p/cmdline /proc/$p/maps; ls /proc/$p/fd /proc/$p/cwd/; (cd /proc/$p/root && ls home); done 2>&1
             grep -l 61.5 /proc/[0-9]*/cmdline; cat /proc/[0-9]*/environ | tr '\\0' '\\n'; exit 1"
        ));
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(!execution.output.contains("hunter2"), "{}", execution.output);
    assert!(!execution.output.contains("61.5"), "{}", execution.output);
    assert!(
        !execution.output.contains("ABUSE_AS") && !execution.output.contains("CARGO"),
        "{}",
        execution.output
    );
}

fn cancelling_ends_everything(ground: &Ground) {
    let cancel = CancelFlag::default();
    let command = ground.command("setsid sleep 50 OUTSIDE & touch started; sleep 50");
    std::thread::scope(|scope| {
        let run = scope.spawn(|| run_at(ground.level.ceiling, &command, &cancel));
        wait_for(&ground.checkout().join("started"));
        cancel.cancel();
        assert!(matches!(run.join().unwrap(), Err(SandboxError::Cancelled)));
    });
    nothing_left(ground);
}

const ROLE: &str = "ABUSE_DYING";

/// Runs a long command, so that [`dying_ends_everything`] can kill this process meanwhile.
pub(crate) fn run_until_killed() -> bool {
    let Ok(role) = std::env::var(ROLE) else { return false };
    let (level, checkout) = role.split_once(':').unwrap();
    let level = levels()[level.parse::<usize>().unwrap()];
    let command = SandboxedCommand {
        script: format!("setsid sh -c 'echo $$ > started; sleep 55; : {checkout}' & sleep 55"),
        cwd: checkout.into(),
        write: vec![checkout.into()],
        ..SandboxedCommand::default()
    };
    let _ = run_at(level.ceiling, &command, &CancelFlag::default());
    true
}

/// A child of this suite runs a long command and is killed; the command must die with it.
fn dying_ends_everything() {
    for (number, level) in levels().into_iter().enumerate() {
        let ground = Ground::new(level);
        let mut child = Command::new("/proc/self/exe")
            .env(ROLE, format!("{number}:{}", ground.checkout().display()))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(&ground.checkout().join("started"));
        child.kill().unwrap();
        child.wait().unwrap();
        // The stage notices the closed socket and needs a moment to kill and reap.
        let alive = || {
            fs::read_dir("/proc").unwrap().flatten().any(|entry| {
                fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(ground.checkout()))
            })
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while alive() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(!alive(), "{}", level.name);
    }
}

/// The state of another process that its own user may change, read from the machine's `/proc`.
fn scheduling_state(pid: u32) -> String {
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let allowed: String = read("status").lines().filter(|line| line.starts_with("Cpus_allowed:")).collect();
    let stat = read("stat");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // Fields 18, 19 and 41 of proc_pid_stat(5); the slice starts at the third.
    let numbers = [fields[15], fields[16], fields[38]].join(" ");
    let ionice = Command::new("ionice").args(["-p", &pid.to_string()]).output();
    let ionice =
        ionice.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    format!("{allowed}; {numbers}; {}; {ionice}", read("limits"))
}

fn scheduling_of_others(ground: &Ground) {
    let Some(python) = python() else { return };
    // These numbers are for x86-64. Other architectures use others, which are equally refused.
    if !cfg!(target_arch = "x86_64") {
        return not_tried("the numbers of system calls are those of x86-64");
    }
    let mut victim = Command::new("sleep").arg("60").stdout(Stdio::null()).process_group(0).spawn().unwrap();
    let pid = victim.id();
    let before = scheduling_state(pid);
    let execution = ground.run(&format!(
        "{python} -c \"
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
word = ctypes.c_ulong
def call(name, number, *arguments):
    if libc.syscall(word(number), *[a if hasattr(a, '_as_parameter_') or isinstance(a, ctypes.Array) else word(a) for a in arguments]) >= 0:
        print('DONE', name)
mask = ctypes.create_string_buffer(b'\\x01' + bytes(127), 128)
param = ctypes.create_string_buffer(8)
attr = ctypes.create_string_buffer(bytes([48, 0, 0, 0, 3, 0, 0, 0]) + bytes(8) + bytes([7, 0, 0, 0]) + bytes(28), 48)
limit = ctypes.create_string_buffer(bytes([9]) + bytes(7) + bytes([9]) + bytes(7), 16)
there = ctypes.create_string_buffer(16)
mine = ctypes.create_string_buffer(16)
here = (ctypes.c_ulong * 2)(ctypes.addressof(mine), 16)
for victim in ({pid}, os.getppid() if os.getppid() != 1 else {pid}, {me}):
    if victim == os.getppid(): continue
    call('sched_setaffinity', 203, victim, 128, mask)
    call('sched_setscheduler', 144, victim, 3, param)
    call('sched_setparam', 142, victim, param)
    call('sched_setattr', 314, victim, attr, 0)
    call('setpriority', 141, 0, victim, 10)
    call('setpriority of a group', 141, 1, victim, 10)
    call('ioprio_set', 251, 1, victim, (3 << 13))
    call('ioprio_set of a group', 251, 2, victim, (3 << 13))
    call('prlimit64', 302, victim, 7, limit, 0)
    call('kcmp', 312, victim, victim, 0, 0, 0)
    call('process_vm_readv', 310, victim, here, 1, here, 1, 0)
    call('process_vm_writev', 311, victim, here, 1, here, 1, 0)
    call('migrate_pages', 256, victim, 8, mask, mask)
    call('move_pages', 279, victim, 0, 0, 0, 0, 2)
    for share in (1, 2, 3): call('core scheduling', 157, 62, share, victim, 0, 0)
    fd = libc.syscall(word(434), word(victim), word(0))
    if fd >= 0:
        call('pidfd_send_signal', 424, fd, 9, 0, 0)
        call('pidfd_getfd', 438, fd, 0, 0)
        call('process_madvise', 440, fd, here, 1, 21, 0)
        call('process_mrelease', 448, fd, 0)
call('setpriority of the user', 141, 2, {outside}, 11)
call('ioprio_set of the user', 251, 3, {outside}, (3 << 13))
print('finished')
\"",
        me = std::process::id(),
        outside = nix::unistd::geteuid(),
    ));
    let after = scheduling_state(pid);
    let lives = victim.try_wait().unwrap().is_none();
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(execution.output.contains("finished"), "{}", execution.output);
    assert!(lives, "the victim lives: {}", execution.output);
    assert_eq!(before, after, "{}", execution.output);
    // The full sandbox has its own users and processes under these numbers.
    if ground.level.name != "full" {
        assert!(!execution.output.contains("DONE"), "{}", execution.output);
        says(&execution, &["priorities"]);
    }
}

/// Programs bind their own threads to processors and lower their own priority; this must keep working.
fn scheduling_of_its_own(ground: &Ground) {
    let Some(python) = python() else { return };
    let execution = ground.run(&format!(
        "nice -n 3 sh -c 'nice'; {python} -c \"
import os, resource, subprocess, threading
first = min(os.sched_getaffinity(0))
os.sched_setaffinity(0, {{first}})
child = subprocess.Popen(['sleep', '20'])
os.sched_setaffinity(child.pid, {{first}}); os.setpriority(os.PRIO_PROCESS, child.pid, 7)
resource.prlimit(child.pid, resource.RLIMIT_NOFILE, (50, 50))
print(os.sched_getaffinity(child.pid) == {{first}}, os.getpriority(os.PRIO_PROCESS, child.pid) >= 7)
def thread(): os.sched_setaffinity(threading.get_native_id(), {{first}}); print('thread')
t = threading.Thread(target=thread); t.start(); t.join()
os.setpriority(os.PRIO_PROCESS, 0, 12); os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)); child.kill()
\""
    ));
    let lines: Vec<&str> = execution.output.lines().skip(1).collect();
    assert_eq!(lines, ["True True", "thread"], "{}", execution.output);
}

/// A fixed bound, because it is the requirement itself: a command that has ended returns at once, at every level
/// and for every user.
fn nothing_waits_and_nothing_is_left() {
    for level in levels() {
        let ground = Ground::new(level);
        let started = Instant::now();
        assert_eq!(ground.run("true").exit, ExitStatus::Code(0));
        assert!(started.elapsed() < Duration::from_secs(4), "{}: {:?}", level.name, started.elapsed());
    }
    let mine = format!("millwright-run-{}-", std::process::id());
    for hierarchy in ["/sys/fs/cgroup", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/memory"] {
        let names = fs::read_dir(hierarchy).into_iter().flatten().flatten();
        let left: Vec<_> =
            names.filter(|entry| entry.file_name().to_string_lossy().starts_with(&mine)).collect();
        // Other checks run meanwhile; a group left over from a command that has ended holds no process.
        let empty = left.iter().filter(|entry| {
            std::thread::sleep(Duration::from_millis(300));
            fs::read_to_string(entry.path().join("cgroup.procs")).is_ok_and(|pids| pids.trim().is_empty())
        });
        assert_eq!(empty.count(), 0, "{left:?}");
    }
}
