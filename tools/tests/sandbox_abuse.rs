/*!
What hostile code would try, run in the real sandbox: as the current user and, when that is root, as an ordinary
user too; in the full sandbox, in the reduced one, and in the reduced one as an old kernel would offer it.
Everything is bounded in count and time, and stays on this machine.
*/
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "the suite starts itself again as another user, and victims")]

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use millwright_memory::types::SandboxLevel;
use millwright_tools::process::{
    CancelFlag, Ceiling, Execution, Exit, LimitHit, Limits, Network, SandboxError, SandboxedCommand, run_at,
};

#[path = "sandbox_abuse/guard.rs"]
mod guard;

millwright_tools::sandbox_stage_before_main!();

const ORDINARY_USER: u32 = 54_321;
const AS_ORDINARY_USER: &str = "ABUSE_AS_ORDINARY_USER";

/// A strength of sandbox to try an abuse in.
#[derive(Debug, Clone, Copy)]
struct Level {
    name: &'static str,
    ceiling: Ceiling,
}

fn levels() -> [Level; 3] {
    let old = Ceiling { landlock: 1, ..Ceiling::reduced() };
    [
        Level { name: "full", ceiling: Ceiling::default() },
        Level { name: "reduced", ceiling: Ceiling::reduced() },
        Level { name: "reduced, old Landlock", ceiling: old },
    ]
}

/// Folders of one attempt: what the command may use, and what it must not reach.
struct Ground {
    folder: tempfile::TempDir,
    level: Level,
}

impl Ground {
    fn new(level: Level) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for sub in ["checkout", "outside"] {
            fs::create_dir(folder.path().join(sub)).unwrap();
        }
        fs::write(folder.path().join("outside/secret"), "the secret").unwrap();
        fs::write(folder.path().join("checkout/file"), "content").unwrap();
        Self { folder, level }
    }

    fn checkout(&self) -> PathBuf {
        self.folder.path().join("checkout")
    }

    fn outside(&self) -> PathBuf {
        self.folder.path().join("outside")
    }

    fn command(&self, script: &str) -> SandboxedCommand {
        let script = script.replace("OUTSIDE", &self.outside().to_string_lossy());
        SandboxedCommand {
            script,
            cwd: self.checkout(),
            write: vec![self.checkout()],
            limits: Limits { wall: Duration::from_secs(60), processes: 64, ..Limits::default() },
            ..SandboxedCommand::default()
        }
    }

    fn run(&self, script: &str) -> Execution {
        self.run_command(&self.command(script))
    }

    fn run_command(&self, command: &SandboxedCommand) -> Execution {
        let execution = run_at(self.level.ceiling, command, &CancelFlag::default()).unwrap();
        assert_eq!(execution.level, self.level.ceiling.level, "{}", self.level.name);
        execution
    }

    /// Nothing outside was changed.
    fn is_untouched(&self) {
        let secret = self.outside().join("secret");
        assert_eq!(fs::read_to_string(&secret).unwrap(), "the secret", "{}", self.level.name);
        let meta = fs::metadata(&secret).unwrap();
        assert_eq!(meta.mode() & 0o7777, 0o644, "{}", self.level.name);
        assert!(meta.modified().unwrap().elapsed().unwrap() < Duration::from_secs(3600));
        let names: Vec<_> = fs::read_dir(self.outside()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["secret"], "{}", self.level.name);
    }
}

/// Runs `attempt` at every level, and again as an ordinary user when we are root.
fn everywhere(test: &str, attempt: impl Fn(&Ground)) {
    for level in levels() {
        eprintln!("-- {test}, {}, uid {}", level.name, nix::unistd::geteuid());
        attempt(&Ground::new(level));
    }
    as_ordinary_user(test);
}

