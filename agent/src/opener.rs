/*!
Opens the targets of `git:` and `file:` evidence, so that the citation check can distinguish a real place from an
invented one. Results are cached, because many claims cite the same commit.
*/

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use millwright_git::{self as git, Repo};

use crate::citations::{LocatorOpener, LocatorTarget};

pub(crate) struct GitOpener {
    repo: Arc<Repo>,
    known: Mutex<HashMap<String, Result<(), String>>>,
}

impl GitOpener {
    pub(crate) fn new(repo: Arc<Repo>) -> Self {
        Self { repo, known: Mutex::default() }
    }
}

impl LocatorOpener for GitOpener {
    fn open(&self, place: &LocatorTarget) -> Result<(), String> {
        match place {
            LocatorTarget::Git { sha, path, lines } => {
                let key = format!("{sha}:{path:?}:{lines:?}");
                let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                known.entry(key).or_insert_with(|| opens(&self.repo, sha, path.as_deref(), *lines)).clone()
            }
            // Files that came with the incident (logs) were read by the tool that cites them; their text is stored.
            LocatorTarget::File { .. }
            | LocatorTarget::Ticket { .. }
            | LocatorTarget::Replay { .. }
            | LocatorTarget::Memory { .. } => Ok(()),
        }
    }
}

/// Checks that a commit, a file of it and lines of that file exist; the error names the missing one.
fn opens(repo: &Repo, sha: &str, path: Option<&str>, lines: Option<(u32, u32)>) -> Result<(), String> {
    let missing = |error: millwright_git::RepoError| error.to_string();
    let commit = repo.resolve(sha).map_err(missing)?;
    let Some(path) = path else { return Ok(()) };
    let blob = git::blob_at(repo, &commit, path).map_err(missing)?;
    let Some((_, end)) = lines else { return Ok(()) };
    let count = blob.text().map_err(missing)?.lines().count().max(1);
    match end as usize <= count {
        true => Ok(()),
        false => Err(format!("{path} has {count} lines there, not {end}")),
    }
}
