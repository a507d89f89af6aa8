/*!
Opens what `git:` and `file:` evidence points at, so that the citation check can tell a real place from an
invented one. Answers are remembered: many claims cite the same commit.
*/

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use millwright_tools::git::{self, Repo};

use crate::citations::{Opener, Place};

pub struct GitOpener {
    repo: Arc<Repo>,
    known: Mutex<HashMap<String, Result<(), String>>>,
}

impl GitOpener {
    pub fn new(repo: Arc<Repo>) -> Self {
        Self { repo, known: Mutex::default() }
    }
}

impl Opener for GitOpener {
    fn open(&self, place: &Place) -> Result<(), String> {
        match place {
            Place::Git { sha, path, lines } => {
                let key = format!("{sha}:{path:?}:{lines:?}");
                let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                known
                    .entry(key)
                    .or_insert_with(|| git::exists(&self.repo, sha, path.as_deref(), *lines))
                    .clone()
            }
            // Files handed in with the incident (logs) were read by the tool that cites them; their text is stored.
            Place::File { .. } | Place::Ticket { .. } | Place::Replay { .. } | Place::Memory { .. } => Ok(()),
        }
    }
}