fn as_ordinary_user(test: &str) {
    if !nix::unistd::geteuid().is_root() || std::env::var_os(AS_ORDINARY_USER).is_some() {
        return;
    }
    // The binary may lie where that user cannot reach it.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.path().join("suite");
    fs::copy("/proc/self/exe", &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    let status = Command::new(copy)
        .args(["--exact", test, "--nocapture"])
        .env(AS_ORDINARY_USER, "1")
        .current_dir("/")
        .uid(ORDINARY_USER)
        .gid(ORDINARY_USER)
        .status()
        .unwrap();
    assert!(status.success(), "{test} as an ordinary user");
}

/// Waits until a file is there, for as long as a busy machine may take.
fn wait_for(path: &Path) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !path.exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The report must be able to say what happened.
fn says(execution: &Execution, words: &[&str]) {
    let lines = execution.denied.join("\n");
    assert!(words.iter().any(|word| lines.contains(word)), "{words:?} in {lines:?}; {}", execution.output);
}

#[test]
fn ordinary_work_is_possible() {
    everywhere("ordinary_work_is_possible", |ground| {
        let execution = ground.run(
            "set -e; cat file; echo more >> file; mkdir -p a/b; mv file a/b/moved; ln -s a/b/moved link; cat link
             cp -p a/b/moved copy; chmod 700 copy; touch -d 2020-01-02 copy; ls -l copy | cut -c1-10
             printf '#!/bin/sh\\necho ran\\n' > tool; chmod +x tool; ./tool
             echo \"$HOME\" > \"$TMPDIR/t\"; test \"$(cat \"$TMPDIR/t\")\" = \"$HOME\"
             seq 3 | sort -r | head -1; (sleep 0.01; echo background) & wait; sleep 5 & { kill $!; wait $!; } 2>/dev/null || echo killed
             tar cf x.tar a; rm -r a; tar xf x.tar; cat a/b/moved; exit 7",
        );
        assert_eq!(execution.exit, Exit::Code(7), "{}", execution.output);
        assert_eq!(
            execution.output,
            "contentcontentmore\n-rwx------\nran\n3\nbackground\nkilled\ncontentmore\n"
        );
        assert_eq!((execution.limit, execution.truncated), (None, false));
        let copy = fs::metadata(ground.checkout().join("copy")).unwrap();
        assert_eq!((copy.mode() & 0o777, copy.uid()), (0o700, nix::unistd::geteuid().as_raw()));
        ground.is_untouched();
    });
}

#[test]
fn writes_outside() {
    everywhere("writes_outside", |ground| {
        let execution = ground.run(
            "for f in OUTSIDE/new OUTSIDE/secret /etc/new /usr/new /new /proc/sys/kernel/core_pattern /var/tmp/abuse; do
               echo x > $f && echo WROTE $f; done
             rm -f OUTSIDE/secret; mv OUTSIDE/secret OUTSIDE/moved; mkdir OUTSIDE/folder; truncate -s 0 OUTSIDE/secret
             chmod 777 OUTSIDE/secret && echo CHMOD; chmod -R 777 OUTSIDE && echo CHMOD; touch -d 2001-01-01 OUTSIDE/secret
             chmod 777 /etc/passwd /bin/sh && echo CHMOD; chown 12345 OUTSIDE/secret && echo CHOWN; exit 1",
        );
        assert!(!execution.output.contains("WROTE"), "{}", execution.output);
        assert!(!execution.output.contains("CHMOD\n"), "{}", execution.output);
        says(&execution, &["the command said", "refused", "hidden from the command"]);
        ground.is_untouched();
        assert!(!Path::new("/var/tmp/abuse").exists());
    });
}

#[test]
fn reads_of_what_was_not_declared() {
    everywhere("reads_of_what_was_not_declared", |ground| {
        let home = std::env::var("HOME").unwrap_or_else(|_| "/root".into());
        let execution = ground.run(&format!(
            "for d in {home} /root /home /var /srv /opt OUTSIDE /tmp/.. /run; do
               for f in $(ls -A $d 2>/dev/null); do cat $d/$f 2>/dev/null | head -c 20 | grep -q . && echo READ $d/$f; done; done
             cat OUTSIDE/secret; cat /etc/shadow; cat ../outside/secret; exit 1"
        ));
        assert!(!execution.output.contains("READ"), "{}", execution.output);
        assert!(!execution.output.contains("the secret"), "{}", execution.output);
        assert!(!execution.output.contains("root:*:"), "{}", execution.output);
    });
}

#[test]
fn links_out_of_the_checkout() {
    everywhere("links_out_of_the_checkout", |ground| {
        std::os::unix::fs::symlink(ground.outside(), ground.checkout().join("planted")).unwrap();
        let execution = ground.run(
            "ln -s OUTSIDE/secret soft; cat soft; echo x > soft; cat planted/secret; echo x > planted/new
             ln OUTSIDE/secret hard && echo LINKED; ln /etc/hostname hard2 && echo LINKED
             chmod 777 soft; chmod 777 planted/secret; touch -d 2001-01-01 soft; cp soft copy; exit 1",
        );
        assert!(!execution.output.contains("the secret"), "{}", execution.output);
        assert!(!execution.output.contains("LINKED"), "{}", execution.output);
        says(&execution, &["the command said", "refused", "hidden from the command"]);
        ground.is_untouched();
    });
}

#[test]
fn its_own_files_are_all_it_changes() {
    everywhere("its_own_files_are_all_it_changes", |ground| {
        fs::write(ground.checkout().join("harness.sh"), "exit 1\n").unwrap();
        let execution = ground.run("echo 'exit 0' > harness.sh; sh harness.sh");
        assert_eq!(execution.exit, Exit::Code(0), "{}", execution.output);
        assert_eq!(fs::read_to_string(ground.checkout().join("harness.sh")).unwrap(), "exit 0\n");
        ground.is_untouched();
    });
}

#[test]
fn set_user_id_files() {
    everywhere("set_user_id_files", |ground| {
        let execution = ground.run("cp /bin/sh mine; chmod 4755 mine; chmod u+s mine; chmod g+s mine; install -m 6755 /bin/sh other; exit 1");
        for entry in fs::read_dir(ground.checkout()).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().mode() & 0o6000, 0, "{}", execution.output);
        }
        says(&execution, &["set-user-id"]);
    });
}

