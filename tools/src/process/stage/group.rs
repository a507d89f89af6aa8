/*!
A control group of the run's own that bounds how many processes it holds, for root without namespaces: the kernel
limits the processes of every account but root's, and a fork bomb that is only sampled can be outrun. Where no such
group can be made (in most containers), sampling and killing whole process groups at once have to do.
*/

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::namespaces;

const PREFIX: &str = "millwright-run-";
/// How long the kernel may take to empty the group of what was killed.
const EMPTIED_WITHIN: Duration = Duration::from_secs(5);

/// Removed, with whatever is left in it, when dropped.
pub(super) struct ProcessGroup {
    folder: PathBuf,
}

impl ProcessGroup {
    /// Below this process's own group, so that what bounds that holds on.
    pub(super) fn with_room_for(tasks: u64) -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        hierarchies(&own).into_iter().find_map(|parent| {
            let folder = parent.join(format!("{PREFIX}{}", std::process::id()));
            sweep(&parent);
            fs::create_dir(&folder).ok()?;
            let group = Self { folder };
            // In version 2 the file is there only if the parent hands the controller on. It is never created.
            let bound = fs::OpenOptions::new().write(true).open(group.folder.join("pids.max"));
            io::Write::write_all(&mut bound.ok()?, tasks.to_string().as_bytes()).ok()?;
            Some(group)
        })
    }

    /// Whether the kernel has refused to start a process because the group was full. A bomb that dies out at that
    /// bound may never be seen by who counts processes now and then.
    pub(super) fn was_full(&self) -> bool {
        let events = fs::read_to_string(self.folder.join("pids.events")).unwrap_or_default();
        let refused = events.lines().filter_map(|line| line.strip_prefix("max "));
        refused.filter_map(|count| count.trim().parse::<u64>().ok()).any(|count| count > 0)
    }

    /// Takes in this process and whatever it starts from now on.
    pub(super) fn join(&self) -> io::Result<()> {
        fs::write(self.folder.join("cgroup.procs"), std::process::id().to_string())
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        let deadline = Instant::now() + EMPTIED_WITHIN;
        while fs::remove_dir(&self.folder).is_err() && Instant::now() < deadline {
            let left = fs::read_to_string(self.folder.join("cgroup.procs")).unwrap_or_default();
            for pid in left.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0) {
                namespaces::kill(Pid::from_raw(pid));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Removes groups of supervisors that were killed. The kernel removes none that holds a process.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// Where groups that count processes can be made, from `/proc/self/cgroup`: lines of `number:controllers:path`.
fn hierarchies(own: &str) -> Vec<PathBuf> {
    let below = |mount: &str, path: &str| Path::new(mount).join(path.trim_start_matches('/'));
    let lines = own.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    lines
        .filter_map(|(controllers, path)| match controllers {
            "" => Some(below("/sys/fs/cgroup", path)),
            _ if controllers.split(',').any(|name| name == "pids") => {
                Some(below("/sys/fs/cgroup/pids", path))
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_of_both_versions() {
        let found = hierarchies("9:name=systemd:/\n8:pids:/a/b\n4:memory:/c\n0::/d e\nrubbish\n");
        assert_eq!(found, [Path::new("/sys/fs/cgroup/pids/a/b"), Path::new("/sys/fs/cgroup/d e")]);
    }
}
