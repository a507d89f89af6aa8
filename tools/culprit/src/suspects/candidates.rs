/*!
The candidates of one ranking, reduced to what the query needs: a record has every word of a patch, but a ranking
needs only the words of the ticket, so a whole history fits in memory.
*/

use std::collections::HashMap;

use millwright_git::history::{
    ChangedLineKinds, CommitText, HistoryError, HistoryIndex, HistoryStructure, PatchField, PatchFile,
    PathKind,
};

use super::query::TicketQuery;

/// One word of the query in one field of a patch.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueryHit {
    pub(super) token: u16,
    pub(super) field: u8,
    pub(super) count: u16,
}

#[derive(Debug)]
pub(super) struct SuspectCandidate {
    /// Position in the structure of the history.
    pub(super) position: u32,
    /// Sorted by ascending token.
    pub(super) hits: Vec<QueryHit>,
    pub(super) lengths: [u32; PatchField::COUNT],
    /// Numbers (in the literal's list) of the 3-grams of the message found in changed source lines.
    pub(super) grams: Vec<u16>,
    pub(super) files: Vec<PatchFile>,
    pub(super) mentions: Vec<String>,
    pub(super) substance: ChangedLineKinds,
    pub(super) is_merge: bool,
    /// The first commit of a history, or one that imports or moves a whole project.
    pub(super) is_import: bool,
}

impl SuspectCandidate {
    /// Whether the commit changes a line that runs. A commit that changes only comments may contain every word of a
    /// ticket and touch every file of its trace, but it is not a cause, so its words and places are not evidence.
    pub(super) fn changes_code(&self) -> bool {
        self.substance.code_lines > 0
    }

    /// Whether the commit's words are evidence: it changes code and is not an import, which contains every word.
    pub(super) fn speaks(&self) -> bool {
        self.changes_code() && !self.is_import
    }

    pub(super) fn source_files(&self) -> impl Iterator<Item = &PatchFile> {
        self.files.iter().filter(|file| file.kind == PathKind::Source)
    }
}

#[derive(Debug)]
pub(super) struct SuspectCandidates {
    /// Newest first.
    pub(super) list: Vec<SuspectCandidate>,
    /// Number of candidates that have a word, by token.
    pub(super) document_frequency: Vec<u32>,
    pub(super) mean_length: [f64; PatchField::COUNT],
    /// Candidates that change a path (by its name at that commit), newest first.
    pub(super) by_path: HashMap<String, Vec<u32>>,
    /// Number of candidates that have each 3-gram of the message.
    pub(super) gram_frequency: Vec<u32>,
}

impl SuspectCandidates {
    /// Reads the candidates at `positions` (newest first), with the words of `query` and the 3-grams `grams`.
    pub(super) fn read(
        history: &HistoryIndex,
        positions: &[u32],
        query: &TicketQuery,
        grams: &[u32],
    ) -> Result<Self, HistoryError> {
        let hashes = query.hashes();
        let mut read: Vec<Option<SuspectCandidate>> = Vec::new();
        read.resize_with(positions.len(), || None);
        let keep = |at: usize, text| reduce(&history.structure, positions[at], text, &hashes, grams);
        history.text.visit_reduced(&history.structure, positions, keep, |at, candidate| {
            if let Some(slot) = read.get_mut(at) {
                *slot = Some(candidate);
            }
        })?;
        // A commit whose text could not be read stays a candidate without evidence for or against it.
        let list: Vec<SuspectCandidate> = read
            .into_iter()
            .zip(positions)
            .map(|(candidate, position)| candidate.unwrap_or_else(|| blank(&history.structure, *position)))
            .collect();
        Ok(Self::count(list, query.vocabulary.len(), grams.len()))
    }