/// As root the command is another account outside, and what it makes belongs to whom the folder belongs.
#[test]
fn files_belong_to_the_owner_of_their_folder() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root can own folders of two accounts");
        return;
    }
    for owner in [0, ORDINARY_USER] {
        let ground = Ground::new(levels()[0]);
        for path in [ground.checkout(), ground.checkout().join("file")] {
            std::os::unix::fs::chown(path, Some(owner), Some(owner)).unwrap();
        }
        let execution = ground
            .run("echo made > made; echo changed > file; mkdir folder; id -u; stat -c %u file made folder");
        assert_eq!(execution.output, "1000\n1000\n1000\n1000\n");
        for name in ["file", "made", "folder"] {
            assert_eq!(fs::metadata(ground.checkout().join(name)).unwrap().uid(), owner, "{name}");
        }
    }
}

/// A small program in Python, where there is one this user may run.
fn python() -> Option<&'static str> {
    let found =
        ["/usr/bin/python3", "/usr/local/bin/python3"].into_iter().find(|path| Path::new(path).exists());
    if found.is_none() {
        eprintln!("skipped in part: no python3 in the system folders");
    }
    found
}

#[test]
fn network_to_loopback_and_beyond() {
    everywhere("network_to_loopback_and_beyond", |ground| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = format!(
            "bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port} && echo REACHED'; bash -c 'exec 3<>/dev/udp/127.0.0.1/53 && echo REACHED'; exit 1"
        );
        let execution = ground.run(&script);
        assert!(!execution.output.contains("REACHED"), "{}", execution.output);
        assert!(listener.accept().is_err());
        says(&execution, &["IPv4 socket"]);
        if let Some(python) = python() {
            let execution = ground.run(&format!(
                "{python} -c \"
import socket, os
for family, kind, address in [(socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', {port})), (socket.AF_INET, socket.SOCK_DGRAM, ('8.8.8.8', 53)),
        (socket.AF_INET6, socket.SOCK_STREAM, ('::1', {port})), (socket.AF_PACKET, socket.SOCK_RAW, ('lo', 0)),
        (socket.AF_UNIX, socket.SOCK_STREAM, '/run/docker.sock'), (socket.AF_UNIX, socket.SOCK_STREAM, '/run/dbus/system_bus_socket')]:
    try:
        s = socket.socket(family, kind); s.connect(address); print('REACHED', address)
    except OSError as error: print(error)
\"; exit 1"
            ));
            assert!(!execution.output.contains("REACHED"), "{}", execution.output);
            assert!(listener.accept().is_err());
        }
    });
}

