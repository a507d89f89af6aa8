/*!
Repositories of the cases, opened once each and shared by all cases that name them.
*/

use millwright_model::CommitId;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

use millwright_git::Repo;
use millwright_redaction::RedactionConfig;

use crate::cases::EvalCase;
use crate::options::EvalOptions;

#[derive(Debug, Default)]
pub struct Repositories {
    open: Mutex<HashMap<PathBuf, Result<Repo, String>>>,
}

/// A case's repository with its revisions resolved.
#[derive(Debug, Clone)]
pub struct ResolvedRepository {
    pub repo: Repo,
    /// By which its index is masked: those that the runs of the cases have, which share the data folder.
    pub rules: RedactionConfig,
    pub bad: CommitId,
    pub good: Option<CommitId>,
}

impl Repositories {
    /// Opens the repository of `case` and resolves its revisions; in words, why it cannot.
    pub fn resolve(&self, case: &EvalCase, options: &EvalOptions) -> Result<ResolvedRepository, String> {
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
        Ok(ResolvedRepository { repo, rules: RedactionConfig::default(), bad, good })
    }
}
