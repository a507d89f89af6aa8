/*!
The repository under investigation, and the git directory of ours that borrows its objects.

Nothing is ever written below the user's `.git`. Trusted git processes run on `Repo::borrowed()`: a bare
repository in the data folder whose `objects/info/alternates` points at the user's objects and whose
configuration is ours alone, so hostile configuration, hooks, filters and replace refs are never read.
*/

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::process::trusted::{self, GitError};

#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    #[error("{path} is not a git repository; give the folder of a clone with --repo")]
    NotARepository { path: PathBuf },
    #[error("{path} has no commits yet; there is no history to investigate")]
    Empty { path: PathBuf },
    #[error(
        "{path} is a partial clone (some objects are only at its remote); \
         run `git -C {path} fetch --refetch --no-filter` first, Millwright never fetches by itself here"
    )]
    Partial { path: PathBuf },
    #[error("{path} uses the {format} object format; only sha1 repositories can be read so far")]
    ObjectFormat { path: PathBuf, format: String },
    #[error("no revision {revision:?} in {path}{hint}")]
    UnknownRevision { revision: String, path: PathBuf, hint: String },
    #[error("{good} is not an ancestor of {bad}; --good must be an older revision that {bad} was built on")]
    NotAnAncestor { good: String, bad: String },
    #[error("{action} {path}: {source}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("reading {path}: {source}")]
    Libgit2 { path: PathBuf, source: git2::Error },
}

/// An opened repository. Cheap to clone; holds no open handles.
#[derive(Debug, Clone)]
pub struct Repo {
    path: PathBuf,
    common_dir: PathBuf,
    data: PathBuf,
    shallow: bool,
}

impl Repo {
    /// Opens the repository at `path` (work tree, `.git`, or bare) and prepares its folder below
    /// `data_dir/repos/`.
    pub fn open(path: &Path, data_dir: &Path) -> Result<Self, RepoError> {
        let not_one = || RepoError::NotARepository { path: path.to_owned() };
        let libgit2 = |source| RepoError::Libgit2 { path: path.to_owned(), source };
        let repository = match git2::Repository::open_ext(
            path,
            git2::RepositoryOpenFlags::empty(),
            &[] as &[&std::ffi::OsStr],
        ) {
            Ok(repository) => repository,
            Err(error) if error.code() == git2::ErrorCode::NotFound => return Err(not_one()),
            Err(error) if error.message().contains("object format") => {
                return Err(RepoError::ObjectFormat { path: path.to_owned(), format: "sha256".into() });
            }
            Err(error) => return Err(libgit2(error)),
        };
        let common_dir = fs::canonicalize(repository.commondir()).map_err(|_| not_one())?;
        if repository.is_empty().map_err(libgit2)? {
            return Err(RepoError::Empty { path: path.to_owned() });
        }
        if is_partial(&common_dir) {
            return Err(RepoError::Partial { path: path.to_owned() });
        }
        let key = hex::encode(&Sha256::digest(common_dir.as_os_str().as_encoded_bytes())[..8]);
        let repo = Self {
            path: fs::canonicalize(path).map_err(|_| not_one())?,
            data: data_dir.join("repos").join(key),
            shallow: repository.is_shallow(),
            common_dir,
        };
        repo.prepare_borrowed()?;
        Ok(repo)
    }

    /// The path the user gave, made absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Folder for everything Millwright keeps about this repository.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The git directory for trusted git processes.
    pub fn borrowed(&self) -> PathBuf {
        self.data.join("git")
    }

    /// Whether history is cut off, so that ranges may end early.
    pub fn is_shallow(&self) -> bool {
        self.shallow
    }

    /// A trusted git command on the borrowing git directory.
    pub fn git(&self) -> trusted::GitCommand {
        trusted::git(&self.borrowed())
    }

    /// A fresh git2 handle on the user's repository, for precise questions. Use on blocking threads.
    pub fn libgit2(&self) -> Result<git2::Repository, RepoError> {
        git2::Repository::open(&self.common_dir)
            .map_err(|source| RepoError::Libgit2 { path: self.path.clone(), source })
    }

    /// The full commit id a revision names (branch, tag, abbreviation, `HEAD~3` …).
    pub fn resolve(&self, revision: &str) -> Result<String, RepoError> {
        // Opened by the user's path, so that HEAD of a linked worktree is that worktree's.
        let repository =
            git2::Repository::open(&self.path).or_else(|_| git2::Repository::open(&self.common_dir));
        let repository =
            repository.map_err(|source| RepoError::Libgit2 { path: self.path.clone(), source })?;
        let commit = repository.revparse_single(revision).and_then(|object| object.peel_to_commit());
        commit.map(|commit| commit.id().to_string()).map_err(|error| RepoError::UnknownRevision {
            revision: revision.to_owned(),
            path: self.path.clone(),
            hint: match error.code() {
                git2::ErrorCode::Ambiguous => " (the abbreviation is ambiguous; give more digits)".into(),
                _ if self.shallow => {
                    " (the clone is shallow; `git fetch --unshallow` brings the rest of its history)".into()
                }
                _ => String::new(),
            },
        })
    }