#[test]
fn sockets_of_the_machine() {
    everywhere("sockets_of_the_machine", |ground| {
        let Some(python) = python() else { return };
        let path = ground.outside().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let name = format!("millwright-abuse-{}", std::process::id());
        let address =
            <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(&name)
                .unwrap();
        let hidden = std::os::unix::net::UnixListener::bind_addr(&address).unwrap();
        hidden.set_nonblocking(true).unwrap();
        let execution = ground.run(&format!(
            "{python} -c \"
import socket
for address in ['OUTSIDE/socket', chr(0) + '{name}']:
    try:
        socket.socket(socket.AF_UNIX).connect(address); print('REACHED', address)
    except OSError as error: print(error)
a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'; print('paired')
\""
        ));
        assert!(!execution.output.contains("REACHED"), "{}", execution.output);
        assert!(execution.output.contains("paired"), "{}", execution.output);
        assert!(listener.accept().is_err() && hidden.accept().is_err());
        drop(listener);
        fs::remove_file(path).unwrap();
        ground.is_untouched();
    });
}

/// Only behind a guard of the suite's own, which would hold the bomb if the sandbox did not.
#[test]
fn a_fork_bomb() {
    guard::behind_a_guard("a_fork_bomb", || {
        everywhere("a_fork_bomb", |ground| {
            let execution = ground.run("bomb() { bomb | bomb & }; bomb; sleep 30; echo survived");
            // Without a control group of its own the kernel bounds an ordinary user's processes but tells nobody that it
            // refused one, and a bomb that dies out at that bound between two samples, which a busy machine sets far
            // apart, is held all the same; what comes behind it goes on.
            let held_by_kernel =
                !nix::unistd::geteuid().is_root() && execution.output.contains("Cannot fork");
            if !held_by_kernel {
                assert_eq!(execution.limit, Some(LimitHit::Processes), "{execution:?}");
                assert!(!execution.output.contains("survived"));
            }
            nothing_left(ground);
        });
    });
}

/// Ends one by one, so that at no time more than a few are there, and yet many more than are allowed at once.
#[test]
fn many_processes_one_after_another() {
    everywhere("many_processes_one_after_another", |ground| {
        let execution = ground.run(
            "n=0; while [ $n -lt 150 ]; do (exit 3); (sh -c : & ); n=$((n+1)); done; echo finished; exit 4",
        );
        assert_eq!((execution.limit, execution.exit), (None, Exit::Code(4)), "{execution:?}");
        assert_eq!(execution.output, "finished\n");
    });
}

#[test]
fn a_memory_hog() {
    everywhere("a_memory_hog", |ground| {
        let mut command = ground.command("head -c 3000000000 /dev/zero | tail | wc -c; echo survived");
        command.limits.memory_bytes = 128 << 20;
        let execution = ground.run_command(&command);
        assert_eq!(execution.limit, Some(LimitHit::Memory), "{execution:?}");
        assert!(!execution.output.contains("survived"));
    });
}

