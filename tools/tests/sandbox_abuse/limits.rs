/*!
Bounds on processes, memory, time, output and disk.
*/

use std::fs;
use std::path::Path;
use std::time::Duration;

use millwright_tools::process::{Exit, LimitHit};

use crate::ground::{everywhere, nothing_left, python};
use crate::guard;

/// Only behind a guard of the suite's own, which would hold the bomb if the sandbox did not.
#[test]
fn a_fork_bomb() {
    guard::behind_a_guard("limits::a_fork_bomb", || {
        everywhere("limits::a_fork_bomb", |ground| {
            let execution = ground.run("bomb() { bomb | bomb & }; bomb; sleep 10; echo survived");
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
    everywhere("limits::many_processes_one_after_another", |ground| {
        let execution = ground.run(
            "n=0; while [ $n -lt 150 ]; do (exit 3); (sh -c : & ); n=$((n+1)); done; echo finished; exit 4",
        );
        assert_eq!((execution.limit, execution.exit), (None, Exit::Code(4)), "{execution:?}");
        assert_eq!(execution.output, "finished\n");
    });
}

#[test]
fn a_memory_hog() {
    everywhere("limits::a_memory_hog", |ground| {
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
    everywhere("limits::memory_by_other_doors", |ground| {
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
    everywhere("limits::a_busy_loop_over_many_processes", |ground| {
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
    everywhere("limits::endless_output", |ground| {
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
    everywhere("limits::huge_files", |ground| {
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
