/*!
Repositories of the cases, opened once each and shared by all cases that name them.
*/

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

use millwright_tools::git::Repo;

use crate::cases::Case;
use crate::options::Options;

#[derive(Debug, Default)]
pub struct Repositories {
    open: Mutex<HashMap<PathBuf, Result<Repo, String>>>,
}

/// A case's repository with its revisions resolved.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub repo: Repo,
    /// Full commit ids.
    pub bad: String,
    pub good: Option<String>,
}

impl Repositories {
    /// Opens the repository of `case` and resolves its revisions; in words, why it cannot.
    pub fn resolve(&self, case: &Case, options: &Options) -> Result<Resolved, String> {
        let path = options.repository(&case.repo);
        let repo = {
            // A poisoned lock means another case panicked; the map itself is whole.
            let mut open = self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            open.entry(path.clone())
                .or_insert_with(|| {
                    Repo::open(&path, &options.data_dir).map_err(|error| {
                        format!("{error} (case repository {:?}; map it with --repo-map)", case.repo)
                    })
                })
                .clone()?
        };
        let resolve = |revision: &str| repo.resolve(revision).map_err(|error| error.to_string());
        let bad = resolve(&case.bad)?;
        let good = case.good.as_deref().map(resolve).transpose()?;
        if let Some(good) = &good {
            repo.require_ancestor(good, &bad).map_err(|error| error.to_string())?;
        }
        Ok(Resolved { repo, bad, good })
    }
}
