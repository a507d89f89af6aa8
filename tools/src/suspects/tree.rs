/*!
The files of the repository at the failing revision: their names, and the contents of the few that matter. Frames
of a trace name files in many ways (absolute, in a container, by package); here they are matched with real ones.
*/

use std::collections::HashMap;

use millwright_memory::types::Frame;

use super::outline::{Definition, definitions};
use crate::git::Repo;
use crate::history::{PathKind, path_kind};
use crate::process::trusted::GitError;

/// Files above this size are data.
const MAX_BLOB: usize = 2 << 20;

/// Files whose contents one ranking reads.
const MAX_FILES: usize = 3000;

#[derive(Debug)]
pub(super) struct Tree {
    paths: Vec<String>,
    /// Numbers of paths by file name.
    by_name: HashMap<String, Vec<u32>>,
}

/// What is known of a file's text.
#[derive(Debug)]
pub(super) struct Source {
    /// Kept for tests only: of product files the outline is enough.
    pub(super) content: Option<String>,
    pub(super) lines: u32,
    pub(super) definitions: Vec<Definition>,
}

impl Tree {
    pub(super) fn read(repo: &Repo, revision: &str) -> Result<Self, GitError> {
        let listing = repo.git().args(["ls-tree", "-r", "-z", "--name-only", revision]).output()?;
        let paths: Vec<String> = listing
            .split(|byte| *byte == 0)
            .filter(|path| !path.is_empty())
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect();
        let mut by_name: HashMap<String, Vec<u32>> = HashMap::new();
        for (path, number) in paths.iter().zip(0..) {
            by_name.entry(file_name(path).to_owned()).or_default().push(number);
        }
        Ok(Self { paths, by_name })
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// The file a frame lies in: as mapped before, or the one that shares the longest end of its path.
    pub(super) fn locate(&self, frame: &Frame) -> Option<&str> {
        if let Some(mapped) = &frame.mapped {
            let same = |number: &&u32| self.paths[**number as usize] == mapped.path;
            let number = self.by_name.get(file_name(&mapped.path))?.iter().find(same)?;
            return Some(&self.paths[*number as usize]);
        }
        let path = frame.path.as_deref()?.replace('\\', "/");
        // The JVM prints a bare file name; its package says where it lies.
        let package = frame.module.as_deref().and_then(|module| module.rsplit_once('.')).map(|(p, _)| p);
        match package {
            Some(package) if !path.contains('/') => {
                self.by_suffix(&format!("{}/{path}", package.replace('.', "/")))
            }
            _ => self.by_suffix(&path),
        }
    }

    /// The file that shares the most trailing parts with `path`; at least two, unless the name has one only.
    pub(super) fn by_suffix(&self, path: &str) -> Option<&str> {
        let depth = path.split('/').filter(|part| !part.is_empty() && *part != ".").count();
        let shared = |candidate: &str| {
            let pairs = candidate.rsplit('/').zip(path.rsplit('/'));
            pairs.take_while(|(a, b)| a == b).count()
        };
        let numbers = self.by_name.get(file_name(path))?;
        let best = numbers
            .iter()
            .map(|number| &self.paths[*number as usize])
            // Of equals the shortest: `src/a/b.py` before `vendor/x/src/a/b.py`.
            .max_by_key(|candidate| (shared(candidate), std::cmp::Reverse(candidate.len())))?;
        (shared(best) >= depth.min(2)).then_some(best.as_str())
    }

    /// Contents of `paths` at `revision`, those that are text of reasonable size.
    pub(super) fn sources(
        repo: &Repo,
        revision: &str,
        paths: &[String],
    ) -> Result<HashMap<String, Source>, GitError> {
        let mut found = HashMap::new();
        // A newline would end the request early; such names are not worth a protocol of their own.
        let paths: Vec<&String> = paths.iter().filter(|path| !path.contains('\n')).take(MAX_FILES).collect();
        if paths.is_empty() {
            return Ok(found);
        }
        let request: String = paths.iter().map(|path| format!("{revision}:{path}\n")).collect();
        let check = ["cat-file", "--batch-check=%(objecttype) %(objectsize)"];
        let sizes = repo.git().args(check).output_with_input(request.as_bytes())?;
        let sizes = String::from_utf8_lossy(&sizes).into_owned();
        let small: Vec<&String> = paths
            .into_iter()
            .zip(sizes.lines())
            .filter(|(_, line)| {
                line.strip_prefix("blob ").and_then(|n| n.parse().ok()).is_some_and(|n: usize| n <= MAX_BLOB)
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
            found.insert(
                path.clone(),
                Source {
                    lines,
                    definitions: definitions(&content),
                    content: (path_kind(path) == PathKind::Test).then_some(content),
                },
            );
            rest = rest.get(line_end + size + 2..).unwrap_or(b"");
        }
        Ok(found)
    }
}

pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
