/*!
Small real repositories for tests, made by the trusted git. Commit times start at a fixed moment and advance by one
minute per commit, so that ids are the same on every machine.
*/

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use millwright_model::CommitId;
use millwright_sandbox::trusted;

use crate::Repo;

pub struct TestRepo {
    folder: tempfile::TempDir,
    clock: AtomicU64,
}

impl TestRepo {
    pub fn new() -> Self {
        let repo = Self { folder: tempfile::tempdir().unwrap(), clock: AtomicU64::new(1_700_000_000) };
        fs::create_dir_all(repo.work()).unwrap();
        repo.git(&["init", "--quiet", "--initial-branch=main", "--template="]);
        repo
    }

    /// The work tree.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("clone")
    }

    pub fn git_dir(&self) -> PathBuf {
        self.work().join(".git")
    }

    /// The data folder for [`Repo::open`].
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder next to the work tree.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn open(&self) -> Repo {
        Repo::open(&self.work(), &self.data()).unwrap()
    }

    /// Runs git in the work tree and returns its trimmed output.
    pub fn git(&self, args: &[&str]) -> String {
        self.git_as("Ada", args)
    }

    fn git_as(&self, author: &str, args: &[&str]) -> String {
        let time = format!("{} +0000", self.clock.fetch_add(60, Ordering::Relaxed));
        let output = trusted::git(&self.git_dir())
            .args(args)
            .work_tree(&self.work())
            .env("GIT_AUTHOR_NAME", author)
            .env("GIT_AUTHOR_EMAIL", format!("{}@example.org", author.to_lowercase()))
            .env("GIT_AUTHOR_DATE", &time)
            .env("GIT_COMMITTER_DATE", &time)
            .output()
            .unwrap_or_else(|error| panic!("git {args:?}: {error}"));
        String::from_utf8_lossy(&output).trim().to_owned()
    }

    /// Runs git without a work tree and with the file transport allowed, to clone into sibling folders.
    pub fn clone(&self, args: &[&str], to: &str) -> PathBuf {
        let target = self.beside(to);
        trusted::git(&self.git_dir())
            .args(["-c", "protocol.file.allow=always", "clone", "--quiet"])
            .args(args)
            .arg(&target)
            .output()
            .unwrap_or_else(|error| panic!("git clone {args:?}: {error}"));
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

    /// Commits everything in the work tree and returns the commit's id.
    pub fn commit(&self, message: &str, files: &[(&str, &str)]) -> CommitId {
        self.commit_as("Ada", message, files)
    }

    pub fn commit_as(&self, author: &str, message: &str, files: &[(&str, &str)]) -> CommitId {
        self.write(files);
        self.git(&["add", "--all"]);
        self.git_as(author, &["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    pub fn head(&self) -> CommitId {
        CommitId::parse(&self.git(&["rev-parse", "HEAD"])).unwrap()
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
