/*!
The code around a change: compares the functions that it touched, as they are at the failing revision, with the
ticket. A two-line change has few words of its own; the function around it shows its topic. Only the candidates that
lead by all other signals are examined, because reading functions costs more than counting words.
*/

use std::collections::{BTreeMap, BTreeSet};

use millwright_git::history::{for_each_token, hash_token_bytes};

use super::super::context::SignalContext;
use super::super::outline::OutlineEntry;
use super::SignalColumn;

/// Number of leading candidates that are examined.
const LEADING: usize = 120;

/// Functions read of one candidate, and lines read of one function.
const MAX_FUNCTIONS: usize = 12;
const MAX_LINES: usize = 120;

/// BM25 as for whole patches, with the usual length normalisation: these are documents of one kind.
const K1: f64 = 1.2;
const B: f64 = 0.75;

pub(super) fn column<'c>(context: &'c SignalContext<'_>, scores: &[f64]) -> SignalColumn<'c> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order.truncate(LEADING);
    let leading: BTreeSet<u32> = order.iter().map(|at| *at as u32).collect();
    let touched = touched(context, &leading);
    let hashes = context.query.hashes();
    let documents: Vec<(u32, BTreeMap<u16, f64>, f64)> = touched
        .into_iter()
        .map(|(candidate, functions)| {
            let (counts, length) = read(context, &functions, &hashes);
            (candidate, counts, length)
        })
        .collect();
    let mean = documents.iter().map(|(_, _, length)| length).sum::<f64>() / documents.len().max(1) as f64;
    let mut values = vec![0.0; context.candidates.len()];
    for (candidate, counts, length) in documents {
        let norm = K1 * (1.0 - B + B * length / mean.max(1.0));
        values[candidate as usize] = counts
            .iter()
            .map(|(token, count)| {
                let frequency = context.candidates.document_frequency[usize::from(*token)];
                context.candidates.idf(frequency) * count / (count + norm)
            })
            .sum();
    }
    SignalColumn::relative("context_text", values, |_| "changes functions that use the same words".into())
}

type Function<'c> = (&'c str, &'c OutlineEntry);

fn touched<'c>(context: &'c SignalContext<'_>, leading: &BTreeSet<u32>) -> Vec<(u32, Vec<Function<'c>>)> {
    let mut found: BTreeMap<u32, Vec<Function<'c>>> = BTreeMap::new();
    for (path, history) in &context.line_history {
        let Some(source) = context.sources.get(path) else { continue };
        if millwright_git::history::path_kind(path) != millwright_git::history::PathKind::Source {
            continue;
        }
        let owned = history.owned.iter().map(|owned| (owned.candidate, owned.start));
        for (candidate, line) in owned.chain(history.beside.iter().copied()) {
            if !leading.contains(&candidate) || !context.candidates.list[candidate as usize].changes_code() {
                continue;
            }
            let Some(definition) = super::super::outline::enclosing(&source.definitions, line) else {
                continue;
            };
            let functions = found.entry(candidate).or_default();
            let known = functions.iter().any(|(p, d)| *p == path && d.start == definition.start);
            if !known && functions.len() < MAX_FUNCTIONS {
                functions.push((path, definition));
            }
        }
    }
    found.into_iter().collect()
}

fn read(
    context: &SignalContext<'_>,
    functions: &[Function<'_>],
    hashes: &[(u32, u16)],
) -> (BTreeMap<u16, f64>, f64) {
    let mut counts: BTreeMap<u16, f64> = BTreeMap::new();
    let mut length = 0.0;
    for (path, definition) in functions {
        let Some(source) = context.sources.get(*path) else { continue };
        let lines = ((definition.end - definition.start + 1) as usize).min(MAX_LINES);
        for line in source.content.lines().skip(definition.start as usize - 1).take(lines) {
            for_each_token(line.as_bytes(), |token| {
                length += 1.0;
                let hash = hash_token_bytes(token);
                if let Ok(at) = hashes.binary_search_by_key(&hash, |(hash, _)| *hash) {
                    *counts.entry(hashes[at].1).or_default() += 1.0;
                }
            });
        }
    }
    (counts, length)
}
