/*!
The repository under investigation, and our git directory that borrows its objects.

Nothing is ever written below the user's `.git`, except a requested branch (`publish`). Trusted git processes run
on `Repo::borrowed()`: a bare repository in the data folder whose `objects/info/alternates` points at the user's
objects and whose configuration is ours. Hostile configuration, hooks, filters and replace refs are therefore never
read.
*/

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use millwright_model::{CommitId, RepositoryId};
use millwright_sandbox::trusted::{self, GitError};
use sha2::{Digest, Sha256};

use super::locate::{self, LocatedRepository};
use super::{library, refs};

#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    #[error("{path} is not a git repository; give the folder of a clone with --repo")]
    NotARepository { path: PathBuf },
    #[error("{path} has no commits yet; there is no history to investigate")]
    Empty { path: PathBuf },
    #[error(
        "{path} is a partial clone without the folders of its commits (they are only at its remote); \
         run `git -C {path} fetch --refetch --filter=blob:none` first, or `--no-filter` to have the contents of \
         files, too; Millwright never fetches by itself here"
    )]
    Partial { path: PathBuf },
    #[error("{path} uses the {format} object format; only sha1 repositories can be read so far")]
    ObjectFormat { path: PathBuf, format: String },
    #[error("no revision {revision:?} in {path}{hint}")]
    UnknownRevision { revision: String, path: PathBuf, hint: String },
    #[error("{good} is not an ancestor of {bad}; --good must be an older revision that {bad} was built on")]
    NotAnAncestor { good: CommitId, bad: CommitId },
    #[error(
        "--good and --bad both name {revision}; --good must be an older revision, at which it still worked"
    )]
    GoodIsBad { revision: CommitId },
    #[error(
        "{path} is a shallow clone: its history is cut off, and the culprit may be older; run `git -C {path} \
         fetch --unshallow` first, or give a --good revision that is in the clone"
    )]
    Shallow { path: PathBuf },
    #[error("{action} {path}: {source}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("reading {path}: {source}")]
    Libgit2 { path: PathBuf, source: git2::Error },
    #[error("{what} is missing from {path}: {hint}")]
    MissingObject { what: String, path: PathBuf, hint: &'static str },
    #[error("the data folder {data} is inside the git directory {path}; choose another with --data-dir")]
    DataInside { data: PathBuf, path: PathBuf },
    #[error("no file {path:?} at revision {revision}; git paths are relative to the top of the repository")]
    NoSuchPath { path: String, revision: String },
    #[error("{path:?} is {what}, not a file")]
    NotAFile { path: String, what: String },
    #[error("{path:?} has {bytes} bytes, more than the {limit} that are read from a file")]
    TooLarge { path: String, bytes: u64, limit: u64 },
    #[error("{path:?} is binary")]
    Binary { path: String },
    #[error("{path:?} has {lines} lines; ask for lines between 1 and {lines}")]
    LineRange { path: String, lines: u64 },
    #[error("{given:?} is not a valid {what}: {why}")]
    Malformed { what: &'static str, given: String, why: String },
    #[error(
        "no branch is created: {path}: {why}; write the fix to a patch file (--write-fix FILE) and apply it \
         with `git am`"
    )]
    NotWritten { path: PathBuf, why: String },
    #[error("stopped, because the run was cancelled or out of time")]
    Cancelled,
}

/// An opened repository. Cheap to clone; holds no open handles.
#[derive(Debug, Clone)]
pub struct Repo {
    path: PathBuf,
    located: LocatedRepository,
    data: PathBuf,
    shallow: bool,
    reftable: bool,
    /// Whether contents of files are missing, as they are in a partial clone.
    lacks_contents: bool,
}

