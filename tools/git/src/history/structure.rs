/*!
The structural level: the commit graph with the files that every commit changed, for everything the requested
revisions reach. It says which commits are candidates and which files change together, without reading an object.

The file on disk is closed under ancestry: a segment is written only when all commits it names are complete. So a
revision in the index has all its ancestors there too, and an update reads new commits only.
*/

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{BufRead, BufReader};
use std::path::Path;

use millwright_model::CommitId;
use millwright_redaction::RedactionConfig;
use serde::{Deserialize, Serialize};

use super::kind::{PathKind, path_kind};
use super::log_file::{LogFile, LogSegments, lock};
use super::mask::{CommitMask, require_rules};
use super::{BinaryId, HistoryError, STRUCTURE_LOCK, parse_id};
use crate::Repo;

const MAGIC: &[u8; 8] = b"MWSTRU02";

/// Maximum number of tips that we tell git to exclude; commits reached only by other tips are read again and
/// skipped.
const MAX_TIPS: usize = 400;

/// A commit that touches more files than this is a move or an import; only its first files are kept.
const MAX_FILES: usize = 4000;

/// How much of a subject is masked before it is cut.
const MASKED_CHARS: usize = 20_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CommitMeta {
    id: BinaryId,
    /// Positions in the index; parents always come before their children.
    pub parents: Vec<u32>,
    /// Commit time, seconds since the epoch.
    pub time: i64,
    pub author: String,
    pub subject: String,
    /// Status letter of git (`A`, `M`, `D`, `T`) and path number. Empty for merges.
    pub files: Vec<(u8, u32)>,
}

impl CommitMeta {
    pub fn id(&self) -> CommitId {
        CommitId::from_bytes(&self.id)
    }

    /// Whether some of its files were left out, because there are too many.
    pub fn is_cut(&self) -> bool {
        self.files.len() >= MAX_FILES
    }

    pub(super) fn binary_id(&self) -> BinaryId {
        self.id
    }
}

#[derive(Serialize, Deserialize)]
struct Segment {
    paths: Vec<String>,
    commits: Vec<CommitMeta>,
}

/// A commit id is already a hash: its first eight bytes serve as the hash for a table.
#[derive(Debug, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(0, |head| u64::from_le_bytes(*head));
    }

    /// Every id has the same length, so the length adds nothing.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

pub(super) type ById<V> = HashMap<BinaryId, V, BuildHasherDefault<IdHasher>>;

#[derive(Debug, Default)]
pub struct HistoryStructure {
    commits: Vec<CommitMeta>,
    by_id: ById<u32>,
    paths: Vec<String>,
    kinds: Vec<PathKind>,
}

impl HistoryStructure {
    /// The index in `folder`, if it already contains `bad`.
    pub(super) fn known(folder: &Path, bad: &CommitId) -> Result<Option<Self>, HistoryError> {
        let structure = Self::decode(&LogFile::new(folder.join("structure"), MAGIC).read()?);
        Ok(structure.position(bad).is_some().then_some(structure))
    }

    /// Reads the index in `folder` and adds the missing commits that `bad` reaches.
    pub(super) fn open(
        repo: &Repo,
        folder: &Path,
        rules: &RedactionConfig,
        bad: &CommitId,
    ) -> Result<Self, HistoryError> {
        if let Some(structure) = Self::known(folder, bad)? {
            return Ok(structure);
        }
        let file = LogFile::new(folder.join("structure"), MAGIC);
        let _lock = lock(&folder.join(STRUCTURE_LOCK))?;
        require_rules(folder, rules)?;
        // Another run may have added the commits while this one waited.
        let segments = file.read()?;
        let mut structure = Self::decode(&segments);
        if structure.position(bad).is_some() {
            return Ok(structure);
        }
        let segment = structure.read_new(repo, rules, bad)?;
        let payload = postcard::to_allocvec(&segment)
            .map_err(|source| HistoryError::Encode { path: file.path().to_owned(), source })?;
        file.append(segments.end, &payload)?;
        structure.add(segment);
        match structure.position(bad) {
            Some(_) => Ok(structure),
            None => Err(HistoryError::UnknownCommit(bad.clone())),
        }
    }

    pub fn position(&self, id: &CommitId) -> Option<u32> {
        self.by_id.get(&id.to_bytes()).copied()
    }

    pub fn commit(&self, position: u32) -> &CommitMeta {
        &self.commits[position as usize]
    }

