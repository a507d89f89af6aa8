/*!
Files that a person asks to lay over every checkout, from the working tree or from a revision. They are read once,
into the recipe, so that the replay is the same wherever it runs again.
*/

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use millwright_git::checkout::{CheckoutError, blob, tree_entries};
use millwright_git::{Repo, RepoError};

use super::recipe::LaidFile;

/// Maximum total size of the files of one `--overlay`.
const MAX_BYTES: u64 = 16 << 20;
const MAX_FILES: usize = 2_000;

#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    #[error(
        "--overlay {given:?}: {path} does not exist; give a file or folder of the working tree, or REV:PATH"
    )]
    NotThere { given: String, path: PathBuf },
    #[error("--overlay {given:?}: {path} does not exist at {revision}")]
    NotAtRevision { given: String, path: String, revision: String },
    #[error(
        "--overlay {given:?}: it is outside of the repository; give its place in the checkout, as in \
         PATH=TARGET"
    )]
    NeedsTarget { given: String },
    #[error("--overlay {given:?}: the target {target:?} is not a path inside the repository")]
    BadTarget { given: String, target: String },
    #[error(
        "--overlay {given:?} contains more than {MAX_FILES} files or {MAX_BYTES} bytes; name only what the \
         replay needs"
    )]
    TooMuch { given: String },
    #[error("--overlay {given:?}: {path}: {source}")]
    Io { given: String, path: PathBuf, source: std::io::Error },
    #[error("--overlay {given:?}: {source}")]
    Repo { given: String, source: RepoError },
    #[error("--overlay {given:?}: {source}")]
    Checkout { given: String, source: CheckoutError },
}

/// Reads the files that `PATH[=TARGET]` or `REV:PATH[=TARGET]` names. Paths of the working tree are resolved below
/// `here` and below the repository.
///
/// # Errors
/// Fails when the path does not exist, lies outside of the repository and has no target, or is too large.
pub fn load_overlay(repo: &Repo, given: &str, here: &Path) -> Result<Vec<LaidFile>, OverlayError> {
    let (source, target) = match given.rsplit_once('=') {
        Some((source, target)) if !source.is_empty() => (source, Some(target)),
        _ => (given, None),
    };
    let target = target.map(|target| target.trim_start_matches("./").trim_end_matches('/'));
    if let Some(target) = target.filter(|target| !is_inside(target)) {
        return Err(OverlayError::BadTarget { given: given.to_owned(), target: target.to_owned() });
    }
    let found = candidates(repo, source, here).into_iter().find(|path| path.exists());
    match (found, source.split_once(':')) {
        (Some(path), _) => of_work_tree(repo, given, &path, target),
        (None, Some((revision, path))) => of_revision(repo, given, revision, path, target),
        (None, None) => Err(OverlayError::NotThere { given: given.to_owned(), path: here.join(source) }),
    }
}

fn candidates(repo: &Repo, source: &str, here: &Path) -> Vec<PathBuf> {
    vec![here.join(source), repo.path().join(source)]
}

fn is_inside(path: &str) -> bool {
    let bad = |part: &str| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git");
    !path.contains('\0') && !path.split('/').any(bad)
}

