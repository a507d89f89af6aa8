/*!
Small real repositories for tests. Commit times start at a fixed moment and advance by one minute per command, so that
ids are the same on every machine.
*/

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use millwright_model::CommitId;

/// Git without the configuration of the machine or its user.
pub(crate) fn git(folder: &Path) -> Command {
    #[expect(clippy::disallowed_methods, reason = "repositories of tests are made with their own git")]
    let mut git = Command::new("git");
    git.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    git.env("HOME", "/nonexistent").env("LC_ALL", "C").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{who}_NAME"), "Millwright");
        git.env(format!("GIT_{who}_EMAIL"), "millwright@localhost");
    }
    git.args(["-c", "gc.auto=0", "-c", "core.quotePath=false", "-c", "protocol.file.allow=always"]);
    git.stdin(Stdio::null());
    git
}

/// Standard output of a git command that succeeds.
pub(crate) fn output_of(git: &mut Command) -> Vec<u8> {
    let output = git.output().unwrap();
    let arguments: Vec<&OsStr> = git.get_args().collect();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A repository with a work tree, and room for other files beside it.
pub struct TestRepo {
    folder: tempfile::TempDir,
    clock: AtomicU64,
}

impl TestRepo {
    pub fn new() -> Self {
        Self::starting_at(1_700_000_000)
    }

    /// A repository whose first commit has this time, in seconds since 1970.
    pub fn starting_at(time: u64) -> Self {
        let repo = Self { folder: tempfile::tempdir().unwrap(), clock: AtomicU64::new(time) };
        fs::create_dir_all(repo.work()).unwrap();
        repo.git(&["init", "--quiet", "--initial-branch=main", "--template="]);
        repo
    }

    /// The work tree.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    pub fn git_dir(&self) -> PathBuf {
        self.work().join(".git")
    }

    /// A folder for Millwright's own data of this repository. It does not exist yet.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A path beside the work tree.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs git in the work tree and returns its trimmed output.
    pub fn git(&self, args: &[&str]) -> String {
        self.git_as("Ada", &self.work(), args)
    }

    /// Runs git in another folder, such as a clone, and returns its trimmed output.
    pub fn git_in(&self, folder: &Path, args: &[&str]) -> String {
        self.git_as("Ada", folder, args)
    }

    fn git_as(&self, author: &str, folder: &Path, args: &[&str]) -> String {
        let time = format!("{} +0000", self.clock.fetch_add(60, Ordering::Relaxed));
        let mut git = git(folder);
        git.args(args)
            .env("GIT_AUTHOR_NAME", author)
            .env("GIT_AUTHOR_EMAIL", format!("{}@example.org", author.to_lowercase()))
            .env("GIT_AUTHOR_DATE", &time)
            .env("GIT_COMMITTER_DATE", &time);
        let output = output_of(&mut git);
        String::from_utf8_lossy(&output).trim().to_owned()
    }

    /// Clones into a folder beside the work tree, and returns its path.
    pub fn clone(&self, args: &[&str], to: &str) -> PathBuf {
        let target = self.beside(to);
        output_of(git(self.folder.path()).args(["clone", "--quiet"]).args(args).arg(&target));
        target
    }

    /// Writes files without committing them.
    pub fn write(&self, files: &[(&str, &str)]) {
        for (path, content) in files {
            let path = self.work().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }

    /// Replaces text that is in a file, without committing it.
    pub fn replace(&self, file: &str, old: &str, new: &str) {
        let path = self.work().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{text}");
        fs::write(path, text.replace(old, new)).unwrap();
    }

    /// Commits everything in the work tree, after these files are written, and returns the commit's id.
    pub fn commit(&self, message: &str, files: &[(&str, &str)]) -> CommitId {
        self.commit_as("Ada", message, files)
    }

    pub fn commit_as(&self, author: &str, message: &str, files: &[(&str, &str)]) -> CommitId {
        self.write(files);
        self.git(&["add", "--all"]);
        self.git_as(author, &self.work(), &["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    pub fn head(&self) -> CommitId {
        self.id("HEAD")
    }

    /// The full id of a revision.
    pub fn id(&self, revision: &str) -> CommitId {
        CommitId::parse(&self.git(&["rev-parse", revision])).unwrap()
    }
}

/// Every file below `root` with its content; symbolic links with their targets.
pub fn snapshot(root: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut files = std::collections::BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                files.insert(entry.path(), b"<folder>".to_vec());
                folders.push(entry.path());
            } else if kind.is_symlink() {
                files.insert(
                    entry.path(),
                    fs::read_link(entry.path()).unwrap().into_os_string().into_encoded_bytes(),
                );
            } else {
                files.insert(entry.path(), fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}
