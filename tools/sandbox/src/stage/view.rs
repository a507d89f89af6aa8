/*!
The file system as the command in the full sandbox sees it: a small read-only root with the machine's system
folders, new `/proc`, `/dev` and `/tmp`, and the declared paths, each at its own place.

Mounts are taken as detached copies before the namespaces are entered, because only then can real root translate
owners. They are attached afterwards.
*/

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use rustix::fs::CWD;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use super::super::paths::{DEVICES, ETC_REPLACED, SYSTEM_FOLDERS, etc_entries};
use super::super::sys;
use super::super::wire::StageSpec;
use super::namespaces::{INSIDE_ID, OwnerTranslation};
use super::{Failure, refused};

/// Where the new root is assembled: a folder that every machine has and every account can reach. It is only
/// covered in the supervisor's own view.
const BASE: &str = "/usr";
const TEMP: &str = "/tmp";
const SHARED_MEMORY_BYTES: u64 = 256 << 20;

const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY | WRITABLE;
const WRITABLE: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
const DEVICE: u64 = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC;

/// A file or folder of the machine, shown at `target`.
struct Part {
    source: PathBuf,
    target: PathBuf,
    attributes: u64,
    /// Whether the path belongs to the run and not to the system, so that the command owns it.
    declared: bool,
}

/// The detached mounts, by the path where they will be shown, outer folders first.
pub(super) struct DetachedMounts(Vec<(PathBuf, Content)>);

enum Content {
    Mount { tree: OwnedFd, is_folder: bool },
    Link(PathBuf),
}

/// Owners could not be translated on a file system that contains a writable folder.
pub(super) struct NotTranslatable;

impl DetachedMounts {
    /// Detaches everything that the view consists of.
    pub(super) fn detach(
        spec: &StageSpec,
        mut translation: Option<&mut OwnerTranslation>,
    ) -> Result<Result<Self, NotTranslatable>, Failure> {
        let mut found = Vec::new();
        for part in parts(spec) {
            let Ok(meta) = fs::symlink_metadata(&part.source) else { continue };
            if meta.is_symlink() {
                let link = fs::read_link(&part.source).map_err(refused("reading a system link"))?;
                found.push((part.target, Content::Link(link)));
                continue;
            }
            let tree = open_tree(
                CWD,
                &part.source,
                OpenTreeFlags::OPEN_TREE_CLONE
                    | OpenTreeFlags::OPEN_TREE_CLOEXEC
                    | OpenTreeFlags::AT_RECURSIVE,
            );
            let tree = tree.map_err(refused(&format!("taking {}", part.source.display())))?;
            let mut translated = false;
            if let Some(translation) = translation.as_mut().filter(|_| part.declared) {
                let owner = translation.for_owner(meta.uid(), meta.gid());
                translated = sys::set_mount_attributes(tree.as_fd(), part.attributes, owner).is_ok();
                if !translated && part.attributes == WRITABLE {
                    return Ok(Err(NotTranslatable));
                }
            }
            if !translated {
                sys::set_mount_attributes(tree.as_fd(), part.attributes, None)
                    .map_err(refused(&format!("restricting {}", part.source.display())))?;
            }
            found.push((part.target, Content::Mount { tree, is_folder: meta.is_dir() }));
        }
        found.sort_by_key(|(target, _)| target.components().count());
        Ok(Ok(Self(found)))
    }