    /// Number of commits in the index, including those that the current revision does not reach.
    pub fn len(&self) -> usize {
        self.commits.len()
    }

    /// Every commit, each after its parents.
    pub fn ids(&self) -> Vec<CommitId> {
        self.commits.iter().map(CommitMeta::id).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    pub fn path(&self, number: u32) -> &str {
        self.paths.get(number as usize).map_or("", String::as_str)
    }

    /// The number of a path; `None` when no commit touched it.
    pub fn path_number(&self, path: &str) -> Option<u32> {
        self.paths.iter().position(|known| known == path).and_then(|at| u32::try_from(at).ok())
    }

    pub fn kind(&self, number: u32) -> PathKind {
        self.kinds.get(number as usize).copied().unwrap_or(PathKind::Other)
    }

    /// For every position, whether `of` reaches it (itself included).
    pub fn ancestors(&self, of: u32) -> Vec<bool> {
        let mut reached = vec![false; self.commits.len()];
        let Some(start) = reached.get_mut(of as usize) else { return reached };
        *start = true;
        // Parents come before children, so one downward pass is enough.
        for position in (0..=of as usize).rev() {
            if reached[position] {
                for parent in &self.commits[position].parents {
                    reached[*parent as usize] = true;
                }
            }
        }
        reached
    }

    /// Positions of `good..bad`, newest first; all ancestors of `bad` if there is no `good`.
    pub fn range(&self, bad: u32, good: Option<u32>) -> Vec<u32> {
        let wanted = self.ancestors(bad);
        let known_good = good.map(|good| self.ancestors(good)).unwrap_or_default();
        let is_candidate =
            |position: usize| wanted[position] && !known_good.get(position).copied().unwrap_or(false);
        (0..wanted.len()).rev().filter(|position| is_candidate(*position)).map(|p| p as u32).collect()
    }

    fn decode(segments: &LogSegments) -> Self {
        let mut structure = Self::default();
        for payload in segments.iter() {
            // The checksum is right, so a payload that does not decode comes from another version.
            let Ok(segment) = postcard::from_bytes::<Segment>(payload) else { return Self::default() };
            structure.add(segment);
        }
        structure
    }

    fn add(&mut self, segment: Segment) {
        self.kinds.extend(segment.paths.iter().map(|path| path_kind(path)));
        self.paths.extend(segment.paths);
        self.by_id.reserve(segment.commits.len());
        for commit in segment.commits {
            let position = self.commits.len() as u32;
            if commit.parents.iter().all(|parent| *parent < position) {
                self.by_id.insert(commit.id, position);
                self.commits.push(commit);
            }
        }
    }

    fn tips(&self) -> Vec<u32> {
        let mut has_child = vec![false; self.commits.len()];
        for parent in self.commits.iter().flat_map(|commit| &commit.parents) {
            has_child[*parent as usize] = true;
        }
        (0..self.commits.len() as u32).rev().filter(|p| !has_child[*p as usize]).take(MAX_TIPS).collect()
    }

    fn read_new(
        &self,
        repo: &Repo,
        rules: &RedactionConfig,
        bad: &CommitId,
    ) -> Result<Segment, HistoryError> {
        let mask = CommitMask::of_words(rules)?;
        let mut git = repo.git().args([
            "log",
            "-z",
            "--no-renames",
            "--name-status",
            "--encoding=UTF-8",
            "--format=%x01%H%x00%P%x00%ct%x00%an%x00%s",
            bad,
            "--not",
        ]);
        for tip in self.tips() {
            git = git.arg(self.commit(tip).id().as_str());
        }
        let mut stream = git.stream()?;
        let mut reader = LogReader {
            input: BufReader::with_capacity(1 << 18, &mut stream),
            known_paths: self.paths.iter().zip(0..).map(|(path, n)| (path.clone().into_bytes(), n)).collect(),
            paths: Vec::new(),
            old_paths: self.paths.len() as u32,
            mask,
        };
        let mut raw = Vec::new();
        reader.read_all(&mut raw).map_err(super::log_file::io_error("reading", repo.path()))?;
        let paths = std::mem::take(&mut reader.paths);
        drop(reader);
        stream.finish()?;
        Ok(Segment { paths, commits: self.in_topological_order(raw) })
    }

    /// Numbers new commits, parents first. Drops parents that are neither new nor in the index (a shallow
    /// boundary).
    fn in_topological_order(&self, raw: Vec<RawCommit>) -> Vec<CommitMeta> {
        let base = self.commits.len() as u32;
        let index: ById<usize> = raw.iter().enumerate().map(|(at, commit)| (commit.meta.id, at)).collect();
        let mut numbers: Vec<Option<u32>> = vec![None; raw.len()];
        let mut order = Vec::with_capacity(raw.len());
        let mut stack: Vec<(usize, usize)> = Vec::new();
        let mut open = vec![false; raw.len()];
        // Oldest first (git prints newest first): the stack stays shallow and numbers follow time.
        for start in (0..raw.len()).rev() {
            stack.push((start, 0));
            while let Some((at, next)) = stack.pop() {
                if numbers[at].is_some() || self.by_id.contains_key(&raw[at].meta.id) {
                    continue;
                }
                open[at] = true;
                let parents = &raw[at].parents;
                let pending = (next..parents.len()).find_map(|n| {
                    let parent = *index.get(&parents[n])?;
                    (numbers[parent].is_none() && !open[parent] && !self.by_id.contains_key(&parents[n]))
                        .then_some((n, parent))
                });
                if let Some((n, parent)) = pending {
                    stack.push((at, n + 1));
                    stack.push((parent, 0));
                } else {
                    numbers[at] = Some(base + order.len() as u32);
                    order.push(at);
                }
            }
        }
        let mut metas: Vec<Option<CommitMeta>> = Vec::with_capacity(raw.len());
        for commit in raw {
            let parents = commit.parents.iter().filter_map(|parent| {
                self.by_id.get(parent).copied().or_else(|| index.get(parent).and_then(|at| numbers[*at]))
            });
            let parents = parents.collect();
            metas.push(Some(CommitMeta { parents, ..commit.meta }));
        }
        order.into_iter().filter_map(|at| metas[at].take()).collect()
    }
}

struct RawCommit {
    meta: CommitMeta,
    parents: Vec<BinaryId>,
}

/// Reads `git log -z`: five NUL-ended header fields, the first one starting with 0x01, then status and path
/// alternating. The position of a field says what it is, so no name or subject can be mistaken for structure.
struct LogReader<R> {
    input: R,
    known_paths: HashMap<Vec<u8>, u32>,
    paths: Vec<String>,
    old_paths: u32,
    mask: CommitMask,
}

impl<R: BufRead> LogReader<R> {
    fn read_all(&mut self, out: &mut Vec<RawCommit>) -> std::io::Result<()> {
        let mut field = Vec::new();
        let mut more = self.next(&mut field)?;
        while more {
            let Some(id) = field.strip_prefix(b"\x01").and_then(|id| parse_id(&String::from_utf8_lossy(id)))
            else {
                more = self.next(&mut field)?;
                continue;
            };
            let mut header: [String; 4] = Default::default();
            for slot in &mut header {
                self.next(&mut field)?;
                *slot = String::from_utf8_lossy(&field).into_owned();
            }
            let [parents, time, author, subject] = header;
            let mut files = Vec::new();
            loop {
                more = self.next(&mut field)?;
                if !more || field.first() == Some(&1) {
                    break;
                }
                let Some(status) = field.iter().copied().find(u8::is_ascii_uppercase) else { continue };
                if !self.next(&mut field)? {
                    break;
                }
                if files.len() < MAX_FILES {
                    files.push((status, self.path_number(&field)));
                }
            }
            out.push(RawCommit {
                parents: parents.split(' ').filter_map(parse_id).collect(),
                meta: CommitMeta {
                    id,
                    parents: Vec::new(),
                    time: time.parse().unwrap_or(0),
                    author: bounded(author, 120),
                    // Mask before the cut: the rules would not recognize a value that is cut.
                    subject: bounded(self.mask.mask(bounded(subject, MASKED_CHARS)), 300),
                    files,
                },
            });
        }
        Ok(())
    }

    /// The next field without its NUL; false at the end of the stream.
    fn next(&mut self, field: &mut Vec<u8>) -> std::io::Result<bool> {
        field.clear();
        let read = self.input.read_until(0, field)?;
        if field.last() == Some(&0) {
            field.pop();
        }
        Ok(read > 0)
    }

    fn path_number(&mut self, path: &[u8]) -> u32 {
        if let Some(number) = self.known_paths.get(path) {
            return *number;
        }
        let number = self.old_paths + self.paths.len() as u32;
        self.paths.push(String::from_utf8_lossy(path).into_owned());
        self.known_paths.insert(path.to_owned(), number);
        number
    }
}

fn bounded(mut text: String, limit: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(limit) {
        text.truncate(at);
    }
    text
}
