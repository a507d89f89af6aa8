/*!
The files of the repository at the failing revision: their names, and the contents that a ranking needs, read by one
git process for all of them.
*/

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};

use millwright_git::Repo;
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
    ) -> Result<BTreeMap<String, SourceText>, GitError> {
        // A newline would end the request early; such names are too rare for a protocol of their own.
        let paths: Vec<&String> = paths.iter().filter(|path| !path.contains('\n')).take(MAX_FILES).collect();
        if paths.is_empty() {
            return Ok(BTreeMap::new());
        }
        let request: String = paths.iter().map(|path| format!("{revision}:{path}\n")).collect();
        let (asked, mut ask) = std::io::pipe().map_err(GitError::Start)?;
        let git = repo.git().args(["cat-file", "--batch=%(objecttype) %(objectsize)"]).input(asked);
        let mut stream = git.stream()?;
        let contents = std::thread::scope(|scope| {
            // Git may exit before it has read all requests; its exit status tells why.
            scope.spawn(move || drop(ask.write_all(request.as_bytes())));
            let contents = read_blobs(&mut BufReader::with_capacity(1 << 16, &mut stream), &paths);
            // If the reader stops, git blocks forever, and so does the thread that writes the requests.
            contents.map_err(|source| {
                stream.stop();
                GitError::Read { command: "cat-file".into(), source }
            })
        });
        let contents = contents?;
        stream.finish()?;
        let outlined = contents.into_par_iter().map(|(path, content)| {
            let content = String::from_utf8_lossy(&content).into_owned();
            let lines = content.lines().count() as u32;
            (path.to_owned(), SourceText { lines, definitions: definitions(&content), content })
        });
        Ok(outlined.collect())
    }
}

/// Reads the answers of `git cat-file --batch`, in the order of the requests: a line with type and size, the content
/// and a newline, or one line for a missing object. Contents that are too large are skipped without buffering.
fn read_blobs<'p>(
    answers: &mut impl BufRead,
    paths: &[&'p String],
) -> std::io::Result<Vec<(&'p str, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut room = MAX_TOTAL;
    let mut line = Vec::new();
    for path in paths {
        line.clear();
        if answers.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let header = std::str::from_utf8(&line).unwrap_or_default().trim_end();
        let Some((kind, size)) = header.split_once(' ') else { continue };
        let (true, Ok(size)) = (["blob", "tree", "commit", "tag"].contains(&kind), size.parse::<usize>())
        else {
            continue;
        };
        if kind == "blob" && size <= MAX_BLOB.min(room) {
            let mut content = vec![0; size];
            answers.read_exact(&mut content)?;
            room -= size;
            found.push((path.as_str(), content));
        } else {
            std::io::copy(&mut answers.take(size as u64), &mut std::io::sink())?;
        }
        answers.read_until(b'\n', &mut line)?;
    }
    Ok(found)
}

pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
