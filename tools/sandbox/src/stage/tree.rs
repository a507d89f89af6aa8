/*!
Counts what a tree of processes uses, from `/proc`, because control groups are seldom writable for us.

In the full sandbox the tree is everything in the PID namespace, listed by the namespace's own `/proc`. In the
reduced one it is every descendant of the supervisor, which adopts orphans, so no process escapes by detaching.
*/

use std::collections::HashSet;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};

/// What a descriptor can hold in the kernel: two pages, for a pipe beyond the 64 MiB that a user has for all
/// pipes. Sockets, which hold more, are counted separately.
const DESCRIPTOR_BYTES: u64 = 8192;
/// In a smaller address space, page tables are ignored: they take at most 1/512 of it.
const SMALL_ADDRESS_SPACE: u64 = 4 << 30;

pub(super) enum ProcessTree {
    /// An open `/proc` of the namespace.
    Namespace(OwnedFd),
    /// The descendants of this process.
    Descendants,
}

#[derive(Debug, Default)]
pub(super) struct TreeSample {
    /// Processes and threads.
    pub(super) tasks: u64,
    pub(super) cpu: Duration,
    /// Summed over processes; shared pages count more than once.
    pub(super) resident_bytes: u64,
    /// Page tables, and an upper bound for what descriptors hold.
    pub(super) kernel_bytes: u64,
    pub(super) written_bytes: u64,
    pids: Vec<i32>,
}

/// One line of `/proc/PID/stat`, as far as needed.
struct Stat {
    /// Whether the thread has ended and was not reaped yet. For the first thread, this says nothing about the
    /// others.
    is_over: bool,
    ticks: u64,
    threads: u64,
    virtual_bytes: u64,
    resident_pages: u64,
    group: i32,
}

impl ProcessTree {
    pub(super) fn sample(&self) -> TreeSample {
        let mut sample = TreeSample { pids: self.pids(), ..TreeSample::default() };
        let mut ticks = 0;
        for pid in &mut sample.pids {
            let Some(mut stat) = self.stat(*pid) else { continue };
            if stat.is_over && stat.threads > 1 {
                let Some((thread, other)) = self.living_thread(*pid) else { continue };
                (*pid, stat) = (thread, other);
            }
            ticks += stat.ticks;
            sample.written_bytes += self.written_bytes(*pid);
            if !self.is_ours(*pid) {
                sample.tasks += stat.threads;
                sample.resident_bytes += stat.resident_pages * page_bytes();
                sample.kernel_bytes += self.page_table_bytes(*pid, &stat);
                sample.kernel_bytes += self.descriptors(*pid).saturating_mul(DESCRIPTOR_BYTES);
            }
        }
        sample.cpu = Duration::from_millis(ticks * 1000 / ticks_per_second());
        if let (Self::Descendants, Ok(reaped)) = (self, getrusage(UsageWho::RUSAGE_CHILDREN)) {
            for time in [reaped.user_time(), reaped.system_time()] {
                sample.cpu += Duration::from_micros(
                    u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap_or(0),
                );
            }
            sample.written_bytes += self.written_bytes(std::process::id().cast_signed());
        }
        sample
    }

    /// Whether a single process has more private memory than this. Does not walk its memory, which would have to
    /// wait for a process that is busy allocating.
    pub(super) fn has_one_beyond(&self, sample: &TreeSample, bytes: u64) -> bool {
        let own = |pid: &i32| {
            let text = fs::read_to_string(self.entry(*pid).join("statm")).ok()?;
            let mut pages = text.split(' ').skip(1).map(|field| field.parse::<u64>().ok());
            let (resident, shared) = (pages.next()??, pages.next()??);
            Some(resident.saturating_sub(shared).saturating_mul(page_bytes()))
        };
        sample
            .pids
            .iter()
            .filter(|pid| !self.is_ours(**pid))
            .any(|pid| own(pid).is_some_and(|own| own > bytes))
    }

    /// Memory in use, with shared pages counted once. Walks all of the memory.
    pub(super) fn proportional_bytes(&self, sample: &TreeSample) -> u64 {
        let of = |pid: &i32| {
            let text = fs::read_to_string(self.entry(*pid).join("smaps_rollup")).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
        };
        let resident = |pid: &i32| self.stat(*pid).map_or(0, |stat| stat.resident_pages * page_bytes());
        let others = sample.pids.iter().filter(|pid| !self.is_ours(**pid));
        others.map(|pid| of(pid).unwrap_or_else(|| resident(pid))).sum()
    }

