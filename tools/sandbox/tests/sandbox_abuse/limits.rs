/*!
Bounds on processes, memory, time, output and disk.
*/

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use millwright_sandbox::{ExitStatus, LimitHit};

use crate::checks::{ContainmentCheck, not_tried};
use crate::ground::{Ground, nothing_left, python};
use crate::guard;

pub(crate) const CHECKS: &[ContainmentCheck] = &[
    ContainmentCheck::contains_alone("limits::fork_bomb", "processes without end", a_fork_bomb),
    ContainmentCheck::works(
        "limits::processes",
        "many processes one after another",
        many_processes_one_after_another,
    ),
    ContainmentCheck::contains("limits::memory", "memory beyond the limit", a_memory_hog),
    ContainmentCheck::contains(
        "limits::memory_files",
        "memory that no process has mapped",
        memory_by_other_doors,
    ),
    ContainmentCheck::contains(
        "limits::memory_sockets",
        "memory in the buffers of sockets",
        memory_in_sockets,
    ),
    ContainmentCheck::contains(
        "limits::memory_in_flight",
        "memory in the buffers of sockets that nobody has open",
        memory_in_flight,
    ),
    ContainmentCheck::works_alone(
        "limits::memory_of_others",
        "little memory while other programs open many sockets",
        sockets_of_others,
    ),
    ContainmentCheck::contains(
        "limits::memory_threads",
        "memory of a process whose first thread has ended",
        memory_without_a_first_thread,
    ),
    ContainmentCheck::contains("limits::memory_pipes", "memory in the buffers of pipes", memory_in_pipes),
    ContainmentCheck::contains(
        "limits::memory_group",
        "leave the control group that bounds its memory",
        control_group_of_its_own,
    ),
    ContainmentCheck::contains_once(
        "limits::memory_group_v2",
        "the same in version 2 of control groups",
        control_group_version_2,
    ),
    ContainmentCheck::contains(
        "limits::memory_tables",
        "memory in page tables of an empty address space",
        memory_in_page_tables,
    ),
    ContainmentCheck::contains(
        "limits::time",
        "processor time over many processes, and time on the clock",
        a_busy_loop_over_many_processes,
    ),
    ContainmentCheck::contains("limits::output", "output without end", endless_output),
    ContainmentCheck::contains("limits::files", "a huge file, and many large ones", huge_files),
    ContainmentCheck::contains(
        "limits::disk_allocation",
        "disk by allocation without writing",
        disk_by_allocation,
    ),
    ContainmentCheck::contains("limits::disk_inodes", "disk by files without content", disk_by_empty_files),
    ContainmentCheck::contains(
        "limits::disk_hidden",
        "the same in a folder that cannot be listed",
        disk_by_hidden_files,
    ),
];

/// Only runs behind a guard, which would stop the bomb if the sandbox did not.
fn a_fork_bomb(ground: &Ground) {
    guard::behind_a_guard("limits::fork_bomb", ground.level.name, || {
        {
            let execution = ground.run("bomb() { bomb | bomb & }; bomb; sleep 10; echo survived");
            // Without a control group of its own, the kernel bounds an ordinary user's processes, but does not
            // report a refusal. On a busy machine, samples are far apart, and a bomb that dies out at that bound
            // between two samples is never seen; the rest of the script then continues.
            let held_by_kernel =
                !nix::unistd::geteuid().is_root() && execution.output.contains("Cannot fork");
            if !held_by_kernel {
                assert_eq!(execution.limit, Some(LimitHit::Processes), "{execution:?}");
                assert!(!execution.output.contains("survived"));
            }
            nothing_left(ground);
        }
    });
}

/// Processes end one by one: at no time are there more than a few, but in total there are many more than the
/// limit.
fn many_processes_one_after_another(ground: &Ground) {
    let execution = ground
        // The pauses let the background processes end, even on a busy machine.
        .run("n=0; while [ $n -lt 150 ]; do (exit 3); (sh -c : & ); n=$((n+1)); [ $((n % 10)) != 0 ] || sleep 0.1; done; echo finished; exit 4");
    assert_eq!((execution.limit, execution.exit), (None, ExitStatus::Code(4)), "{execution:?}");
    assert_eq!(execution.output, "finished\n");
}

