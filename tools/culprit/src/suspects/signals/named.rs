/*!
Functions that the ticket names, found at the failing revision, and the owners of their lines. A test called
`test_reorder_tests_random` is about `reorder_tests` even if no frame goes through it; the candidate that last changed
the lines of that function is nearer to the fault than one that wrote similar words elsewhere.
*/

use std::collections::{BTreeMap, HashMap};

use millwright_git::history::for_each_token;

use super::super::context::SignalContext;
use super::super::lines::FileHistory;
use super::super::outline::OutlineEntry;
use super::{SignalColumn, list};

/// A definition that the ticket names, with the certainty of the match from 0 to 1.
struct Meant<'c> {
    path: &'c str,
    definition: &'c OutlineEntry,
    by_test: f64,
    by_text: f64,
}

pub(super) fn columns<'c>(context: &'c SignalContext<'_>) -> Vec<SignalColumn<'c>> {
    let meant = meant(context);
    let mut by_test = vec![0.0; context.candidates.len()];
    let mut by_text = vec![0.0; context.candidates.len()];
    let mut names: HashMap<u32, Vec<&'c str>> = HashMap::new();
    for unit in &meant {
        let Some(history) = context.line_history.get(unit.path) else { continue };
        for (candidate, share) in shares(history, unit.definition) {
            by_test[candidate as usize] += unit.by_test * share.sqrt();
            by_text[candidate as usize] += unit.by_text * share.sqrt();
            names.entry(candidate).or_default().push(&unit.definition.name);
        }
    }
    let explain = move |at: usize| {
        let names = names.get(&(at as u32)).map(Vec::as_slice).unwrap_or_default();
        list(names.iter().map(|name| (*name).to_owned()))
    };
    let explain = std::rc::Rc::new(explain);
    let again = explain.clone();
    vec![
        SignalColumn::relative("function_under_test", by_test, move |at| {
            format!("changed {}, which the failing test is named after", explain(at))
        }),
        SignalColumn::relative("named_function", by_text, move |at| {
            format!("changed {}, which the ticket names", again(at))
        }),
    ]
}

/// The share of a definition's lines that each candidate owns; a removal counts as half a line.
pub(super) fn shares(history: &FileHistory, definition: &OutlineEntry) -> BTreeMap<u32, f64> {
    let size = f64::from(definition.end - definition.start + 1);
    let mut shares: BTreeMap<u32, f64> = BTreeMap::new();
    for owned in &history.owned {
        let end = owned.start.saturating_add(owned.len).min(definition.end + 1);
        let lines = end.saturating_sub(owned.start.max(definition.start));
        if lines > 0 {
            *shares.entry(owned.candidate).or_default() += f64::from(lines) / size;
        }
    }
    for (candidate, line) in &history.beside {
        if (definition.start..=definition.end).contains(line) {
            *shares.entry(*candidate).or_default() += 0.5 / size;
        }
    }
    shares.values_mut().for_each(|share| *share = share.min(1.0));
    shares
}

fn meant<'c>(context: &'c SignalContext<'_>) -> Vec<Meant<'c>> {
    let tests: Vec<Vec<String>> = context
        .ticket
        .failing_tests
        .iter()
        .take(20)
        .filter_map(|test| test.function.as_deref())
        .map(words)
        .map(|words| words.into_iter().skip_while(|word| word == "test").collect())
        .collect();
    let vocabulary: HashMap<&str, f64> = context
        .query
        .vocabulary
        .iter()
        .zip(&context.candidates.document_frequency)
        .map(|(word, frequency)| (word.as_str(), context.candidates.idf(*frequency)))
        .collect();
    let weight = |word: &String| vocabulary.get(word.as_str()).copied().unwrap_or(0.0);
    let mut same_name: HashMap<&str, u32> = HashMap::new();
    let definitions = || {
        context
            .sources
            .iter()
            .filter(|(path, _)| {
                millwright_git::history::path_kind(path) == millwright_git::history::PathKind::Source
            })
            .flat_map(|(path, source)| source.definitions.iter().map(move |d| (path.as_str(), d)))
    };
    for (_, definition) in definitions() {
        *same_name.entry(&definition.name).or_default() += 1;
    }
    let mut found = Vec::new();
    for (path, definition) in definitions() {
        let name = words(&definition.name);
        if name.is_empty() || (name.len() == 1 && name[0].len() < 4) {
            continue;
        }
        let rarity = 1.0 / f64::from(same_name.get(definition.name.as_str()).copied().unwrap_or(1)).sqrt();
        let own: f64 = name.iter().map(weight).sum();
        let by_test = tests.iter().map(|test| {
            let total: f64 = test.iter().map(weight).sum();
            let within = test.windows(name.len()).any(|window| window == name);
            if within && total > 0.0 { own / total } else { 0.0 }
        });
        let by_test = by_test.fold(0.0, f64::max) * rarity;
        let lower = definition.name.to_lowercase();
        let in_text = name.len() > 1 || definition.name.len() > 6;
        let by_text = match vocabulary.get(lower.trim_matches('_')) {
            Some(idf) if in_text => idf / 8.0 * rarity,
            _ => 0.0,
        };
        if by_test > 0.0 || by_text > 0.0 {
            found.push(Meant { path, definition, by_test, by_text });
        }
    }
    found
}

/// The words of an identifier, lowercased, in order.
fn words(name: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for piece in name.split(|c: char| !c.is_alphanumeric()) {
        let start = parts.len();
        for_each_token(piece.as_bytes(), |token| parts.push(String::from_utf8_lossy(token).to_lowercase()));
        // After the parts of a compound word, the tokenizer returns the whole word.
        if parts.len() > start + 1 {
            parts.pop();
        }
    }
    parts
}