impl Repo {
    /// Opens the repository at `path` (work tree, `.git`, linked worktree, submodule or bare) and prepares its
    /// folder below `data_dir/repos/`. The repository's configuration has no effect, so a repository of any owner
    /// is safe to open.
    pub fn open(path: &Path, data_dir: &Path) -> Result<Self, RepoError> {
        let not_one = || RepoError::NotARepository { path: path.to_owned() };
        let located = locate::locate(path).ok_or_else(not_one)?;
        let format = locate::format(&located.common_dir);
        if let Some(format) = format.object_format.filter(|format| format != "sha1") {
            return Err(RepoError::ObjectFormat { path: path.to_owned(), format });
        }
        let reftable = format.ref_storage.is_some_and(|storage| storage != "files");
        if !reftable && !refs::has_any(&located) {
            return Err(RepoError::Empty { path: path.to_owned() });
        }
        let io = |action, path: &Path| {
            let path = path.to_owned();
            move |source| RepoError::Io { action, path, source }
        };
        // Indexes and checkouts contain the repository's content, which other users may not be allowed to read.
        DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(io("creating", data_dir))?;
        let data_dir = fs::canonicalize(data_dir).map_err(io("reading", data_dir))?;
        if data_dir.starts_with(&located.common_dir) {
            return Err(RepoError::DataInside { data: data_dir, path: located.common_dir });
        }
        let key = hex::encode(&Sha256::digest(located.common_dir.as_os_str().as_encoded_bytes())[..8]);
        let mut repo = Self {
            path: fs::canonicalize(path).map_err(|_| not_one())?,
            data: data_dir.join("repos").join(key),
            shallow: located.common_dir.join("shallow").metadata().is_ok_and(|file| file.len() > 0),
            reftable,
            lacks_contents: false,
            located,
        };
        repo.prepare_borrowed()?;
        if locate::has_promisor_packs(&repo.located.common_dir) {
            repo.lacks_contents = repo.lacks_recent_contents()?;
        }
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

    /// Whether references are stored in the reftable format instead of files.
    pub(super) fn is_reftable(&self) -> bool {
        self.reftable
    }

    /// The folder that holds `HEAD` and the index of the user's work tree.
    pub(super) fn git_dir(&self) -> &Path {
        &self.located.git_dir
    }

    /// The folder of the checked-out files; `None` for a bare repository.
    pub fn work_tree(&self) -> Option<PathBuf> {
        let above = self.path.ancestors().find(|folder| folder.join(".git").exists());
        above.map(Path::to_path_buf)
    }

    /// The user's own git directory, in which a branch is created after a person approved it.
    pub(super) fn common_dir(&self) -> &Path {
        &self.located.common_dir
    }

    /// Whether the clone is shallow, so that ranges may end early.
    pub fn is_shallow(&self) -> bool {
        self.shallow
    }

    /// Whether contents of files are missing, as in a partial clone. They are left out: nothing is fetched.
    pub fn lacks_contents(&self) -> bool {
        self.lacks_contents
    }

    /// A trusted git command on the borrowing git directory.
    pub fn git(&self) -> trusted::GitCommand {
        trusted::git(&self.borrowed())
    }

    /// A new git2 handle on the borrowing git directory, for single lookups. The directory has no references: name
    /// objects by id. Use on blocking threads.
    pub(super) fn libgit2(&self) -> Result<git2::Repository, RepoError> {
        library::open(&self.borrowed()).map_err(|source| self.libgit2_error(source))
    }

    /// The commit that a revision names: a branch, tag, abbreviated id or `HEAD`, with `~N` and `^N`.
    pub fn resolve(&self, revision: &str) -> Result<CommitId, RepoError> {
        let unknown = |hint: &str| RepoError::UnknownRevision {
            revision: revision.to_owned(),
            path: self.path.clone(),
            hint: hint.to_owned(),
        };
        if revision.len() > 1024 || revision.contains([':', '\0', '\n']) || revision.contains("@{") {
            return Err(unknown(" (give a branch, a tag or a commit id, with ~N or ^N where needed)"));
        }
        let base_end = revision.find(['~', '^']).unwrap_or(revision.len());
        let (base, suffix) = revision.split_at(base_end);
        let named = if refs::is_id(base) { Some(base.to_owned()) } else { refs::lookup(&self.located, base) };
        let spelled = match &named {
            Some(id) => format!("{id}{suffix}"),
            None if base.is_empty() => return Err(unknown("")),
            None => revision.to_owned(),
        };
        let repository = self.libgit2()?;
        let commit = repository.revparse_single(&spelled).and_then(|object| object.peel_to_commit());
        let error = match commit {
            Ok(commit) => return CommitId::parse(&commit.id().to_string()).map_err(|_| unknown("")),
            Err(error) => error,
        };
        // A reference without its object means damage; a missing parent or id usually means a shallow clone.
        if let Some(id) = named.filter(|_| suffix.is_empty() && !refs::is_id(base)) {
            return Err(self.missing(format!("{revision} ({id})")));
        }
        Err(match error.code() {
            git2::ErrorCode::Ambiguous => unknown(" (the abbreviation is ambiguous; give more digits)"),
            _ if self.shallow => {
                unknown(" (the clone is shallow; `git fetch --unshallow` brings the rest of its history)")
            }
            _ if self.reftable => unknown(
                " (this repository keeps its references in a reftable, which is not read; give a commit id)",
            ),
            _ if base == "HEAD" || base == "@" => match refs::head_branch(&self.located) {
                Some(branch) => unknown(&format!(
                    " (HEAD points at {branch}, which has no commits; name another revision)"
                )),
                None => unknown(""),
            },
            _ => unknown("; give a branch, a tag or a commit id that `git rev-parse` knows there"),
        })
    }

    /// Fails unless `good` is an ancestor of `bad`.
    pub fn require_ancestor(&self, good: &CommitId, bad: &CommitId) -> Result<(), RepoError> {
        if good == bad {
            Err(RepoError::GoodIsBad { revision: bad.clone() })
        } else if self.is_ancestor(good, bad)? {
            Ok(())
        } else {
            Err(RepoError::NotAnAncestor { good: good.clone(), bad: bad.clone() })
        }
    }

    /// Whether `newer` reaches `older` (a commit reaches itself).
    pub fn is_ancestor(&self, older: &CommitId, newer: &CommitId) -> Result<bool, RepoError> {
        let repository = self.libgit2()?;
        let id = |commit: &CommitId| git2::Oid::from_str(commit).map_err(|source| self.libgit2_error(source));
        let (older, newer) = (id(older)?, id(newer)?);
        let reaches = || repository.graph_descendant_of(newer, older);
        Ok(older == newer || reaches().map_err(|source| self.libgit2_error(source))?)
    }

    pub(super) fn libgit2_error(&self, source: git2::Error) -> RepoError {
        match (source.class(), source.code()) {
            (git2::ErrorClass::Odb, git2::ErrorCode::NotFound) => self.missing(source.message().to_owned()),
            _ => RepoError::Libgit2 { path: self.path.clone(), source },
        }
    }

    pub(super) fn missing(&self, what: String) -> RepoError {
        RepoError::MissingObject {
            what,
            path: self.path.clone(),
            hint: if self.lacks_contents {
                "it is a partial clone, and nothing is fetched here; `git fetch --refetch --no-filter` brings the rest"
            } else if self.shallow {
                "the clone is shallow; `git fetch --unshallow` brings the rest of its history"
            } else {
                "the repository is damaged or an alternate it borrows from is missing; `git fsck` shows more"
            },
        }
    }

    /// Whether contents of recent files are missing; fails if folders of recent commits are. Checks the objects
    /// themselves and not the partial-clone markers: the clone may have become complete since.
    fn lacks_recent_contents(&self) -> Result<bool, RepoError> {
        let Ok(head) = self.resolve("HEAD") else { return Ok(false) };
        // The check walks every file of the newest commit, so remember when it has passed.
        let seen = self.data.join("whole");
        if fs::read_to_string(&seen).is_ok_and(|known| head == *known) {
            return Ok(false);
        }
        let misses = |filter: &[&str]| -> Result<bool, RepoError> {
            let walk = self.git().args(["rev-list", "--objects", "--missing=print", "--max-count=300"]);
            let missing = walk.args(filter).arg(&*head).output()?;
            Ok(missing.starts_with(b"?") || memchr::memmem::find(&missing, b"\n?").is_some())
        };
        if !misses(&[])? {
            let write = fs::write(&seen, head.as_str());
            write.map_err(|source| RepoError::Io { action: "writing", path: seen, source })?;
            return Ok(false);
        }
        match misses(&["--filter=blob:none"])? {
            true => Err(RepoError::Partial { path: self.path.clone() }),
            false => Ok(true),
        }
    }

    /// An id that is the same for all clones of a project: the oldest root commit on the first-parent line.
    pub fn identity(&self) -> Result<RepositoryId, RepoError> {
        let cache = self.data.join("identity");
        if let Some(known) =
            fs::read_to_string(&cache).ok().and_then(|known| RepositoryId::parse(&known).ok())
        {
            return Ok(known);
        }
        let head = self.resolve("HEAD")?;
        let roots = self.git().args(["rev-list", "--max-parents=0", "--first-parent", &head]).output()?;
        let roots = String::from_utf8_lossy(&roots);
        let root = roots.lines().last().and_then(|root| CommitId::parse(root).ok());
        let identity = RepositoryId::from(root.unwrap_or(head));
        fs::write(&cache, identity.as_str()).map_err(|source| RepoError::Io {
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
        let mut alternates = Vec::new();
        for folder in locate::object_folders(&self.located.common_dir) {
            alternates.extend_from_slice(folder.as_os_str().as_encoded_bytes());
            alternates.push(b'\n');
        }
        let write = |name: &str, content: &[u8]| {
            let path = dir.join(name);
            if fs::read(&path).is_ok_and(|old| old == content) {
                return Ok(());
            }
            // Write a temporary file and rename it: concurrent runs and processes may prepare the same folder.
            let turn = PREPARED.fetch_add(1, Ordering::Relaxed);
            let beside = dir.join(format!("{name}.{}.{turn}", std::process::id()));
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
        let shallow = dir.join("shallow");
        match locate::read_small(&self.located.common_dir.join("shallow"), 64 << 20) {
            Some(boundary) if self.shallow => write("shallow", &boundary)?,
            _ if shallow.exists() => fs::remove_file(&shallow).map_err(io("removing", &shallow))?,
            _ => {}
        }
        Ok(())
    }
}

/// Makes the names of this process's temporary files unique.
static PREPARED: AtomicU64 = AtomicU64::new(0);

/// Git's built-in drivers: hunk headers name the enclosing function regardless of the repository's settings.
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

#[cfg(test)]
#[path = "repo_tests.rs"]
mod tests;
