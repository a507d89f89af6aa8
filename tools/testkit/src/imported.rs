/*!
Small real repositories for tests, written by `git fast-import`: commits are cheap, and names, bytes and graphs can
be as unusual as a test needs.
*/

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use millwright_model::CommitId;

use crate::repository::{git, output_of};

pub struct ImportedRepo {
    folder: tempfile::TempDir,
    stream: Vec<u8>,
    commits: usize,
}

/// One change to a file.
pub enum CommittedChange<'a> {
    Write(&'a str, &'a str),
    Bytes(&'a [u8], &'a [u8]),
    Delete(&'a str),
    Rename(&'a str, &'a str),
    Submodule(&'a str),
    Executable(&'a str, &'a str),
}

impl ImportedRepo {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        output_of(git(folder.path()).args(["init", "--bare", "-q", "--template=", "repo"]));
        Self { folder, stream: Vec::new(), commits: 0 }
    }

    /// Adds a commit on `main`; returns its mark.
    pub fn commit(&mut self, message: &str, changes: &[CommittedChange<'_>]) -> usize {
        self.commit_on("main", &[], message, changes)
    }

    /// Adds a commit on a branch; `parents` are marks, empty for the branch's tip (or a new root).
    pub fn commit_on(
        &mut self,
        branch: &str,
        parents: &[usize],
        message: &str,
        changes: &[CommittedChange<'_>],
    ) -> usize {
        self.commits += 1;
        let mut out = Vec::new();
        let time = 1_700_000_000 + self.commits * 60;
        out.extend(format!("commit refs/heads/{branch}\nmark :{}\n", self.commits).bytes());
        out.extend(format!("committer A U Thor <a@example.org> {time} +0000\n").bytes());
        out.extend(format!("data {}\n{message}\n", message.len()).bytes());
        for (at, parent) in parents.iter().enumerate() {
            let word = if at == 0 { "from" } else { "merge" };
            out.extend(format!("{word} :{parent}\n").bytes());
        }
        for change in changes {
            let mut write = |mode: &str, path: &[u8], content: &[u8]| {
                out.extend(format!("M {mode} inline ").bytes());
                out.extend(quoted(path));
                out.extend(format!("\ndata {}\n", content.len()).bytes());
                out.extend(content);
                out.push(b'\n');
            };
            match change {
                CommittedChange::Write(path, content) => write("100644", path.as_bytes(), content.as_bytes()),
                CommittedChange::Bytes(path, content) => write("100644", path, content),
                CommittedChange::Executable(path, content) => {
                    write("100755", path.as_bytes(), content.as_bytes())
                }
                CommittedChange::Delete(path) => out.extend(format!("D {path}\n").bytes()),
                CommittedChange::Rename(from, to) => out.extend(format!("R {from} {to}\n").bytes()),
                CommittedChange::Submodule(path) => {
                    out.extend(format!("M 160000 {} {path}\n", "1234567890".repeat(4)).bytes());
                }
            }
        }
        out.push(b'\n');
        self.stream.extend(out);
        self.commits
    }

    /// Imports everything that was added; returns the ids of all commits, indexed by mark - 1.
    pub fn import(&mut self) -> Vec<CommitId> {
        let git_dir = self.path();
        let (marks, known) = (self.folder.path().join("marks"), self.folder.path().join("marks"));
        let mut import = git(&git_dir);
        import.args(["fast-import", "--quiet", "--force"]).stdin(Stdio::piped());
        if known.exists() {
            import.arg(format!("--import-marks={}", known.display()));
        }
        let mut importing = import.arg(format!("--export-marks={}", marks.display())).spawn().unwrap();
        importing.stdin.take().unwrap().write_all(&self.stream).unwrap();
        assert!(importing.wait().unwrap().success(), "git fast-import failed; see above");
        self.stream.clear();
        let mut ids: Vec<(usize, CommitId)> = std::fs::read_to_string(&marks)
            .unwrap()
            .lines()
            .filter_map(|line| line.strip_prefix(':')?.split_once(' '))
            .map(|(mark, id)| (mark.parse().unwrap(), CommitId::parse(id).unwrap()))
            .filter(|(mark, _)| *mark <= self.commits)
            .collect();
        ids.sort();
        output_of(git(&git_dir).args(["symbolic-ref", "HEAD", "refs/heads/main"]));
        ids.into_iter().map(|(_, id)| id).collect()
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// A folder for Millwright's own data, by its name. It does not exist yet.
    pub fn data(&self, data: &str) -> PathBuf {
        self.folder.path().join(Path::new(data))
    }
}

fn quoted(path: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for byte in path {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            b'\n' => out.extend(b"\\n"),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
    out
}
