/*!
The files of the repository at the failing revision: their names, and the contents that a ranking needs, read by one
git process for all of them.
*/

use std::collections::BTreeMap;

use millwright_git::{Repo, RepoError, read_blobs};
use millwright_sandbox::trusted::GitError;
use rayon::prelude::*;

use super::outline::{OutlineEntry, definitions};

/// Files above this size are data.
const MAX_BLOB: usize = 2 << 20;

/// Bytes of contents that one ranking holds.
const MAX_TOTAL: usize = 96 << 20;

/// Files whose contents one ranking reads.
const MAX_FILES: usize = 3000;

#[derive(Debug)]
pub(super) struct TreePaths {
    paths: Vec<String>,
}

/// What is known of a file's text.
#[derive(Debug)]
pub(super) struct SourceText {
    pub(super) content: String,
    pub(super) lines: u32,
    pub(super) definitions: Vec<OutlineEntry>,
}

impl TreePaths {
    pub(super) fn read(repo: &Repo, revision: &str) -> Result<Self, GitError> {
        let listing = repo.git().args(["ls-tree", "-r", "-z", "--name-only", revision]).output()?;
        let paths = listing
            .split(|byte| *byte == 0)
            .filter(|path| !path.is_empty())
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect();
        Ok(Self { paths })
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// Contents of `paths` at `revision`, those that are text of reasonable size.
    pub(super) fn sources(
        repo: &Repo,
        revision: &str,
        paths: &[String],
    ) -> Result<BTreeMap<String, SourceText>, RepoError> {
        // A newline would end the request early; such names are too rare for a protocol of their own.
        let paths: Vec<&String> = paths.iter().filter(|path| !path.contains('\n')).take(MAX_FILES).collect();
        let ids: Vec<String> = paths.iter().map(|path| format!("{revision}:{path}")).collect();
        let (mut found, mut room) = (Vec::new(), MAX_TOTAL);
        let mut left = paths.into_iter();
        read_blobs(repo, &ids, |_, content| {
            let content = content.filter(|content| content.len() <= MAX_BLOB.min(room));
            if let (Some(path), Some(content)) = (left.next(), content) {
                room -= content.len();
                found.push((path, content));
            }
        })?;
        let outlined = found.into_par_iter().map(|(path, content)| {
            let content = String::from_utf8_lossy(&content).into_owned();
            let lines = content.lines().count() as u32;
            (path.to_owned(), SourceText { lines, definitions: definitions(&content), content })
        });
        Ok(outlined.collect())
    }
}

pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
