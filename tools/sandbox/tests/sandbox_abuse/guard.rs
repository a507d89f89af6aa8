/*!
Stops a fork bomb if the sandbox under test does not. As root, the suite's own control group bounds the number of
processes; as an ordinary user, the kernel's limit per account does. Without either, the bomb is not started.
*/

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::checks::not_tried;

/// Processes and threads of one guarded case, including the suite's own. More than the tested sandboxes allow with
/// all their slack, so that the guard never ends the bomb first.
const IN_GROUP: &str = "900";
const MORE_OF_ACCOUNT: u64 = 700;
const BEHIND_GROUP: &str = "ABUSE_BEHIND_GROUP";

pub(crate) fn is_behind_one() -> bool {
    std::env::var_os(BEHIND_GROUP).is_some()
}

/// Runs `case`, the check named `check` at `level`, so that it cannot hurt the machine.
pub(crate) fn behind_a_guard(check: &str, level: &str, case: impl Fn()) {
    if !nix::unistd::geteuid().is_root() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NPROC).unwrap();
        let allowed = hard.min(threads_of_account() + MORE_OF_ACCOUNT);
        setrlimit(Resource::RLIMIT_NPROC, allowed, allowed).unwrap();
        return case();
    }
    if is_behind_one() {
        return case();
    }
    let Some(group) = Group::new() else {
        return not_tried("root needs a control group that bounds processes, and none can be made here");
    };
    // The shell joins the group before it becomes the suite, so that nothing starts outside of the group.
    let status = Command::new("/bin/sh")
        .args(["-c", "echo $$ > \"$1\" && exec \"$2\" --exact \"$3\" --level \"$4\"", "sh"])
        .arg(group.folder.join("cgroup.procs"))
        .arg(fs::read_link("/proc/self/exe").unwrap())
        .args([check, level])
        .env(BEHIND_GROUP, "1")
        .status()
        .unwrap();
    let refused = group.refused_starts();
    drop(group);
    assert!(status.success(), "{check} behind its guard");
    assert_eq!(refused, 0, "the guard had to hold what the sandbox should have held");
}

/// The kernel's limit per account also counts other processes of this user.
fn threads_of_account() -> u64 {
    let own = nix::unistd::getuid().as_raw();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let mine = entries.filter(|entry| entry.metadata().is_ok_and(|meta| meta.uid() == own));
    mine.filter_map(|entry| Some(fs::read_dir(entry.path().join("task")).ok()?.count() as u64)).sum()
}

/// A control group that bounds its number of processes. Everything left in it is killed when it is dropped.
struct Group {
    folder: PathBuf,
}

impl Group {
    /// In the `pids` hierarchy of version 1, or below the root of version 2.
    fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].into_iter().find_map(|hierarchy| {
            let folder =
                Path::new(hierarchy).join(format!("millwright-abuse-{}-{number}", std::process::id()));
            fs::create_dir(&folder).ok()?;
            let group = Self { folder };
            let is_bounded = group.folder.join("pids.max").exists()
                && fs::write(group.folder.join("pids.max"), IN_GROUP).is_ok()
                && group.folder.join("cgroup.procs").exists();
            is_bounded.then_some(group)
        })
    }

    /// How often the bound was reached.
    fn refused_starts(&self) -> u64 {
        let events = fs::read_to_string(self.folder.join("pids.events")).unwrap();
        let times = events.lines().find_map(|line| line.strip_prefix("max "));
        times.and_then(|times| times.trim().parse().ok()).unwrap()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while fs::remove_dir(&self.folder).is_err() && self.folder.exists() && Instant::now() < deadline {
            let left = fs::read_to_string(self.folder.join("cgroup.procs")).unwrap_or_default();
            for pid in left.lines().filter_map(|line| line.parse().ok()) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
