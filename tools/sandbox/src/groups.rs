/*!
Control groups for one run. The kernel then bounds the run's memory, including what sampling cannot see (buffers of
sockets and pipes, page tables, files in memory), and its number of processes, which nothing else bounds for root
without namespaces.

The caller creates and removes the groups, because the stage drops its privileges before the command starts. Where
no group can be created (most containers, and ordinary users without delegation), only the supervisor's sampling
applies.
*/

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{SIGKILL, kill};
use nix::sys::statfs::{CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, FsType, statfs};
use nix::unistd::Pid;

use super::sandboxed::SandboxLimits;

const PREFIX: &str = "millwright-run-";
/// Slack above the limit, so that the supervisor notices the excess and ends the command before the kernel refuses
/// new processes.
pub(super) const TASKS_SLACK: u64 = 256;
/// Slack for memory: what the kernel itself needs for the run's processes.
const MEMORY_SLACK: u64 = 32 << 20;
/// The kernel needs a moment to remove killed processes from the group.
const REMOVE_TRIES: u32 = 200;

/// When dropped, removes the groups and kills everything left in them.
#[derive(Debug, Default)]
pub(super) struct RunControlGroups {
    folders: Vec<PathBuf>,
    enforced: EnforcedLimits,
}

/// A group in which we may create another one, and the controller it offers.
#[derive(Debug, PartialEq, Eq)]
struct Parent {
    folder: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Version 1 has one hierarchy per controller.
    Tasks,
    Memory,
    /// Version 2 has one hierarchy for all controllers.
    Unified,
}

impl RunControlGroups {
    /// Creates the groups below this process's own groups, so that the bounds of those still apply.
    pub(super) fn new(limits: &SandboxLimits) -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mut groups = Self::default();
        for parent in parents(&own) {
            let known = match parent.kind {
                Kind::Tasks => groups.enforced.tasks,
                Kind::Memory => groups.enforced.memory,
                Kind::Unified => groups.enforced.tasks && groups.enforced.memory,
            };
            if known || !parent.is_a_group() {
                continue;
            }
            if let Some(enforced) = groups.make(&parent, limits) {
                groups.enforced.tasks |= enforced.tasks;
                groups.enforced.memory |= enforced.memory;
            }
        }
        groups
    }

    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    pub(super) fn enforced(&self) -> EnforcedLimits {
        self.enforced
    }

    fn make(&mut self, parent: &Parent, limits: &SandboxLimits) -> Option<EnforcedLimits> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        static SWEPT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
        let mut swept = SWEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if !swept.contains(&parent.folder) {
            sweep(&parent.folder);
            swept.push(parent.folder.clone());
        }
        drop(swept);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = parent.folder.join(format!("{PREFIX}{}-{number}", std::process::id()));
        if parent.kind == Kind::Unified && is_delegated(&parent.folder) {
            let control =
                fs::OpenOptions::new().write(true).open(parent.folder.join("cgroup.subtree_control"));
            let _ = control.and_then(|mut file| io::Write::write_all(&mut file, b"+memory +pids"));
        }
        fs::create_dir(&folder).ok()?;
        // A file exists only if the parent delegates its controller. Never create the file.
        let set = |file: &str, value: u64| {
            let file = fs::OpenOptions::new().write(true).open(folder.join(file));
            file.and_then(|mut file| io::Write::write_all(&mut file, value.to_string().as_bytes())).is_ok()
        };
        let tasks = u64::from(limits.processes) + TASKS_SLACK;
        let memory = limits.memory_bytes.saturating_add(MEMORY_SLACK);
        let enforced = match parent.kind {
            Kind::Tasks => EnforcedLimits { tasks: set("pids.max", tasks), memory: false },
            Kind::Memory => {
                let memory = set("memory.limit_in_bytes", memory) && {
                    set("memory.memsw.limit_in_bytes", memory); // only exists in kernels that account swap
                    true
                };
                EnforcedLimits { tasks: false, memory }
            }
            Kind::Unified => {
                // Without this the run could use the machine's swap.
                set("memory.swap.max", 0);
                // Without this the kernel kills only the largest process, and the rest continues until the next
                // sample.
                set("memory.oom.group", 1);
                EnforcedLimits { tasks: set("pids.max", tasks), memory: set("memory.max", memory) }
            }
        };
        if !enforced.tasks && !enforced.memory {
            remove(&folder);
            return None;
        }
        self.folders.push(folder);
        Some(enforced)
    }
}

/// Which limits the kernel enforces through the groups.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct EnforcedLimits {
    pub(super) tasks: bool,
    pub(super) memory: bool,
}

