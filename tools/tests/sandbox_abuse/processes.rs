/*!
Other processes, and what is left of its own.
*/

use std::fs;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use millwright_tools::process::{CancelFlag, Exit, SandboxError, SandboxedCommand, run_at};

use crate::ground::{Ground, everywhere, levels, nothing_left, python, says, wait_for};

#[test]
fn daemons_of_their_own_session() {
    everywhere("processes::daemons_of_their_own_session", |ground| {
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
    everywhere("processes::signals_to_others", |ground| {
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
    everywhere("processes::reaching_into_the_kernel", |ground| {
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
    everywhere("processes::secrets_of_other_processes", |ground| {
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
    });
}

#[test]
fn cancelling_ends_everything() {
    everywhere("processes::cancelling_ends_everything", |ground| {
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
            .args(["--exact", "processes::dying_ends_everything", "--nocapture"])
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