fn a_memory_hog(ground: &Ground) {
    // The command has survived if `tail` kept all of the input. The kernel may kill `tail` before the rest is
    // stopped.
    let hog = "[ $(head -c 3000000000 /dev/zero | tail | wc -c) != 3000000000 ] || echo survived";
    let mut command = ground.command(hog);
    command.limits.memory_bytes = 128 << 20;
    let execution = ground.run_command(&command);
    assert_eq!(execution.limit, Some(LimitHit::Memory), "{execution:?}");
    assert!(!execution.output.contains("survived"));
}

/// Files in memory count as disk usage, and memory that no process has mapped is not available.
fn memory_by_other_doors(ground: &Ground) {
    if Path::new("/dev/shm").is_dir() && ground.level.name == "full" {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        let mut command = ground.command("n=0; while [ $n -lt 300 ]; do head -c 1000000 /dev/zero > $MEMORY/part$n; n=$((n+1)); done; echo survived");
        command.env.insert("MEMORY".into(), folder.path().to_string_lossy().into_owned());
        command.write.push(folder.path().to_owned());
        command.limits.disk_bytes = 16 << 20;
        assert_eq!(ground.run_command(&command).limit, Some(LimitHit::Disk));
    }
    let Some(python) = python() else { return };
    let execution = ground.run(&format!("{python} -c 'import os; os.memfd_create(\"x\")'"));
    assert!(execution.output.contains("Function not implemented"), "{}", execution.output);
}

fn a_busy_loop_over_many_processes(ground: &Ground) {
    let mut command = ground.command("for i in 1 2 3 4; do while :; do :; done & done; wait");
    command.limits.cpu = Duration::from_millis(600);
    assert_eq!(ground.run_command(&command).limit, Some(LimitHit::Cpu));
    let mut command = ground.command("sleep 30 & sleep 30");
    command.limits.wall = Duration::from_millis(300);
    let execution = ground.run_command(&command);
    assert_eq!((execution.limit, execution.exit), (Some(LimitHit::Wall), ExitStatus::Signal(9)));
}

fn endless_output(ground: &Ground) {
    let mut command = ground.command("echo first; yes 'all work and no play'");
    command.limits.output_bytes = 1 << 20;
    command.limits.kept_output_bytes = 4096;
    let execution = ground.run_command(&command);
    assert_eq!(execution.limit, Some(LimitHit::Output), "{execution:?}");
    assert!(execution.truncated && execution.output.len() < 8192);
    assert!(execution.output.starts_with("first\n") && execution.output.contains("bytes of output left out"));
}

fn huge_files(ground: &Ground) {
    let mut command = ground.command("head -c 90000000 /dev/zero > big; echo status $?");
    command.limits.file_size_bytes = 8 << 20;
    let execution = ground.run_command(&command);
    assert_eq!(execution.limit, Some(LimitHit::FileSize), "{execution:?}");
    assert_eq!(fs::metadata(ground.checkout().join("big")).unwrap().len(), 8 << 20);
    let mut command = ground.command(
        "n=0; while [ $n -lt 500 ]; do head -c 1000000 /dev/zero > part$n; n=$((n+1)); done; echo survived",
    );
    command.limits.disk_bytes = 32 << 20;
    let execution = ground.run_command(&command);
    let written: u64 =
        fs::read_dir(ground.checkout()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
    assert!(written < 400 << 20, "{written}");
    assert_eq!(execution.limit, Some(LimitHit::Disk), "{execution:?}");
}

/// Disk usage of the checkout, and its number of files and folders.
fn on_disk(ground: &Ground) -> (u64, u64) {
    let (mut bytes, mut inodes) = (0, 0);
    let mut folders = vec![ground.checkout()];
    while let Some(folder) = folders.pop() {
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o700));
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            bytes += meta.blocks() * 512;
            inodes += 1;
            if meta.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    (bytes, inodes)
}