    fn count(list: Vec<SuspectCandidate>, tokens: usize, grams: usize) -> Self {
        let mut document_frequency = vec![0; tokens];
        let mut gram_frequency = vec![0; grams];
        let mut mean_length = [0.0; PatchField::COUNT];
        let mut by_path: HashMap<String, Vec<u32>> = HashMap::new();
        for (at, candidate) in list.iter().enumerate() {
            let mut last = None;
            for hit in &candidate.hits {
                if last != Some(hit.token) {
                    document_frequency[usize::from(hit.token)] += 1;
                    last = Some(hit.token);
                }
            }
            for gram in &candidate.grams {
                gram_frequency[usize::from(*gram)] += 1;
            }
            for (mean, length) in mean_length.iter_mut().zip(candidate.lengths) {
                *mean += f64::from(length) / list.len() as f64;
            }
            for file in &candidate.files {
                by_path.entry(file.path.clone()).or_default().push(at as u32);
                if let Some(old) = &file.old_path {
                    by_path.entry(old.clone()).or_default().push(at as u32);
                }
            }
        }
        Self { list, document_frequency, mean_length, by_path, gram_frequency }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// `ln(1 + (N − n + ½) / (n + ½))`, Robertson's inverse document frequency kept positive.
    pub(super) fn idf(&self, frequency: u32) -> f64 {
        let (total, n) = (self.len() as f64, f64::from(frequency));
        (1.0 + (total - n + 0.5).max(0.0) / (n + 0.5)).ln()
    }

    pub(super) fn touching(&self, path: &str) -> &[u32] {
        self.by_path.get(path).map_or(&[], Vec::as_slice)
    }
}

fn reduce(
    structure: &HistoryStructure,
    position: u32,
    text: CommitText,
    hashes: &[(u32, u16)],
    grams: &[u32],
) -> SuspectCandidate {
    let mut hits = Vec::new();
    let mut lengths = [0; PatchField::COUNT];
    for (number, field) in text.fields.iter().enumerate().take(PatchField::COUNT) {
        lengths[number] = field.length;
        join(&field.counts, hashes, |token, count| {
            hits.push(QueryHit { token, field: number as u8, count });
        });
    }
    hits.sort_unstable_by_key(|hit| (hit.token, hit.field));
    let found = grams.iter().zip(0..).filter(|(gram, _)| text.trigrams.binary_search(gram).is_ok());
    let is_import = is_import(structure, position, &text);
    SuspectCandidate {
        position,
        hits,
        lengths,
        grams: found.map(|(_, number)| number).collect(),
        files: text.files,
        mentions: text.mentions,
        is_import,
        substance: text.substance,
        is_merge: structure.commit(position).parents.len() > 1,
    }
}

fn blank(structure: &HistoryStructure, position: u32) -> SuspectCandidate {
    SuspectCandidate {
        position,
        hits: Vec::new(),
        lengths: [0; PatchField::COUNT],
        grams: Vec::new(),
        files: Vec::new(),
        mentions: Vec::new(),
        substance: ChangedLineKinds::default(),
        is_merge: structure.commit(position).parents.len() > 1,
        is_import: structure.commit(position).parents.is_empty(),
    }
}

fn is_import(structure: &HistoryStructure, position: u32, text: &CommitText) -> bool {
    const FILES: usize = 200;
    const LINES: u32 = 20_000;
    let files = text.files.iter().filter(|file| file.kind == PathKind::Source).count();
    structure.commit(position).parents.is_empty() || files >= FILES || text.substance.lines >= LINES
}

/// Words that are in both sorted lists; iterates over the shorter one.
fn join(counts: &[(u32, u16)], hashes: &[(u32, u16)], mut found: impl FnMut(u16, u16)) {
    if counts.len() < hashes.len() {
        for (hash, count) in counts {
            if let Ok(at) = hashes.binary_search_by_key(hash, |(hash, _)| *hash) {
                found(hashes[at].1, *count);
            }
        }
    } else {
        for (hash, token) in hashes {
            if let Ok(at) = counts.binary_search_by_key(hash, |(hash, _)| *hash) {
                found(*token, counts[at].1);
            }
        }
    }
}
