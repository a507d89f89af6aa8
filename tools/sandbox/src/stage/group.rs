/*!
The stage's side of the run's control groups: joins them and reads their events. All files are opened while the
stage still has the caller's rights, which it drops before the command starts; the kernel checks a move into a
group against the rights of the process that opened the file.
*/

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

#[derive(Default)]
pub(super) struct JoinedControlGroups {
    members: Vec<File>,
    /// Counters of refused process starts.
    tasks: Vec<EventCounter>,
    /// Counters of processes killed for lack of memory.
    memory: Vec<EventCounter>,
}

/// A counter of a group that only grows. A run that is retried at another level reuses its groups, so the count at
/// the start does not belong to this attempt.
struct EventCounter {
    file: File,
    word: &'static str,
    before: u64,
}

impl EventCounter {
    fn open(path: &Path, word: &'static str) -> Option<Self> {
        let file = File::open(path).ok()?;
        let before = count(&file, word);
        Some(Self { file, word, before })
    }

    fn has_grown(&self) -> bool {
        count(&self.file, self.word) > self.before
    }
}

impl JoinedControlGroups {
    pub(super) fn open(folders: &[PathBuf]) -> Self {
        let mut groups = Self::default();
        for folder in folders {
            groups.members.extend(File::options().write(true).open(folder.join("cgroup.procs")));
            groups.tasks.extend(EventCounter::open(&folder.join("pids.events"), "max "));
            for events in ["memory.events", "memory.oom_control"] {
                groups.memory.extend(EventCounter::open(&folder.join(events), "oom_kill "));
            }
        }
        groups
    }

    /// Moves this process, and everything it starts from now on, into the groups. If one group refuses, the others
    /// and the supervisor's sampling still bound the run.
    pub(super) fn join(&self) {
        for members in &self.members {
            let _ = members.write_at(b"0", 0);
        }
    }

    /// Whether the kernel has refused to start a process because a group was full. A fork bomb that dies out at
    /// that bound may never be seen by periodic sampling.
    pub(super) fn were_full(&self) -> bool {
        self.tasks.iter().any(EventCounter::has_grown)
    }

    /// Whether the kernel has killed a process because a group ran out of memory.
    pub(super) fn were_out_of_memory(&self) -> bool {
        self.memory.iter().any(EventCounter::has_grown)
    }
}

/// The number after a word at the start of a line.
fn count(events: &File, word: &str) -> u64 {
    let mut text = [0; 1024];
    let length = events.read_at(&mut text, 0).unwrap_or(0);
    let text = String::from_utf8_lossy(text.get(..length).unwrap_or_default()).into_owned();
    let number = text.lines().find_map(|line| line.strip_prefix(word));
    number.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn group(parent: &Path, name: &str, starts_refused: u32, killed: u32) -> PathBuf {
        let folder = parent.join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("cgroup.procs"), "").unwrap();
        fs::write(folder.join("pids.events"), format!("max {starts_refused}\n")).unwrap();
        fs::write(folder.join("memory.events"), format!("low 7\noom 9\noom_kill {killed}\n")).unwrap();
        folder
    }

    #[test]
    fn events_of_an_earlier_attempt_do_not_count() {
        let parent = tempfile::tempdir().unwrap();
        let groups = JoinedControlGroups::open(&[group(parent.path(), "group", 3, 2)]);
        assert!(!groups.were_full() && !groups.were_out_of_memory());
        group(parent.path(), "group", 3, 3);
        assert!(!groups.were_full() && groups.were_out_of_memory());
        group(parent.path(), "group", 4, 3);
        assert!(groups.were_full());
    }

    #[test]
    fn a_group_that_refuses_keeps_nobody_out_of_the_next() {
        let parent = tempfile::tempdir().unwrap();
        let mut groups = JoinedControlGroups::open(&[group(parent.path(), "second", 0, 0)]);
        groups.members.insert(0, File::open(parent.path().join("second/cgroup.procs")).unwrap());
        groups.join();
        assert_eq!(fs::read(parent.path().join("second/cgroup.procs")).unwrap(), b"0");
    }
}
