/*!
The files of the repository at the failing revision: their names, and what is needed of their contents, read by
one git process for all of them.
*/

use std::collections::BTreeMap;

use super::outline::{Definition, definitions};
use crate::git::Repo;
use crate::process::trusted::GitError;

/// Files above this size are data.
const MAX_BLOB: usize = 2 << 20;

/// Bytes of contents that one ranking holds.
const MAX_TOTAL: usize = 96 << 20;

/// Files whose contents one ranking reads.
const MAX_FILES: usize = 3000;

#[derive(Debug)]
pub(super) struct Tree {
    paths: Vec<String>,
}

/// What is known of a file's text.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) content: String,
    pub(super) lines: u32,
    pub(super) definitions: Vec<Definition>,
}

impl Tree {
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
    ) -> Result<BTreeMap<String, Source>, GitError> {
        let mut found = BTreeMap::new();
        // A newline would end the request early; such names are not worth a protocol of their own.
        let paths: Vec<&String> = paths.iter().filter(|path| !path.contains('\n')).take(MAX_FILES).collect();
        if paths.is_empty() {
            return Ok(found);
        }
        let request: String = paths.iter().map(|path| format!("{revision}:{path}\n")).collect();
        let check = ["cat-file", "--batch-check=%(objecttype) %(objectsize)"];
        let sizes = repo.git().args(check).output_with_input(request.as_bytes())?;
        let sizes = String::from_utf8_lossy(&sizes).into_owned();
        let mut total = 0;
        let small: Vec<&String> = paths
            .into_iter()
            .zip(sizes.lines())
            .filter(|(_, line)| {
                let size: Option<usize> = line.strip_prefix("blob ").and_then(|n| n.parse().ok());
                let fits = |size: &usize| *size <= MAX_BLOB && total + *size <= MAX_TOTAL;
                total += size.filter(fits).unwrap_or(0);
                size.is_some_and(|size| size <= MAX_BLOB && total <= MAX_TOTAL)
            })
            .map(|(path, _)| path)
            .collect();
        if small.is_empty() {
            return Ok(found);
        }
        let request: String = small.iter().map(|path| format!("{revision}:{path}\n")).collect();
        let output =
            repo.git().args(["cat-file", "--batch=%(objectsize)"]).output_with_input(request.as_bytes())?;
        let mut rest = output.as_slice();
        for path in small {
            let Some(line_end) = memchr::memchr(b'\n', rest) else { break };
            let size = std::str::from_utf8(&rest[..line_end]).ok().and_then(|size| size.parse().ok());
            let Some(size): Option<usize> = size else { break };
            let Some(content) = rest.get(line_end + 1..line_end + 1 + size) else { break };
            let content = String::from_utf8_lossy(content).into_owned();
            let lines = content.lines().count() as u32;
            found.insert(path.clone(), Source { lines, definitions: definitions(&content), content });
            rest = rest.get(line_end + size + 2..).unwrap_or(b"");
        }
        Ok(found)
    }
}

pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