fn of_work_tree(
    repo: &Repo,
    given: &str,
    path: &Path,
    target: Option<&str>,
) -> Result<Vec<LaidFile>, OverlayError> {
    let io =
        |path: &Path, source| OverlayError::Io { given: given.to_owned(), path: path.to_owned(), source };
    let real = fs::canonicalize(path).map_err(|source| io(path, source))?;
    let target = match (target, real.strip_prefix(repo.path())) {
        (Some(target), _) => target.to_owned(),
        (None, Ok(inside)) if is_inside(&inside.to_string_lossy()) => inside.to_string_lossy().into_owned(),
        _ => return Err(OverlayError::NeedsTarget { given: given.to_owned() }),
    };
    let (mut out, mut bytes) = (Vec::new(), 0);
    let mut todo = vec![(real, target)];
    while let Some((path, target)) = todo.pop() {
        let metadata = fs::symlink_metadata(&path).map_err(|source| io(&path, source))?;
        if metadata.is_dir() {
            for entry in fs::read_dir(&path).map_err(|source| io(&path, source))? {
                let entry = entry.map_err(|source| io(&path, source))?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if !name.eq_ignore_ascii_case(".git") {
                    todo.push((entry.path(), format!("{target}/{name}")));
                }
            }
        } else if metadata.is_file() {
            bytes += metadata.len();
            if bytes > MAX_BYTES || out.len() >= MAX_FILES {
                return Err(OverlayError::TooMuch { given: given.to_owned() });
            }
            let content = fs::read(&path).map_err(|source| io(&path, source))?;
            out.push(laid(target, content, metadata.permissions().mode() & 0o100 != 0));
        }
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(out)
}

fn of_revision(
    repo: &Repo,
    given: &str,
    revision: &str,
    path: &str,
    target: Option<&str>,
) -> Result<Vec<LaidFile>, OverlayError> {
    let path = path.trim_start_matches("./").trim_end_matches('/');
    let commit =
        repo.resolve(revision).map_err(|source| OverlayError::Repo { given: given.to_owned(), source })?;
    let checkout = |source| OverlayError::Checkout { given: given.to_owned(), source };
    let entries = tree_entries(repo, &commit, &[path.to_owned()]).map_err(checkout)?;
    let (mut out, mut bytes) = (Vec::new(), 0);
    for entry in entries.iter().filter(|entry| entry.is_file()) {
        let content = blob(repo, entry).map_err(checkout)?;
        bytes += content.len() as u64;
        if bytes > MAX_BYTES || out.len() >= MAX_FILES {
            return Err(OverlayError::TooMuch { given: given.to_owned() });
        }
        let rest = entry.path.strip_prefix(path).unwrap_or_default();
        let there = target.map_or_else(|| entry.path.clone(), |target| format!("{target}{rest}"));
        out.push(laid(there, content, entry.mode == "100755"));
    }
    if out.is_empty() {
        let (path, revision) = (path.to_owned(), revision.to_owned());
        return Err(OverlayError::NotAtRevision { given: given.to_owned(), path, revision });
    }
    Ok(out)
}

/// A file to lay over checkouts, with text or binary content.
pub fn laid(path: String, content: Vec<u8>, executable: bool) -> LaidFile {
    match String::from_utf8(content) {
        Ok(content) => LaidFile { path, content, executable, base64: false },
        Err(error) => {
            LaidFile { path, content: STANDARD.encode(error.into_bytes()), executable, base64: true }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millwright_testkit::repository::TestRepo;

    #[test]
    fn files_of_the_work_tree_and_of_revisions_are_read() {
        let repo = TestRepo::new();
        repo.commit("Add", &[("t/a.sh", "echo a\n"), ("t/b/c.sh", "echo c\n")]);
        fs::write(repo.work().join("new.sh"), "echo new\n").unwrap();
        fs::write(repo.work().join("raw"), [0xff_u8, 0xfe]).unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("x.sh"), "echo x\n").unwrap();
        let opened = Repo::open(&repo.work(), &repo.data()).unwrap();
        let load = |given: &str| {
            let files = load_overlay(&opened, given, outside.path());
            files.map(|files| files.into_iter().map(|file| file.path).collect::<Vec<_>>().join(" "))
        };
        let check = |given: &str, expected: &str| assert_eq!(load(given).unwrap(), expected, "{given}");
        check("new.sh", "new.sh");
        check("t", "t/a.sh t/b/c.sh");
        check("HEAD:t", "t/a.sh t/b/c.sh");
        check("HEAD:t/a.sh=u/z.sh", "u/z.sh");
        check("HEAD:t=u", "u/a.sh u/b/c.sh");
        check("x.sh=t/x.sh", "t/x.sh");
        let refused = |given: &str, words: &str| {
            let error = load(given).unwrap_err().to_string();
            assert!(error.contains(words), "{given}: {error}");
        };
        refused("x.sh", "give its place in the checkout");
        refused("x.sh=../up", "not a path inside");
        refused("missing.sh", "does not exist; give a file");
        refused("HEAD:missing.sh", "does not exist at");
        refused("nowhere:t", "nowhere");
        let raw = load_overlay(&opened, "raw", outside.path()).unwrap().remove(0);
        assert_eq!((raw.base64, raw.bytes().unwrap()), (true, vec![0xff, 0xfe]));
    }
}
