/*!
Records which files below a folder the command opens, with an inotify watch on every folder in it.

An unprivileged process has no cheaper way: tracing and seccomp notification would stop the command at every call,
access times are too coarse, and fanotify needs privileges to watch more than single files. The cost is one watch
per folder, set before the command starts. Folders created later are watched as soon as they are noticed.
*/

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

const MAX_FOLDERS: usize = 60_000;
const MAX_FILES: usize = 100_000;

pub(super) struct StageWatch {
    inotify: Inotify,
    folders: HashMap<WatchDescriptor, PathBuf>,
    opened: BTreeSet<PathBuf>,
}

impl StageWatch {
    pub(super) fn on(folder: &Path) -> nix::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let mut watch = Self { inotify, folders: HashMap::new(), opened: BTreeSet::new() };
        watch.add(folder);
        Ok(watch)
    }

    /// Reads the events since the last call.
    pub(super) fn collect(&mut self) {
        while let Ok(events) = self.inotify.read_events() {
            for event in events {
                let Some(folder) = self.folders.get(&event.wd) else { continue };
                let Some(name) = event.name else { continue };
                let path = folder.join(name);
                let is_folder = event.mask.contains(AddWatchFlags::IN_ISDIR);
                if is_folder && event.mask.contains(AddWatchFlags::IN_CREATE) {
                    self.add(&path);
                } else if !is_folder
                    && event.mask.contains(AddWatchFlags::IN_OPEN)
                    && self.opened.len() < MAX_FILES
                {
                    self.opened.insert(path);
                }
            }
        }
    }

    pub(super) fn into_opened(mut self) -> Vec<PathBuf> {
        self.collect();
        self.opened.into_iter().collect()
    }

    /// Watches a folder and its subfolders, without following symbolic links.
    fn add(&mut self, folder: &Path) {
        let kinds = AddWatchFlags::IN_OPEN | AddWatchFlags::IN_CREATE;
        let flags = kinds | AddWatchFlags::IN_ONLYDIR | AddWatchFlags::IN_DONT_FOLLOW;
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            if self.folders.len() >= MAX_FOLDERS {
                return;
            }
            // If the user has no watches left, the existing ones still record something.
            let Ok(watched) = self.inotify.add_watch(&folder, flags) else { return };
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            open.extend(entries.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()));
            self.folders.insert(watched, folder);
        }
    }
}

impl AsFd for StageWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
