/*!
The results of simple rules on the same cases and index, for comparison with the ranking. The rules look only at raw words
and names. They share no code with the ranking except the index and the tokenizer.
*/

use std::collections::{HashMap, HashSet};

use millwright_git::Repo;
use millwright_git::history::{HistoryError, HistoryIndex, PatchField, PathKind, for_each_token, hash_token};
use millwright_model::{CommitId, ParsedTicket};
use millwright_redaction::RedactionConfig;

/// Commit ids, best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineRankings {
    /// Commits that touch a file of the stack trace, newest first. Other commits are not ranked.
    pub newest_in_trace: Vec<String>,
    /// BM25 (k1 = 1.2, b = 0.75) of the ticket against message and diff. Commits that touch shipped code come first.
    pub text: Vec<String>,
}

/// The rankings of the rules for one case.
///
/// # Errors
/// When the revisions are not in the history or the index cannot be read.
pub fn baselines(
    repo: &Repo,
    rules: &RedactionConfig,
    bad: &CommitId,
    good: Option<&CommitId>,
    ticket: &ParsedTicket,
) -> Result<BaselineRankings, HistoryError> {
    let (mut history, _) = HistoryIndex::open_range(repo, rules, bad, good)?;
    let structure = &history.structure;
    let position =
        |id: &CommitId| structure.position(id).ok_or_else(|| HistoryError::UnknownCommit(id.clone()));
    let positions = structure.range(position(bad)?, good.map(position).transpose()?);
    history.text.ensure(repo, &history.structure, &positions)?;
    let names = trace_files(ticket);
    let mut tokens = Vec::new();
    for_each_token(ticket.text.as_bytes(), |token| {
        tokens.push(hash_token(&String::from_utf8_lossy(token)));
    });
    tokens.sort_unstable();
    tokens.dedup();
    let mut documents: Vec<Document> = Vec::with_capacity(positions.len());
    history.text.visit(&history.structure, &positions, |at, text| {
        let mut counts: HashMap<u32, u32> = HashMap::new();
        for field in text.fields.iter().take(PatchField::COUNT) {
            for token in &tokens {
                *counts.entry(*token).or_default() += u32::from(field.count(*token));
            }
        }
        counts.retain(|_, count| *count > 0);
        documents.push(Document {
            at,
            counts,
            length: text.fields.iter().map(|field| f64::from(field.length)).sum(),
            ships: text.touches(PathKind::Source),
            in_trace: text.files.iter().any(|file| names.iter().any(|name| is_end_of(name, &file.path))),
        });
    })?;
    documents.sort_by_key(|document| document.at);
    let id = |document: &Document| history.structure.commit(positions[document.at]).id().to_string();
    let newest = documents.iter().filter(|document| document.in_trace).map(id).collect();
    let scores = bm25(&documents);
    let mut order: Vec<usize> = (0..documents.len()).collect();
    order.sort_by(|a, b| {
        let ships = documents[*b].ships.cmp(&documents[*a].ships);
        ships.then(scores[*b].total_cmp(&scores[*a]))
    });
    Ok(BaselineRankings {
        newest_in_trace: newest,
        text: order.into_iter().map(|at| id(&documents[at])).collect(),
    })
}

struct Document {
    at: usize,
    counts: HashMap<u32, u32>,
    length: f64,
    ships: bool,
    in_trace: bool,
}

fn bm25(documents: &[Document]) -> Vec<f64> {
    let total = documents.len() as f64;
    let mean = documents.iter().map(|document| document.length).sum::<f64>() / total.max(1.0);
    let mut frequency: HashMap<u32, f64> = HashMap::new();
    for token in documents.iter().flat_map(|document| document.counts.keys()) {
        *frequency.entry(*token).or_default() += 1.0;
    }
    let score = |document: &Document| {
        let norm = 1.2 * (0.25 + 0.75 * document.length / mean.max(1.0));
        let part = |(token, count): (&u32, &u32)| {
            let n = frequency.get(token).copied().unwrap_or(0.0);
            let idf = (1.0 + (total - n + 0.5) / (n + 0.5)).ln();
            idf * f64::from(*count) * 2.2 / (f64::from(*count) + norm)
        };
        document.counts.iter().map(part).sum()
    };
    documents.iter().map(score).collect()
}

/// Paths of all stack frames, in git's form. For the JVM, the package becomes folders.
fn trace_files(ticket: &ParsedTicket) -> Vec<String> {
    let frames = ticket.traces.iter().flat_map(|trace| &trace.exceptions).flat_map(|e| &e.frames);
    let path = |frame: &millwright_model::Frame| {
        let path = frame.path.as_deref()?.replace('\\', "/");
        let package = frame.module.as_deref().and_then(|module| Some(module.rsplit_once('.')?.0));
        Some(match package {
            Some(package) if !path.contains('/') => format!("{}/{path}", package.replace('.', "/")),
            _ => path.trim_start_matches("./").to_owned(),
        })
    };
    let unique: HashSet<String> = frames.filter_map(path).collect();
    unique.into_iter().collect()
}

/// Whether one path is a suffix of the other, at a folder boundary.
fn is_end_of(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        && short.contains('/') | (short == long)
}
