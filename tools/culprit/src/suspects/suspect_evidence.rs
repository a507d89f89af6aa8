/*!
Measures the evidence that connects the first suspect to the ticket, in absolute terms. Signals are relative to the
best commit of a range, so a commit always comes first, however weak its match is. This module measures the match
itself.

Only informative words count: no stop words of the ticket's language, no names of the repository, a service or a
folder, and no commit scopes of this history.
*/

use std::collections::HashSet;

use millwright_git::history::for_each_token;
use serde::Serialize;

use super::bm25::{ALL_FIELDS, contributions, mask};
use super::context::SignalContext;
use super::signals::SignalColumn;
use super::weights::SignalWeights;

/// Evidence of one suspect. Each part is 0 or more.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SuspectEvidence {
    /// Sum over the informative words that ticket and change share, each weighted by its rarity.
    pub words: f64,
    /// The share of the ticket's informative words, by rarity, that the change has.
    pub coverage: f64,
    /// Number of shared words that occur in at most 2 % of the commits.
    pub rare_words: usize,
    /// Points of the score from places of a trace.
    pub places: f64,
    /// Points of the score from the name and code of a failing test.
    pub test: f64,
    /// Points of the score from phrases of an error message.
    pub literal: f64,
    /// Points of the score from the words of ticket and change.
    pub text: f64,
    /// Difference in points to the next of all compared commits.
    pub lead: f64,
    /// Number of compared commits, including those from before the range.
    pub compared: usize,
}

/// The evidence of the candidate `at`; `scores` are the scores of all compared commits.
pub(super) fn evidence_of(
    context: &SignalContext<'_>,
    columns: &[SignalColumn<'_>],
    weights: &SignalWeights,
    scores: &[f64],
    at: usize,
) -> SuspectEvidence {
    let candidates = &context.candidates;
    let telling = telling_words(context);
    let wanted = mask(candidates, &telling);
    let rarity = |token: u16| candidates.idf(candidates.document_frequency[usize::from(token)]);
    let candidate = &candidates.list[at];
    let shared: Vec<u16> = match candidate.speaks() {
        true => contributions(candidates, candidate, &wanted, &ALL_FIELDS).map(|(token, _)| token).collect(),
        false => Vec::new(),
    };
    let words: f64 = shared.iter().map(|token| rarity(*token)).sum();
    let all: f64 = telling.iter().map(|token| rarity(*token)).sum();
    let rare = 0.02 * candidates.len() as f64;
    let is_rare = |token: &&u16| f64::from(candidates.document_frequency[usize::from(**token)]) <= rare;
    let points = |names: &[&str]| -> f64 {
        let own = columns.iter().filter(|column| names.contains(&column.name));
        own.map(|column| weights.of(column.name) * column.values[at]).sum()
    };
    let next = scores.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, score)| *score);
    SuspectEvidence {
        words,
        coverage: if all > 0.0 { words / all } else { 0.0 },
        rare_words: shared.iter().filter(is_rare).count(),
        places: points(&[
            "frame_function",
            "frame_file",
            "frame_blame",
            "function_blame",
            "context_text",
            "executed_function",
            "executed_lines",
        ]),
        test: points(&[
            "test_name_text",
            "test_name_message",
            "test_name_added",
            "test_module_text",
            "test_code_text",
            "function_under_test",
            "owns_class_under_test",
            "class_under_test",
            "test_cochange",
        ]),
        literal: points(&["literal"]),
        text: points(&[
            "ticket_text",
            "symptom_text",
            "word_forms_text",
            "message_text",
            "paths_text",
            "touched_functions_text",
            "added_code_text",
            "commit_message_text",
        ]),
        lead: next.fold(f64::INFINITY, |least, score| least.min(scores[at] - score)).min(100.0),
        compared: candidates.len(),
    }
}

/// Informative words of the ticket.
fn telling_words(context: &SignalContext<'_>) -> Vec<u16> {
    let query = &context.query;
    let empty = empty_words(context);
    let telling = |token: &&u16| {
        let word = query.vocabulary[usize::from(**token)].as_str();
        !query.stop_words.contains(*token)
            && word.chars().count() > 2
            && !word.bytes().all(|byte| byte.is_ascii_digit())
            && !empty.contains(word)
    };
    query.whole.tokens.iter().filter(telling).copied().collect()
}

/// Words that are not evidence in this repository: names of the repository and its folders, commit scopes.
fn empty_words(context: &SignalContext<'_>) -> HashSet<String> {
    let mut empty: HashSet<String> = HashSet::new();
    let mut add = |text: &str| {
        for_each_token(text.as_bytes(), |token| {
            empty.insert(String::from_utf8_lossy(token).to_lowercase());
        });
    };
    let place = context.request.repo.path().with_extension("");
    add(&place.file_name().unwrap_or_default().to_string_lossy());
    let folders = context.tree.paths().filter_map(|path| path.rsplit_once('/'));
    let outer: HashSet<&str> = folders.flat_map(|(folders, _)| folders.split('/').take(2)).collect();
    outer.into_iter().for_each(&mut add);
    let mut scopes: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for at in 0..context.candidates.len() {
        if let Some(scope) = scope_of(&context.commit(at).subject) {
            *scopes.entry(scope.to_lowercase()).or_default() += 1;
        }
    }
    scopes.iter().filter(|(_, times)| **times >= 3).for_each(|(scope, _)| add(scope));
    empty
}

/// The scope of a subject: the text before the colon of `billing: round up`, and in the brackets of `fix(billing):
/// round up`.
fn scope_of(subject: &str) -> Option<&str> {
    let (head, rest) = subject.split_once(':')?;
    let scope = match head.trim_end_matches('!').split_once('(') {
        Some((_, scope)) => scope.trim_end_matches(')'),
        None => head.trim_end_matches('!'),
    };
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '/' | '.' | ',' | ' ');
    (rest.starts_with(' ') && scope.len() <= 40 && scope.chars().all(plain)).then_some(scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_of_subjects() {
        let check = |subject: &str, wanted: Option<&str>| assert_eq!(scope_of(subject), wanted, "{subject}");
        check("billing: round up", Some("billing"));
        check("fix(billing)!: round up", Some("billing"));
        check("net/http, url: take spaces", Some("net/http, url"));
        check("Merge 'a' into b: c", None);
        check("at 12:30 it broke", None);
        check("round up", None);
    }
}