    /// Fails unless `good` is an ancestor of `bad`. Both are full commit ids.
    pub fn require_ancestor(&self, good: &str, bad: &str) -> Result<(), RepoError> {
        if good != bad && self.is_ancestor(good, bad)? {
            Ok(())
        } else {
            Err(RepoError::NotAnAncestor { good: good.to_owned(), bad: bad.to_owned() })
        }
    }

    /// Whether `newer` reaches `older` (a commit reaches itself). Both are full commit ids.
    pub fn is_ancestor(&self, older: &str, newer: &str) -> Result<bool, RepoError> {
        let libgit2 = |source| RepoError::Libgit2 { path: self.path.clone(), source };
        let repository = self.libgit2()?;
        let (older, newer) = (git2::Oid::from_str(older), git2::Oid::from_str(newer));
        let (older, newer) = (older.map_err(libgit2)?, newer.map_err(libgit2)?);
        Ok(older == newer || repository.graph_descendant_of(newer, older).map_err(libgit2)?)
    }

    /// What stays the same over clones of one project: its oldest root commit on the first-parent line.
    pub fn identity(&self) -> Result<String, RepoError> {
        let cache = self.data.join("identity");
        if let Ok(known) = fs::read_to_string(&cache) {
            return Ok(known);
        }
        let head = self.resolve("HEAD")?;
        let roots = self.git().args(["rev-list", "--max-parents=0", "--first-parent", &head]).output()?;
        let identity = String::from_utf8_lossy(&roots).lines().last().unwrap_or(&head).to_owned();
        fs::write(&cache, &identity).map_err(|source| RepoError::Io {
            action: "writing",
            path: cache,
            source,
        })?;
        Ok(identity)
    }

    fn prepare_borrowed(&self) -> Result<(), RepoError> {
        let dir = self.borrowed();
        let io = |action, path: &Path| {
            let path = path.to_owned();
            move |source| RepoError::Io { action, path, source }
        };
        for sub in ["objects/info", "objects/pack", "refs/heads", "info"] {
            let sub = dir.join(sub);
            fs::create_dir_all(&sub).map_err(io("creating", &sub))?;
        }
        let mut alternates = self.common_dir.join("objects").into_os_string().into_encoded_bytes();
        alternates.push(b'\n');
        let write = |name: &str, content: &[u8]| {
            let path = dir.join(name);
            if fs::read(&path).is_ok_and(|old| old == content) {
                return Ok(());
            }
            // Written beside and renamed: two runs may prepare the same folder at once.
            let beside = dir.join(format!("{name}.{}", std::process::id()));
            fs::write(&beside, content)
                .and_then(|()| fs::rename(&beside, &path))
                .map_err(io("writing", &path))
        };
        write("objects/info/alternates", &alternates)?;
        write("HEAD", b"ref: refs/heads/none\n")?;
        write(
            "config",
            b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tlogAllRefUpdates = false\n",
        )?;
        write("info/attributes", FUNCTION_NAME_DRIVERS.as_bytes())?;
        if self.shallow
            && let Ok(shallow) = fs::read(self.common_dir.join("shallow"))
        {
            write("shallow", &shallow)?;
        }
        Ok(())
    }
}

/// Git's built-in drivers, so that hunk headers name the enclosing function whatever the repository says.
const FUNCTION_NAME_DRIVERS: &str = "\
*.py diff=python
*.pyi diff=python
*.java diff=java
*.kt diff=kotlin
*.rs diff=rust
*.go diff=golang
*.rb diff=ruby
*.php diff=php
*.cs diff=csharp
*.c diff=cpp
*.h diff=cpp
*.cc diff=cpp
*.cpp diff=cpp
*.cxx diff=cpp
*.hpp diff=cpp
*.pl diff=perl
*.sh diff=bash
*.css diff=css
*.ex diff=elixir
*.exs diff=elixir
*.md diff=markdown
";

fn is_partial(common_dir: &Path) -> bool {
    let Ok(packs) = fs::read_dir(common_dir.join("objects/pack")) else { return false };
    packs.flatten().any(|entry| entry.path().extension().is_some_and(|ext| ext == "promisor"))
}