    /// Assembles the new root. Call this inside the namespaces.
    pub(super) fn assemble(self, spec: &StageSpec) -> Result<(), Failure> {
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
            .map_err(refused("detaching from the machine's mounts"))?;
        mount_tmpfs(Path::new(BASE), "size=16m,nr_inodes=16k,mode=755")?;
        for folder in ["proc", "dev", "etc", "run", "var/tmp", "sys"] {
            fs::create_dir_all(below(Path::new("/").join(folder))).map_err(refused("making the root"))?;
        }
        furnish_dev().map_err(refused("making /dev"))?;
        mount_tmpfs(
            &below("/dev/shm"),
            &format!(
                "size={},nr_inodes=16k,mode=1777",
                SHARED_MEMORY_BYTES.min(spec.limits.memory_bytes / 2)
            ),
        )?;
        let terminals = "newinstance,ptmxmode=0666,mode=0620";
        // Some machines do not allow pseudo-terminals; the sandbox works without them.
        let _ = mount(
            Some("devpts"),
            &below("/dev/pts"),
            Some("devpts"),
            MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC,
            Some(terminals),
        );
        for (target, content) in self.0 {
            let place = below(&target);
            let step = format!("showing {}", target.display());
            match content {
                Content::Link(link) => symlink(link, &place).map_err(refused(&step))?,
                Content::Mount { tree, is_folder } => {
                    make_place(&place, is_folder).map_err(refused(&step))?;
                    move_mount(tree, "", CWD, &place, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
                        .map_err(refused(&step))?;
                }
            }
        }
        write_etc().map_err(refused("making /etc"))?;
        for (name, real) in &spec.aliases {
            let place = below(name);
            if let Some(folder) = place.parent()
                && fs::symlink_metadata(&place).is_err()
                && fs::create_dir_all(folder).is_ok()
            {
                let _ = symlink(real, &place); // if the name cannot be created, the command visibly misses it
            }
        }
        Ok(())
    }
}

/// Makes the assembled view this process's root and drops the machine's. Call this in process 1 of the PID
/// namespace, because `/proc` is that process's.
pub(super) fn move_into() -> Result<(), Failure> {
    // Separate from the supervisor's namespace: changing the root affects every process in a mount namespace.
    unshare(CloneFlags::CLONE_NEWNS).map_err(refused("making a mount namespace"))?;
    let safe = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(
        Some("proc"),
        &below("/proc"),
        Some("proc"),
        safe | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY,
        None::<&str>,
    )
    .map_err(refused("mounting a fresh /proc"))?;
    nix::unistd::chdir(BASE).map_err(refused("entering the new root"))?;
    nix::unistd::pivot_root(".", ".").map_err(refused("changing the root"))?;
    umount2(".", MntFlags::MNT_DETACH).map_err(refused("leaving the old root"))?;
    nix::unistd::chdir("/").map_err(refused("entering the new root"))?;
    let frozen = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | safe;
    mount(None::<&str>, "/", None::<&str>, frozen, None::<&str>).map_err(refused("freezing the new root"))
}

fn parts(spec: &StageSpec) -> Vec<Part> {
    let part = |path: &Path, attributes, declared| Part {
        source: path.to_owned(),
        target: path.to_owned(),
        attributes,
        declared,
    };
    let mut parts: Vec<Part> = Vec::new();
    parts.extend(SYSTEM_FOLDERS.iter().map(|folder| part(Path::new(folder), READ_ONLY, false)));
    let replaced = |path: &PathBuf| ETC_REPLACED.iter().any(|name| path.ends_with(name));
    parts
        .extend(etc_entries().iter().filter(|path| !replaced(path)).map(|path| part(path, READ_ONLY, false)));
    parts.extend(DEVICES.iter().map(|name| part(&Path::new("/dev").join(name), DEVICE, false)));
    parts.push(Part { source: spec.temp.clone(), target: TEMP.into(), attributes: WRITABLE, declared: true });
    // A path inside the system folders needs a second mount only if it must be writable.
    let shown = |path: &&PathBuf| !SYSTEM_FOLDERS.iter().any(|folder| path.starts_with(folder));
    parts.extend(spec.read.iter().filter(shown).map(|path| part(path, READ_ONLY, true)));
    parts.extend(spec.write.iter().map(|path| part(path, WRITABLE, true)));
    parts
}

fn below(path: impl AsRef<Path>) -> PathBuf {
    let path = path.as_ref();
    Path::new(BASE).join(path.strip_prefix("/").unwrap_or(path))
}

/// The path at which the supervisor, which keeps its root, sees a folder as the command does: with translated
/// owners.
pub(super) fn place_of(path: &Path) -> PathBuf {
    below(path)
}

/// The same for the command's temporary folder.
pub(super) fn temp() -> PathBuf {
    below(TEMP)
}

fn mount_tmpfs(at: &Path, options: &str) -> Result<(), Failure> {
    fs::create_dir_all(at).map_err(refused("making a folder"))?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), at, Some("tmpfs"), flags, Some(options)).map_err(refused("mounting a tmpfs"))
}

fn make_place(place: &Path, is_folder: bool) -> io::Result<()> {
    if place.exists() {
        return Ok(());
    }
    if is_folder {
        return fs::create_dir_all(place);
    }
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::File::create(place).map(drop)
}

fn furnish_dev() -> io::Result<()> {
    for (name, to) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ] {
        symlink(to, below("/dev").join(name))?;
    }
    fs::create_dir_all(below("/dev/pts"))
}

/// The files of `/etc` that name accounts and hosts: only the command's own.
fn write_etc() -> io::Result<()> {
    let etc = below("/etc");
    fs::write(
        etc.join("passwd"),
        format!(
            "root:x:0:0:root:/nonexistent:/bin/sh\n\
             millwright:x:{INSIDE_ID}:{INSIDE_ID}:millwright:{TEMP}:/bin/sh\n\
             nobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n"
        ),
    )?;
    fs::write(etc.join("group"), format!("root:x:0:\nmillwright:x:{INSIDE_ID}:\nnogroup:x:65534:\n"))?;
    fs::write(etc.join("hosts"), "127.0.0.1 localhost\n::1 localhost\n")
}
