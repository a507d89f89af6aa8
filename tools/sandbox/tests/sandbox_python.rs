/*!
Replays are mostly Python: an interpreter outside of the system folders must work in the sandbox as it does
outside.
*/
#![expect(clippy::disallowed_methods, reason = "a virtual environment is made with the machine's own Python")]

use std::path::{Path, PathBuf};
use std::process::Command;

use millwright_model::SandboxLevel;
use millwright_sandbox::{
    CancelFlag, Execution, ExitStatus, LimitHit, SandboxCeiling, SandboxedCommand, run_at,
};

millwright_sandbox::sandbox_stage_before_main!();

/// A virtual environment below `folder`, and the folder that contains its interpreter.
fn virtual_environment(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let venv = folder.join("venv");
    let made = Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(&venv).output();
    let base = Command::new("python3").args(["-c", "import sys; print(sys.base_prefix)"]).output();
    match (made, base) {
        (Ok(made), Ok(base)) if made.status.success() => {
            Some((venv, PathBuf::from(String::from_utf8_lossy(&base.stdout).trim())))
        }
        _ => {
            eprintln!("skipped: no python3 with venv on this machine");
            None
        }
    }
}

fn python(
    ceiling: SandboxCeiling,
    program: &str,
    change: impl FnOnce(&mut SandboxedCommand),
) -> Option<Execution> {
    let folder = tempfile::tempdir().ok()?;
    let (venv, base) = virtual_environment(folder.path())?;
    let checkout = folder.path().join("checkout");
    std::fs::create_dir(&checkout).ok()?;
    std::fs::write(checkout.join("program.py"), program).ok()?;
    let mut command = SandboxedCommand {
        script: format!("{}/bin/python program.py", venv.display()),
        cwd: checkout.clone(),
        read: vec![venv, base],
        write: vec![checkout],
        ..SandboxedCommand::default()
    };
    change(&mut command);
    Some(run_at(ceiling, &command, &CancelFlag::default()).expect("a sandbox"))
}

const EVERYDAY: &str = r#"
import asyncio, getpass, os, shutil, sqlite3, subprocess, sys, tempfile, threading
assert sys.prefix != sys.base_prefix
with tempfile.TemporaryDirectory() as d:
    c = sqlite3.connect(d + "/x.db"); c.execute("create table t(a)"); c.execute("insert into t values(1)"); c.commit()
    assert c.execute("select a from t").fetchall() == [(1,)]
    open(d + "/a", "w").write("x"); shutil.copy2(d + "/a", d + "/b"); os.chmod(d + "/b", 0o640); os.utime(d + "/b", (1, 1))
    assert os.stat(d + "/b").st_mtime == 1 and os.stat(d + "/b").st_mode & 0o777 == 0o640
async def main():
    p = await asyncio.create_subprocess_exec("echo", "sub", stdout=subprocess.PIPE)
    assert (await p.communicate())[0] == b"sub\n"
asyncio.run(main())
t = threading.Thread(target=print, args=("thread", getpass.getuser() != "", os.cpu_count() > 0)); t.start(); t.join()
"#;

#[test]
fn everyday_python() {
    for ceiling in [
        SandboxCeiling::default(),
        SandboxCeiling::reduced(),
        SandboxCeiling { landlock: 1, ..SandboxCeiling::reduced() },
    ] {
        let Some(execution) = python(ceiling, EVERYDAY, |_| ()) else { return };
        assert_eq!(execution.exit, ExitStatus::Code(0), "{ceiling:?}: {}", execution.output);
        assert_eq!(execution.output, "thread True True\n");
    }
}

const MULTIPROCESSING: &str = r#"
import multiprocessing as mp
def square(x): return x * x
if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        context = mp.get_context(method)
        with context.Pool(2) as pool: print(method, pool.map(square, range(4)))
        queue = context.Queue(); p = context.Process(target=queue.put, args=("hello",)); p.start(); print(queue.get()); p.join()
"#;

/// The reduced sandbox has no private shared memory, which the locks of this module need.
#[test]
fn multiprocessing_in_the_full_sandbox() {
    let Some(execution) = python(SandboxCeiling::default(), MULTIPROCESSING, |_| ()) else { return };
    if execution.level == SandboxLevel::Full {
        assert_eq!(execution.exit, ExitStatus::Code(0), "{}", execution.output);
        assert_eq!(execution.output.matches("[0, 1, 4, 9]\nhello\n").count(), 3, "{}", execution.output);
    }
}

/// A file that grows too large does not kill Python, which raises an error instead; the limit must still be
/// reported.
#[test]
fn a_file_too_large() {
    let program = "open('big', 'wb').write(bytes(20 << 20))";
    let limit = |command: &mut SandboxedCommand| command.limits.file_size_bytes = 4 << 20;
    for ceiling in [SandboxCeiling::default(), SandboxCeiling::reduced()] {
        let Some(execution) = python(ceiling, program, limit) else { return };
        assert_eq!(execution.limit, Some(LimitHit::FileSize), "{}", execution.output);
    }
}