impl Parent {
    /// If no hierarchy is mounted, the folder is an ordinary one or does not exist.
    fn is_a_group(&self) -> bool {
        let expected: FsType =
            if self.kind == Kind::Unified { CGROUP2_SUPER_MAGIC } else { CGROUP_SUPER_MAGIC };
        statfs(&self.folder).is_ok_and(|found| found.filesystem_type() == expected)
    }
}

impl Drop for RunControlGroups {
    fn drop(&mut self) {
        for folder in &self.folders {
            remove(folder);
        }
    }
}

/// All processes of the group have been waited for; the kernel may still need a moment to release it.
fn remove(folder: &Path) {
    for _ in 0..REMOVE_TRIES {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                let left = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
                for pid in left.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0) {
                    let _ = kill(Pid::from_raw(pid), SIGKILL);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::debug!(path = %folder.display(), %error, "a control group was not removed");
                return;
            }
            _ => return,
        }
    }
    tracing::debug!(path = %folder.display(), "a control group could not be emptied");
}

/// Removes groups left behind by Millwright processes that were killed. The kernel refuses to remove a group that
/// still holds a process.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        let Some(owner) = owner.filter(|pid| pid.parse::<u32>().is_ok()) else { continue };
        if !Path::new("/proc").join(owner).exists() {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// Where groups can be created, from `/proc/self/cgroup`: lines of `number:controllers:path`.
fn parents(own: &str) -> Vec<Parent> {
    let below = |mount: &str, path: &str| Path::new(mount).join(path.trim_start_matches('/'));
    let mut found = Vec::new();
    for line in own.lines() {
        let Some((controllers, path)) = line.split_once(':').and_then(|(_, rest)| rest.split_once(':'))
        else {
            continue;
        };
        let has = |wanted: &str| controllers.split(',').any(|name| name == wanted);
        if has("pids") {
            found.push(Parent { folder: below("/sys/fs/cgroup/pids", path), kind: Kind::Tasks });
        }
        if has("memory") {
            found.push(Parent { folder: below("/sys/fs/cgroup/memory", path), kind: Kind::Memory });
        }
        if controllers.is_empty() {
            for mount in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
                let own = below(mount, path);
                // Version 2 delegates controllers only from groups that hold no process. If a group was delegated
                // to us and we are in a subgroup of it, its controllers are available for other subgroups.
                let above = own.parent().filter(|above| above.starts_with(mount) && is_delegated(above));
                let above = above.map(Path::to_owned);
                for folder in [Some(own), above].into_iter().flatten() {
                    found.push(Parent { folder, kind: Kind::Unified });
                }
            }
        }
    }
    found
}

/// Whether we may manage a group's children: by ownership, or by systemd's delegation mark for root's services.
/// The bounds of the service apply to these children too.
fn is_delegated(group: &Path) -> bool {
    let own = nix::unistd::geteuid();
    let owned = !own.is_root() && fs::metadata(group).is_ok_and(|meta| meta.uid() == own.as_raw());
    let marked = ["trusted.delegate", "user.delegate"].iter().any(|name| {
        let mut value = [0; 8];
        rustix::fs::getxattr(group, *name, &mut value).is_ok_and(|length| value.get(..length) == Some(b"1"))
    });
    owned || marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_of_both_versions() {
        let own = "9:name=systemd:/\n8:pids:/a/b\n4:memory:/c\n3:cpu,cpuacct:/\n0::/d e\nrubbish\n";
        let found: Vec<_> = parents(own).into_iter().map(|parent| (parent.folder, parent.kind)).collect();
        let expected = [
            ("/sys/fs/cgroup/pids/a/b", Kind::Tasks),
            ("/sys/fs/cgroup/memory/c", Kind::Memory),
            ("/sys/fs/cgroup/d e", Kind::Unified),
            ("/sys/fs/cgroup/unified/d e", Kind::Unified),
        ];
        assert_eq!(found, expected.map(|(folder, kind)| (PathBuf::from(folder), kind)));
        assert!(!Parent { folder: "/tmp".into(), kind: Kind::Unified }.is_a_group());
    }

    #[test]
    fn what_was_made_is_removed() {
        let groups = RunControlGroups::new(&SandboxLimits::default());
        let folders = groups.folders().to_vec();
        assert!(folders.iter().all(|folder| folder.is_dir()), "{folders:?}");
        drop(groups);
        assert!(folders.iter().all(|folder| !folder.exists()), "{folders:?}");
    }
}