/// Files in memory count as disk, and memory that nobody has mapped is not to be had.
#[test]
fn memory_by_other_doors() {
    everywhere("memory_by_other_doors", |ground| {
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
    });
}

#[test]
fn a_busy_loop_over_many_processes() {
    everywhere("a_busy_loop_over_many_processes", |ground| {
        let mut command = ground.command("for i in 1 2 3 4; do while :; do :; done & done; wait");
        command.limits.cpu = Duration::from_millis(600);
        assert_eq!(ground.run_command(&command).limit, Some(LimitHit::Cpu));
        let mut command = ground.command("sleep 30 & sleep 30");
        command.limits.wall = Duration::from_millis(300);
        let execution = ground.run_command(&command);
        assert_eq!((execution.limit, execution.exit), (Some(LimitHit::Wall), Exit::Signal(9)));
    });
}

#[test]
fn endless_output() {
    everywhere("endless_output", |ground| {
        let mut command = ground.command("echo first; yes 'all work and no play'");
        command.limits.output_bytes = 1 << 20;
        command.limits.kept_output_bytes = 4096;
        let execution = ground.run_command(&command);
        assert_eq!(execution.limit, Some(LimitHit::Output), "{execution:?}");
        assert!(execution.truncated && execution.output.len() < 8192);
        assert!(
            execution.output.starts_with("first\n") && execution.output.contains("bytes of output left out")
        );
    });
}

#[test]
fn huge_files() {
    everywhere("huge_files", |ground| {
        let mut command = ground.command("head -c 90000000 /dev/zero > big; echo status $?");
        command.limits.file_size_bytes = 8 << 20;
        let execution = ground.run_command(&command);
        assert_eq!(execution.limit, Some(LimitHit::FileSize), "{execution:?}");
        assert_eq!(fs::metadata(ground.checkout().join("big")).unwrap().len(), 8 << 20);
        let mut command = ground.command("n=0; while [ $n -lt 500 ]; do head -c 1000000 /dev/zero > part$n; n=$((n+1)); done; echo survived");
        command.limits.disk_bytes = 32 << 20;
        let execution = ground.run_command(&command);
        let written: u64 =
            fs::read_dir(ground.checkout()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
        assert!(written < 400 << 20, "{written}");
        assert_eq!(execution.limit, Some(LimitHit::Disk), "{execution:?}");
    });
}

/// Whether any process still runs that was started in this ground: its folder is in their environment.
fn nothing_left(ground: &Ground) {
    let mark = ground.folder.path().to_string_lossy().into_owned();
    let ours = std::process::id().to_string();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.parse::<u32>().is_err() || name == ours {
            continue;
        }
        let cwd = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        assert!(!cwd.starts_with(&mark) && !line.contains(&mark), "{name} is left: {line}");
    }
}

#[test]
fn daemons_of_their_own_session() {
    everywhere("daemons_of_their_own_session", |ground| {
        let started = Instant::now();
        let execution = ground.run(
            "setsid sh -c 'sleep 40; echo late > OUTSIDE/late' & (setsid setsid sh -c '(sleep 41 OUTSIDE) & (trap \"\" TERM HUP INT; sleep 42) &' &) ; nohup sleep 43 & exit 0",
        );
        assert_eq!(execution.exit, Exit::Code(0), "{}", execution.output);
        assert!(started.elapsed() < Duration::from_secs(30), "it did not wait for them");
        nothing_left(ground);
        ground.is_untouched();
    });
}

#[test]
fn signals_to_others() {
    everywhere("signals_to_others", |ground| {
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
    });
}