    /// All current processes of the tree, by their number in the tree's `/proc`.
    pub(super) fn pids(&self) -> Vec<i32> {
        match self {
            Self::Namespace(proc) => numbers_in(format!("/proc/self/fd/{}", proc.as_raw_fd())),
            Self::Descendants => descendants(std::process::id().cast_signed()),
        }
    }

    /// Whether there are more processes than allowed. In a PID namespace the check is cheap enough to run often: a
    /// fork bomb that hits the kernel's limit dies out before the next sample. Elsewhere, a growing number for the
    /// whole machine says when a closer look is needed.
    pub(super) fn is_crowded(&self, allowed: u32, machine_before: u16) -> bool {
        let may_be = match self {
            Self::Namespace(_) => true,
            Self::Descendants => u32::from(machine_tasks().saturating_sub(machine_before)) > allowed,
        };
        may_be && self.pids().len() > usize::try_from(allowed).unwrap_or(usize::MAX)
    }

    pub(super) fn contains_group(&self, group: i32) -> bool {
        self.pids().iter().any(|pid| self.stat(*pid).is_some_and(|stat| stat.group == group))
    }

    /// The init of the namespace belongs to us, not to the command.
    fn is_ours(&self, pid: i32) -> bool {
        matches!(self, Self::Namespace(_)) && pid == 1
    }

    fn entry(&self, pid: i32) -> PathBuf {
        match self {
            Self::Namespace(proc) => format!("/proc/self/fd/{}/{pid}", proc.as_raw_fd()).into(),
            Self::Descendants => format!("/proc/{pid}").into(),
        }
    }

    /// A thread that represents the process when its first thread has ended. The first thread's entry then shows
    /// neither memory nor open files, although the other threads still use both.
    fn living_thread(&self, pid: i32) -> Option<(i32, Stat)> {
        let threads = numbers_in(self.entry(pid).join("task")).into_iter();
        let stats = threads.filter_map(|thread| Some((thread, self.stat(thread)?)));
        stats.into_iter().find(|(_, stat)| !stat.is_over)
    }

    fn stat(&self, pid: i32) -> Option<Stat> {
        parse_stat(&fs::read(self.entry(pid).join("stat")).ok()?)
    }

    /// Size of the page tables, which depends on the address space, not on its resident part. Only read if they
    /// can be large.
    fn page_table_bytes(&self, pid: i32, stat: &Stat) -> u64 {
        if stat.virtual_bytes < SMALL_ADDRESS_SPACE {
            return 0;
        }
        let text = fs::read_to_string(self.entry(pid).join("status")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmPTE:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().map_or(0, |kilobytes| kilobytes * 1024)
    }

    /// Number of open files. Since Linux 6.2 it is the size of the folder that lists them.
    fn descriptors(&self, pid: i32) -> u64 {
        let folder = self.entry(pid).join("fd");
        match fs::metadata(&folder).map(|meta| meta.len()) {
            Ok(0) => fs::read_dir(&folder).map_or(0, |entries| entries.count() as u64),
            Ok(number) => number,
            Err(_) => 0,
        }
    }

    fn written_bytes(&self, pid: i32) -> u64 {
        let text = fs::read_to_string(self.entry(pid).join("io")).unwrap_or_default();
        let field = |name| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            value.trim().parse::<u64>().unwrap_or(0)
        };
        field("write_bytes:").saturating_sub(field("cancelled_write_bytes:"))
    }
}

/// Processes and threads on the whole machine, by one system call.
pub(super) fn machine_tasks() -> u16 {
    nix::sys::sysinfo::sysinfo().map_or(0, |info| info.process_count())
}

/// The process groups of descendants. The command began a session, and no group spans sessions, so each group
/// contains only descendants; but before that, the command is in this process's own group.
pub(super) fn groups_of(pids: &[i32]) -> HashSet<i32> {
    let own = nix::unistd::getpgrp().as_raw();
    let groups = pids.iter().filter_map(|pid| parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?));
    groups.map(|stat| stat.group).filter(|group| *group > 1 && *group != own).collect()
}

/// Processes and threads of this process's user on the whole machine.
pub(super) fn tasks_of_user() -> u64 {
    let own = nix::unistd::getuid().as_raw();
    let mine = numbers_in("/proc").into_iter().map(|pid| format!("/proc/{pid}")).filter(|entry| {
        fs::metadata(entry).is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == own)
    });
    mine.filter_map(|entry| parse_stat(&fs::read(format!("{entry}/stat")).ok()?))
        .map(|stat| stat.threads)
        .sum()
}