const DISK: u64 = 64 << 20;
/// How far usage may exceed a limit before it is noticed.
const DISK_BEYOND: u64 = 512 << 20;

fn disk_by_allocation(ground: &Ground) {
    let Some(python) = python() else { return };
    let mut command = ground.command(&format!(
        "{python} -c \"
import ctypes, fcntl, os, struct
libc = ctypes.CDLL(None, use_errno=True)
size = 200 << 20
for n in range(12):
    fd = os.open('part%d' % n, os.O_RDWR | os.O_CREAT)
    for mode in (0, 1, 16):
        if libc.syscall(285, fd, ctypes.c_ulong(mode), ctypes.c_ulong(0), ctypes.c_ulong(size)) == 0: print('ALLOCATED')
    for request in (0x40305828, 0x4030582a, 0x40305839):
        try: fcntl.ioctl(fd, request, struct.pack('hhqqii4i', 0, 0, 0, size, 0, 0, 0, 0, 0, 0)); print('ALLOCATED')
        except OSError: pass
    os.posix_fallocate(fd, 0, 8192)
    os.posix_fallocate(fd, 0, 100 << 20)
print('survived')
\""
    ));
    command.limits.disk_bytes = DISK;
    let execution = ground.run_command(&command);
    let (bytes, _) = on_disk(ground);
    assert!(bytes < DISK + DISK_BEYOND, "{bytes} bytes; {}", execution.output);
    assert_eq!(execution.limit, Some(LimitHit::Disk), "{execution:?}");
    assert!(!execution.output.contains("ALLOCATED"), "{}", execution.output);
}

/// Each file or folder counts, even if it is empty.
fn disk_by_empty_files(ground: &Ground) {
    empty_files(ground, "");
}

fn disk_by_hidden_files(ground: &Ground) {
    empty_files(ground, "os.mkdir('hidden', 0o300); os.chdir('hidden'); ");
}

fn empty_files(ground: &Ground, first: &str) {
    let Some(python) = python() else { return };
    let mut command = ground.command(&format!(
        "{python} -c \"
import os
{first}
for folder in range(100):
    os.mkdir(str(folder))
    for n in range(5000): os.close(os.open('%d/%d' % (folder, n), os.O_CREAT | os.O_WRONLY))
print('survived')
\""
    ));
    command.limits.disk_bytes = DISK;
    let execution = ground.run_command(&command);
    let (_, inodes) = on_disk(ground);
    assert!(inodes < (DISK / 4096) * 6, "{inodes} files; {execution:?}");
    assert_eq!(execution.limit, Some(LimitHit::Disk), "{inodes} files; {execution:?}");
}

/// Runs a Python program that wants more than 128 MiB, and watches the machine's free memory meanwhile.
fn is_held_in_memory(ground: &Ground, program: &str) {
    let Some(python) = python() else { return };
    let mut command = ground.command(&format!("{python} -c \"{program}\nprint('survived')\""));
    command.limits.memory_bytes = 96 << 20;
    let execution = ground.run_command(&command);
    assert!(!execution.output.contains("survived"), "{execution:?}");
    assert_eq!(execution.limit, Some(LimitHit::Memory), "{execution:?}");
}

fn memory_in_sockets(ground: &Ground) {
    is_held_in_memory(
        ground,
        "
import os, socket, time
kept, sent = [], 0
for process in range(2):
    if os.fork() == 0: break
for n in range(3000):
    a, b = socket.socketpair()
    a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20); a.setblocking(False); kept.append((a, b))
    try:
        while sent < 200 << 20: sent += a.send(bytes(65536))
    except OSError: pass
print(sent, flush=True); time.sleep(1)
",
    );
}

/// Sockets that were sent over another socket and closed are in no process's table of open files.
fn memory_in_flight(ground: &Ground) {
    is_held_in_memory(
        ground,
        "
import socket, time
keeper, reader = socket.socketpair()
sent = 0
for n in range(20):
    pairs = [socket.socketpair() for n in range(50)]
    for a, b in pairs:
        a.setblocking(False)
        try:
            while sent < 200 << 20: sent += a.send(bytes(65536))
        except OSError: pass
    socket.send_fds(keeper, [b'x'], [s.fileno() for pair in pairs for s in pair])
    for a, b in pairs: a.close(); b.close()
print(sent, flush=True); time.sleep(1)
",
    );
}

