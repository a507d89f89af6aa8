/*!
The repositories of the cases. Each is opened once and shared by all cases that name it.
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
    /// The masking rules of the index: those of the runs, which share the data folder.
    pub rules: RedactionConfig,
    pub bad: CommitId,
    pub good: Option<CommitId>,
}

impl Repositories {
    /// Opens the repository of `case` and resolves its revisions. The error says in words why this fails.
    pub fn resolve(&self, case: &EvalCase, options: &EvalOptions) -> Result<ResolvedRepository, String> {
        let path = options.repository(&case.repo);
        let repo = {
            // A poisoned lock means that another case panicked; the map itself is still valid.
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