#[test]
fn reaching_into_the_kernel() {
    everywhere("reaching_into_the_kernel", |ground| {
        let execution = ground.run(
            "unshare -Ur true && echo DONE; unshare -m true && echo DONE; mount -t tmpfs x /mnt && echo DONE
             mount --bind OUTSIDE . && echo DONE; nsenter -t 1 -m true && echo DONE; chroot / true && echo DONE
             setpriv --reuid 0 true && echo DONE; hostname evil && echo DONE; exit 1",
        );
        assert!(
            !execution.output.contains("DONE") || nix::unistd::geteuid().is_root(),
            "{}",
            execution.output
        );
        says(&execution, &["make a namespace", "change mounts"]);
        let Some(python) = python() else { return };
        // Numbers of x86-64; other machines have others, which are as little allowed.
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
\""
        ));
        assert_eq!(execution.exit, Exit::Code(0), "{}", execution.output);
        assert!(!execution.output.contains("DONE"), "{}", execution.output);
        says(&execution, &["trace a process"]);
    });
}

#[test]
fn secrets_of_other_processes() {
    everywhere("secrets_of_other_processes", |ground| {
        let mut victim = Command::new("sleep").arg("61.5").env("THE_SECRET", "hunter2").spawn().unwrap();
        let me = std::process::id();
        let pid = victim.id();
        let execution = ground.run(&format!(
            "env; for p in {me} {pid} 1; do cat /proc/$p/environ /proc/$p/cmdline /proc/$p/maps; ls /proc/$p/fd /proc/$p/cwd/ /proc/$p/root/home; done 2>&1
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
    });
}

#[test]
fn the_environment_is_scrubbed() {
    everywhere("the_environment_is_scrubbed", |ground| {
        let mut command = ground.command("env | sed 's/=.*//' | sort | tr '\\n' ' '; echo $GIVEN");
        command.env.insert("GIVEN".into(), "given value".into());
        let execution = ground.run_command(&command);
        assert_eq!(execution.output, "GIVEN HOME LANG LC_ALL PATH PWD TMPDIR TZ given value\n");
    });
}

#[test]
fn cancelling_ends_everything() {
    everywhere("cancelling_ends_everything", |ground| {
        let cancel = CancelFlag::default();
        let command = ground.command("setsid sleep 50 OUTSIDE & touch started; sleep 50");
        std::thread::scope(|scope| {
            let run = scope.spawn(|| run_at(ground.level.ceiling, &command, &cancel));
            wait_for(&ground.checkout().join("started"));
            cancel.cancel();
            assert!(matches!(run.join().unwrap(), Err(SandboxError::Cancelled)));
        });
        nothing_left(ground);
    });
}

/// A child of this suite runs a long command and is killed; the command must go with it.
#[test]
fn dying_ends_everything() {
    const ROLE: &str = "ABUSE_DYING";
    if let Ok(role) = std::env::var(ROLE) {
        let (level, checkout) = role.split_once(':').unwrap();
        let level = levels()[level.parse::<usize>().unwrap()];
        let command = SandboxedCommand {
            script: format!("setsid sh -c 'echo $$ > started; sleep 55; : {checkout}' & sleep 55"),
            cwd: checkout.into(),
            write: vec![checkout.into()],
            ..SandboxedCommand::default()
        };
        let _ = run_at(level.ceiling, &command, &CancelFlag::default());
        return;
    }
    for (number, level) in levels().into_iter().enumerate() {
        let ground = Ground::new(level);
        let mut child = Command::new("/proc/self/exe")
            .args(["--exact", "dying_ends_everything", "--nocapture"])
            .env(ROLE, format!("{number}:{}", ground.checkout().display()))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(&ground.checkout().join("started"));
        child.kill().unwrap();
        child.wait().unwrap();
        // The stage learns of it by the end of its socket and needs a moment to kill and reap.
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

#[test]
fn loopback_of_its_own() {
    let ground = Ground::new(levels()[0]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let Some(python) = python() else { return };
    let mut command = ground.command(&format!(
        "{python} -c \"
import socket
server = socket.create_server(('127.0.0.1', 0)); client = socket.create_connection(server.getsockname(), 5)
client.send(b'x'); print(server.accept()[0].recv(1))
for address in [('127.0.0.1', {port}), ('192.0.2.1', 80)]:
    try: socket.create_connection(address, 1); print('REACHED')
    except OSError as error: print(error)
\""
    ));
    command.network = Network::Loopback;
    let execution = ground.run_command(&command);
    assert!(execution.output.starts_with("b'x'"), "{}", execution.output);
    assert!(!execution.output.contains("REACHED"), "{}", execution.output);
    assert!(listener.accept().is_err());
    let refused = run_at(Ceiling::reduced(), &command, &CancelFlag::default());
    assert!(matches!(refused, Err(SandboxError::LoopbackNeedsNamespaces { .. })));
}

#[test]
fn weaker_is_refused_unless_asked_for() {
    let ground = Ground::new(levels()[0]);
    let mut command = ground.command("echo ran");
    let none = Ceiling { level: SandboxLevel::None, ..Ceiling::default() };
    assert!(matches!(run_at(none, &command, &CancelFlag::default()), Err(SandboxError::Unavailable { .. })));
    let no_landlock = Ceiling { landlock: 0, ..Ceiling::default() };
    assert!(matches!(
        run_at(no_landlock, &command, &CancelFlag::default()),
        Err(SandboxError::Unavailable { .. })
    ));
    command.weaker = millwright_tools::process::Weaker::Allow;
    let execution = run_at(none, &command, &CancelFlag::default()).unwrap();
    assert_eq!((execution.output.as_str(), execution.level), ("ran\n", SandboxLevel::None));
}

#[test]
fn what_can_be_had_is_told() {
    everywhere("what_can_be_had_is_told", |_| {
        let probe = millwright_tools::process::probe();
        assert_eq!(probe.level, Some(SandboxLevel::Full), "{probe:?}");
        assert!(probe.mechanisms.iter().all(|mechanism| mechanism.works), "{probe:?}");
    });
}

#[test]
fn opened_files_are_reported() {
    everywhere("opened_files_are_reported", |ground| {
        fs::create_dir_all(ground.checkout().join("src/deep")).unwrap();
        for name in ["src/read.py", "src/deep/run.sh", "src/unread.py"] {
            fs::write(ground.checkout().join(name), "echo hello\n").unwrap();
        }
        let mut command =
            ground.command("cat src/read.py; sh src/deep/run.sh; ls -l src; cat OUTSIDE/secret");
        command.record_opened_under = Some(ground.checkout());
        let execution = ground.run_command(&command);
        let checkout = fs::canonicalize(ground.checkout()).unwrap();
        let opened: Vec<_> =
            execution.opened.iter().map(|path| path.strip_prefix(&checkout).unwrap().to_owned()).collect();
        assert_eq!(opened, [Path::new("src/deep/run.sh"), Path::new("src/read.py")]);
    });
}

#[test]
fn output_keeps_its_order_and_survives_bad_bytes() {
    everywhere("output_keeps_its_order_and_survives_bad_bytes", |ground| {
        let execution =
            ground.run("for i in 1 2 3; do echo out$i; echo err$i >&2; done; printf 'a\\377b\\000c'");
        assert_eq!(execution.output, "out1\nerr1\nout2\nerr2\nout3\nerr3\na\u{fffd}b\0c");
    });
}

#[test]
fn impossible_commands_are_told() {
    let ground = Ground::new(levels()[0]);
    let check = |change: fn(&mut SandboxedCommand), expected: &str| {
        let mut command = ground.command("true");
        change(&mut command);
        let error = run_at(Ceiling::default(), &command, &CancelFlag::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(|command| command.read = vec!["/nonexistent/path".into()], "No such file");
    check(|command| command.read = vec!["/".into()], "name what is needed below it");
    check(|command| command.cwd = "/usr/bin".into(), "below nothing declared");
    check(|command| command.script = "a\0b".into(), "NUL");
    check(|command| drop(command.env.insert("A=B".into(), String::new())), "impossible name");
    let mut text = String::new();
    fs::File::open(ground.outside().join("secret")).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "the secret");
}