/// Other programs open sockets during a run in the reduced sandbox, which shares the machine's namespace.
fn sockets_of_others(ground: &Ground) {
    let path = ground.outside().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let mut command =
        ground.command("touch started; while [ ! -e opened ]; do sleep 0.05; done; sleep 0.5; echo finished");
    // Each of these sockets counts as about 200 KiB.
    command.limits.memory_bytes = 48 << 20;
    std::thread::scope(|scope| {
        let run = scope.spawn(|| ground.run_command(&command));
        crate::ground::wait_for(&ground.checkout().join("started"));
        let connect = |_| (UnixStream::connect(&path).unwrap(), listener.accept().unwrap());
        let connections: Vec<_> = (0..200).map(connect).collect();
        fs::write(ground.checkout().join("opened"), "").unwrap();
        let execution = run.join().unwrap();
        drop(connections);
        assert_eq!((execution.limit, execution.output.as_str()), (None, "finished\n"), "{execution:?}");
    });
    fs::remove_file(path).unwrap();
}

/// The kernel reports a process through its first thread, and it reports no memory for a thread that has ended.
fn memory_without_a_first_thread(ground: &Ground) {
    is_held_in_memory(
        ground,
        "
import ctypes, os, platform, threading, time
def hold():
    time.sleep(0.3)
    kept = b'x' * (300 << 20)
    time.sleep(1); print('survived', flush=True); os._exit(0)
threading.Thread(target=hold).start()
ctypes.CDLL(None).syscall(60 if platform.machine() == 'x86_64' else 93, 0)
",
    );
}

fn memory_in_pipes(ground: &Ground) {
    is_held_in_memory(
        ground,
        "
import os, time
kept, sent = [], 0
for n in range(8000):
    r, w = os.pipe(); os.set_blocking(w, False); kept.append((r, w))
    try:
        while True: sent += os.write(w, bytes(4096))
    except OSError: pass
print(sent, flush=True); time.sleep(1)
",
    );
}

fn memory_in_page_tables(ground: &Ground) {
    is_held_in_memory(
        ground,
        "
import mmap, time
size = 300 << 30
m = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
m.madvise(15)
for at in range(0, size, 2 << 20): m[at]
time.sleep(1)
",
    );
}

/// The lines of `/proc/…/cgroup` that name one of the run's own groups.
fn groups_of_a_run(ground: &Ground) -> Vec<String> {
    // The command tries to leave its groups, through files that a mistake could have left open or visible.
    let execution = ground.run(
        "for f in /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/cgroup.procs /proc/self/fd/*; do echo 0 > $f; done 2>/dev/null
         while IFS= read -r line; do echo \"$line\"; done < /proc/$$/cgroup",
    );
    assert_eq!(execution.exit, ExitStatus::Code(0), "{}", execution.output);
    execution.output.lines().filter(|line| line.contains("/millwright-run-")).map(str::to_owned).collect()
}

fn control_group_of_its_own(ground: &Ground) {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap();
    let groups = groups_of_a_run(ground);
    if groups.is_empty() {
        return not_tried("this user can make no control group here; memory and processes are sampled");
    }
    let controllers = own.lines().filter(|line| line.contains(":memory:") || line.contains(":pids:")).count();
    assert!(groups.len() >= controllers.min(1), "{groups:?}");
}

fn control_group_version_2() {
    let controllers = ["/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/unified/cgroup.controllers"];
    let offered = controllers.iter().filter_map(|path| fs::read_to_string(path).ok()).collect::<String>();
    if !offered.contains("memory") {
        return not_tried("version 2 is not there, or offers no memory controller");
    }
    let groups = groups_of_a_run(&Ground::new(crate::ground::levels()[1]));
    match groups.iter().any(|line| line.starts_with("0::")) {
        true => {}
        false => not_tried("no group of version 2 was handed to this user"),
    }
}