/// The fields after the command's name, which may itself contain spaces and parentheses.
fn parse_stat(line: &[u8]) -> Option<Stat> {
    let after_name = line.iter().rposition(|byte| *byte == b')')? + 1;
    let text = std::str::from_utf8(line.get(after_name..)?).ok()?;
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    // Numbered as in proc_pid_stat(5), where the state after the name is field 3.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat {
        is_over: matches!(fields.first().copied(), Some("Z" | "X")),
        ticks: field(14)? + field(15)? + field(16)? + field(17)?,
        threads: field(20)?,
        virtual_bytes: field(23)?,
        resident_pages: field(24)?,
        group: fields.get(5 - 3)?.parse().ok()?,
    })
}

fn descendants(of: i32) -> Vec<i32> {
    let mut seen = HashSet::new();
    let mut open = vec![of];
    while let Some(pid) = open.pop() {
        for child in children(pid) {
            if seen.insert(child) {
                open.push(child);
            }
        }
    }
    seen.into_iter().collect()
}

fn children(of: i32) -> Vec<i32> {
    let listed = |thread: i32| fs::read_to_string(format!("/proc/{of}/task/{thread}/children"));
    let Ok(mut text) = listed(of) else { return children_by_scan(of) };
    if fs::metadata(format!("/proc/{of}/task"))
        .is_ok_and(|meta| std::os::unix::fs::MetadataExt::nlink(&meta) > 3)
    {
        for thread in numbers_in(format!("/proc/{of}/task")).into_iter().filter(|thread| *thread != of) {
            text.push_str(&listed(thread).unwrap_or_default());
        }
    }
    text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// For kernels built without lists of children.
fn children_by_scan(of: i32) -> Vec<i32> {
    let parent = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/stat")).ok()?;
        let after_name = line.iter().rposition(|byte| *byte == b')')? + 1;
        let text = String::from_utf8_lossy(line.get(after_name..)?).into_owned();
        text.split_ascii_whitespace().nth(1)?.parse::<i32>().ok()
    };
    numbers_in("/proc").into_iter().filter(|pid| parent(pid) == Some(of)).collect()
}

fn numbers_in(folder: impl AsRef<Path>) -> Vec<i32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// How much the in-memory folders have grown since the start: writes there are not counted for any process.
pub(super) struct FoldersInMemory(Vec<(fs::File, u64)>);

impl FoldersInMemory {
    pub(super) fn among<'a>(folders: impl Iterator<Item = &'a PathBuf>) -> Self {
        let in_memory = folders.filter_map(|folder| fs::File::open(folder).ok()).filter(|folder| {
            nix::sys::statfs::fstatfs(folder)
                .is_ok_and(|stat| stat.filesystem_type() == nix::sys::statfs::TMPFS_MAGIC)
        });
        Self(
            in_memory
                .map(|folder| (bytes_used(&folder), folder))
                .map(|(used, folder)| (folder, used))
                .collect(),
        )
    }

    /// The largest growth of a single file system. Other programs may have caused part of it.
    pub(super) fn grown_bytes(&self) -> u64 {
        self.0.iter().map(|(folder, before)| bytes_used(folder).saturating_sub(*before)).max().unwrap_or(0)
    }
}

fn bytes_used(folder: &fs::File) -> u64 {
    nix::sys::statvfs::fstatvfs(folder).map_or(0, |stat| {
        stat.blocks().saturating_sub(stat.blocks_free()).saturating_mul(stat.fragment_size())
    })
}

fn page_bytes() -> u64 {
    u64::try_from(rustix::param::page_size()).unwrap_or(4096)
}

fn ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let line = b"7 (a) b (c) S 1 70 7 0 -1 4194304 10 0 0 0 3 4 5 6 20 0 9 0 100 1000 250 1 1";
        let stat = parse_stat(line).unwrap();
        assert_eq!((stat.ticks, stat.threads, stat.resident_pages, stat.group), (18, 9, 250, 70));
        assert!(!stat.is_over);
        assert!(
            parse_stat(b"7 (a) Z 1 70 7 0 -1 4194304 10 0 0 0 3 4 5 6 20 0 9 0 100 0 0 1 1").unwrap().is_over
        );
        assert!(parse_stat(b"").is_none());
        assert!(parse_stat(b"7 (x) S 1").is_none());
        assert!(parse_stat(b"7 (x) S a b c \xff").is_none());
    }
}
