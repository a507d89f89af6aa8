/*!
A clone of our own of a repository that lies elsewhere: made once, fetched when asked. It holds branches and tags and
nothing that could run, and is only ever read as any user's repository is.

What is told to git is the address and a token from the configuration, the token by an environment variable that only
this account can read: never in arguments, never in a file. Redirects are not followed, so that a token goes nowhere
else.
*/

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use secrecy::{ExposeSecret, SecretString};

use millwright_sandbox::CancelFlag;
use millwright_sandbox::trusted::{self, GitCommand, GitError};

/// Longest time for the first transfer, and for a later one.
const CLONE: Duration = Duration::from_secs(2 * 3_600);
const FETCH: Duration = Duration::from_secs(600);
/// Longest time for the list of branches.
const REACH: Duration = Duration::from_secs(30);
/// Whose folder it is, and when it was fetched last, as the time of a file.
const FETCHED: &str = "millwright-fetched";

/// Where a repository lies, and how it is asked.
#[derive(Debug, Clone)]
pub struct MirrorRemote {
    /// `https://…`, `http://…` or `file:///…`, without a password.
    pub url: String,
    /// Account and token, where one is needed.
    pub credentials: Option<(String, SecretString)>,
}

#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    #[error("{0}")]
    Url(String),
    #[error("{action} {path}: {source}", path = path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error(
        "{url} cannot be fetched: {source}; see its url, its token, and whether it can be reached from here"
    )]
    Fetch { url: String, source: GitError },
}

/// Whether we can clone from there.
///
/// # Errors
/// What is wrong with it, and what would do.
pub fn check_url(url: &str) -> Result<(), String> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\'' | '"' | '\\');
    if url.len() > 1_000 || url.contains(odd) {
        return Err(format!("{url:?} is no address of a repository"));
    }
    let rest = match url.split_once("://") {
        Some(("file", path)) if path.starts_with('/') => return Ok(()),
        Some(("https" | "http", rest)) => rest,
        _ => {
            return Err(format!(
                "{url:?} must begin with https:// (or http://, or file:///); for others keep a clone yourself and give its path"
            ));
        }
    };
    let host = rest.split('/').next().unwrap_or_default();
    match host {
        "" => Err(format!("{url:?} names no host")),
        host if host.contains('@') => {
            Err("the address of a repository holds no password; name the variable of a token instead"
                .to_owned())
        }
        _ => Ok(()),
    }
}

/// Brings the clone in `folder` up to date, and makes it first where there is none. One that was fetched within
/// `fresh` is left alone. Blocks; several processes wait for each other.
///
/// # Errors
/// When it cannot be fetched. A clone that was there stays as it was.
pub fn fetch_mirror(
    remote: &MirrorRemote,
    folder: &Path,
    fresh: Duration,
    cancel: &CancelFlag,
) -> Result<(), MirrorError> {
    check_url(&remote.url).map_err(MirrorError::Url)?;
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source| MirrorError::Io { action, path, source }
    };
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(io("creating", parent))?;
    let lock = folder.with_extension("lock");
    let held = fs::File::options().create(true).append(true).open(&lock).map_err(io("opening", &lock))?;
    held.lock().map_err(io("locking", &lock))?;
    let mark = folder.join(FETCHED);
    // Another address in the configuration is another repository.
    let known = fs::read_to_string(&mark).is_ok_and(|known| known.trim() == remote.url);
    if known && fetched(&mark).is_some_and(|age| age < fresh) {
        return Ok(());
    }
    if known {
        transfer(remote, folder, FETCH, cancel)?;
    } else {
        // Made beside, so that a transfer that was cut off is no clone.
        let made = folder.with_extension("new");
        for old in [&made, folder] {
            match fs::remove_dir_all(old) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(io("removing", old)(error));
                }
                _ => {}
            }
        }
        fs::create_dir_all(&made).map_err(io("creating", &made))?;
        init_bare(remote, &made)?;
        transfer(remote, &made, CLONE, cancel)?;
        fs::rename(&made, folder).map_err(io("moving", folder))?;
    }
    fs::write(&mark, &remote.url).map_err(io("writing", &mark))
}

/// Asks it for its branches and answers their number; nothing is fetched. Blocks.
///
/// # Errors
/// When it cannot be reached, or refuses.
pub fn reach(remote: &MirrorRemote) -> Result<usize, MirrorError> {
    check_url(&remote.url).map_err(MirrorError::Url)?;
    let failed = |source| MirrorError::Fetch { url: remote.url.clone(), source };
    let scratch = tempfile::tempdir().map_err(|source| {
        let path = std::env::temp_dir();
        MirrorError::Io { action: "making a folder in", path, source }
    })?;
    // It is only ever asked from a repository.
    init_bare(remote, scratch.path())?;
    let asked = asking(remote, scratch.path()).deadline(REACH);
    let heads = asked.args(["ls-remote", "--heads", "--", &remote.url]).output().map_err(failed)?;
    Ok(String::from_utf8_lossy(&heads).lines().count())
}

fn init_bare(remote: &MirrorRemote, folder: &Path) -> Result<(), MirrorError> {
    let init = trusted::git(folder).args(["init", "--quiet", "--bare", "--template="]).output();
    init.map(|_| ()).map_err(|source| MirrorError::Fetch { url: remote.url.clone(), source })
}

/// How long ago it was fetched.
fn fetched(mark: &Path) -> Option<Duration> {
    SystemTime::now().duration_since(fs::metadata(mark).ok()?.modified().ok()?).ok()
}

fn transfer(
    remote: &MirrorRemote,
    folder: &Path,
    within: Duration,
    cancel: &CancelFlag,
) -> Result<(), MirrorError> {
    let failed = |source| MirrorError::Fetch { url: remote.url.clone(), source };
    let refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
    let fetch = asking(remote, folder).deadline(within).cancel(cancel);
    let fetch = fetch.args(["fetch", "--quiet", "--prune", "--no-tags", "--force", "--no-write-fetch-head"]);
    fetch.arg("--recurse-submodules=no").arg("--").arg(&remote.url).args(refs).output().map_err(failed)?;
    // Which branch is the main one is said apart.
    let head = asking(remote, folder).deadline(within).cancel(cancel);
    let head = head.args(["ls-remote", "--symref", "--", &remote.url, "HEAD"]).output().map_err(failed)?;
    let head = String::from_utf8_lossy(&head);
    let branch = head.lines().find_map(|line| line.strip_prefix("ref: ")?.split_whitespace().next());
    if let Some(branch) = branch.filter(|branch| branch.starts_with("refs/heads/")) {
        trusted::git(folder).args(["symbolic-ref", "HEAD", branch]).output().map_err(failed)?;
    }
    Ok(())
}

/// A git that may speak to this remote, and to it alone.
fn asking(remote: &MirrorRemote, folder: &Path) -> GitCommand {
    let scheme = remote.url.split("://").next().unwrap_or_default();
    let git = trusted::git(folder)
        .setting(&format!("protocol.{scheme}.allow=always"))
        .setting("http.followRedirects=false")
        .setting("transfer.bundleURI=false");
    let Some((user, token)) = &remote.credentials else { return git };
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{}", token.expose_secret()));
    git.env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", format!("http.{}.extraHeader", remote.url))
        .env("GIT_CONFIG_VALUE_0", format!("Authorization: Basic {pair}"))
}

#[cfg(test)]
#[path = "mirror_tests.rs"]
mod tests;
