/*!
Our own clone of a remote repository: created once, fetched on request. The clone holds branches and tags and
nothing executable, and we read it like any user's repository.

Git receives the address and a token from the configuration. The token is passed in an environment variable that
only this account can read, never in arguments and never in a file. Redirects are not followed, so the token goes
to no other server.
*/

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use secrecy::{ExposeSecret, SecretString};

use millwright_sandbox::CancelFlag;
use millwright_sandbox::trusted::{self, GitCommand, GitError};

/// Longest time for the first transfer, and for a later fetch.
const CLONE: Duration = Duration::from_secs(2 * 3_600);
const FETCH: Duration = Duration::from_secs(600);
/// Longest time for listing the branches.
const REACH: Duration = Duration::from_secs(30);
/// Marker file: its content is the address the clone belongs to, its modification time is the time of the last
/// fetch.
const FETCHED: &str = "millwright-fetched";

/// Where a repository is, and how to authenticate.
#[derive(Debug, Clone)]
pub struct MirrorRemote {
    /// `https://…`, `http://…` or `file:///…`, without a password.
    pub url: String,
    /// Account and token, if the remote needs them.
    pub credentials: Option<(String, SecretString)>,
}

#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    #[error("{0}")]
    Url(String),
    #[error("{action} {path}: {source}", path = path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error(
        "{url} cannot be fetched: {source}; check its url, its token, and whether it can be reached from here"
    )]
    Fetch { url: String, source: GitError },
}

/// Checks that we can clone from this address.
///
/// # Errors
/// What is wrong with the address, and which addresses are accepted.
pub fn check_url(url: &str) -> Result<(), String> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\'' | '"' | '\\');
    if url.len() > 1_000 || url.contains(odd) {
        return Err(format!("{url:?} is not the address of a repository"));
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
        host if host.contains('@') => Err(
            "the address of a repository must not contain a password; name the environment variable with a \
             token instead"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

/// Updates the clone in `folder`, and creates it if it does not exist. Skips a clone that was fetched within
/// `fresh`. Blocks; concurrent processes wait for each other.
///
/// # Errors
/// When the fetch fails. An existing clone stays as it was.
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
    // If the configured address changed, the folder holds a clone of another repository.
    let known = fs::read_to_string(&mark).is_ok_and(|known| known.trim() == remote.url);
    if known && fetched(&mark).is_some_and(|age| age < fresh) {
        return Ok(());
    }
    if known {
        transfer(remote, folder, FETCH, cancel)?;
    } else {
        // Created in a separate folder, so that an interrupted transfer never passes for a clone.
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

/// Lists the remote's branches and returns their number; fetches nothing. Blocks.
///
/// # Errors
/// When the remote cannot be reached, or refuses.
pub fn reach(remote: &MirrorRemote) -> Result<usize, MirrorError> {
    check_url(&remote.url).map_err(MirrorError::Url)?;
    let failed = |source| MirrorError::Fetch { url: remote.url.clone(), source };
    let scratch = tempfile::tempdir().map_err(|source| {
        let path = std::env::temp_dir();
        MirrorError::Io { action: "making a folder in", path, source }
    })?;
    // The trusted git needs a git directory, even for `ls-remote`.
    init_bare(remote, scratch.path())?;
    let asked = asking(remote, scratch.path()).deadline(REACH);
    let heads = asked.args(["ls-remote", "--heads", "--", &remote.url]).output().map_err(failed)?;
    Ok(String::from_utf8_lossy(&heads).lines().count())
}

fn init_bare(remote: &MirrorRemote, folder: &Path) -> Result<(), MirrorError> {
    let init = trusted::git(folder).args(["init", "--quiet", "--bare", "--template="]).output();
    init.map(|_| ()).map_err(|source| MirrorError::Fetch { url: remote.url.clone(), source })
}

/// Time since the last fetch.
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
    // A fetch does not transfer the remote's `HEAD`, so ask for the main branch separately.
    let head = asking(remote, folder).deadline(within).cancel(cancel);
    let head = head.args(["ls-remote", "--symref", "--", &remote.url, "HEAD"]).output().map_err(failed)?;
    let head = String::from_utf8_lossy(&head);
    let branch = head.lines().find_map(|line| line.strip_prefix("ref: ")?.split_whitespace().next());
    if let Some(branch) = branch.filter(|branch| branch.starts_with("refs/heads/")) {
        trusted::git(folder).args(["symbolic-ref", "HEAD", branch]).output().map_err(failed)?;
    }
    Ok(())
}

/// A git command that may contact this remote only.
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
