/*!
The citation check for answers in a conversation. A model's sentences are free text, so nothing is struck: claims that
the evidence does not support are listed below the answer. A sentence that states something must cite evidence that
exists, and its quotes and commits must occur in that evidence.
*/

use millwright_model::Struck;

use super::notebook::{EvidenceNotebook, NumberedEvidence};
use crate::citations::stands_in;

/// Minimum number of words of a sentence that states something.
const LEAST_WORDS: usize = 4;
const MOST_FLAGS: usize = 20;

/// Sentences of an answer that their evidence does not support, and why.
pub(super) fn unsupported(answer: &str, notebook: &EvidenceNotebook) -> Vec<Struck> {
    let flagged = sentences(answer).into_iter().filter_map(|sentence| {
        let because = wrong(&sentence, notebook)?;
        Some(Struck { claim: sentence.chars().take(200).collect(), because })
    });
    flagged.take(MOST_FLAGS).collect()
}

fn wrong(sentence: &str, notebook: &EvidenceNotebook) -> Option<String> {
    let ids = cited(sentence);
    let mut pieces: Vec<&NumberedEvidence> = Vec::new();
    for id in &ids {
        match notebook.get(id) {
            Some(piece) => pieces.push(piece),
            None => return Some(format!("it cites {id}, which does not exist")),
        }
    }
    let words = sentence.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count();
    if pieces.is_empty() {
        let states = words >= LEAST_WORDS && !sentence.ends_with('?') && !sentence.ends_with(':');
        return states.then(|| "it cites no evidence".to_owned());
    }
    let stands = |quote: &str| {
        pieces
            .iter()
            .any(|piece| stands_in(quote, &piece.text).is_ok() || piece.evidence.locator.0.contains(quote))
    };
    let listed = ids.join(", ");
    for quote in quotes(sentence).into_iter().filter(|quote| quote.chars().count() >= 3) {
        if !stands(&quote) {
            return Some(format!("{quote:?} does not occur in {listed}"));
        }
    }
    let commit = sentence.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| {
        (7..=40).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_hexdigit())
            && word.bytes().any(|byte| byte.is_ascii_digit())
            && word.bytes().any(|byte| byte.is_ascii_alphabetic())
            && !pieces
                .iter()
                .any(|piece| piece.text.contains(word) || piece.evidence.locator.0.contains(word))
    });
    commit.map(|commit| format!("the commit {commit} is not named in {listed}"))
}

/// Evidence ids such as `E3` that occur as words.
fn cited(sentence: &str) -> Vec<String> {
    let is_id = |word: &&str| {
        word.strip_prefix('E')
            .is_some_and(|n| (1..=5).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut ids: Vec<String> =
        sentence.split(|c: char| !c.is_alphanumeric()).filter(is_id).map(str::to_owned).collect();
    ids.dedup();
    ids
}

/// Texts between quotation marks or backticks.
fn quotes(sentence: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (open, close) in [('"', '"'), ('“', '”'), ('`', '`')] {
        let mut rest = sentence;
        while let Some((_, after)) = rest.split_once(open) {
            let Some((quote, behind)) = after.split_once(close) else { break };
            out.push(quote.to_owned());
            rest = behind;
        }
    }
    out
}

/// The sentences of an answer; a list item or a table row counts as one. Headings and code blocks are left out.
fn sentences(answer: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut code = false;
    for line in answer.lines() {
        let line = line.trim().trim_start_matches(['-', '*', '>', ' ']);
        if line.starts_with("```") {
            code = !code;
            continue;
        }
        if code || line.starts_with('#') {
            continue;
        }
        let mut start = 0;
        let mut quoted = false;
        let bytes: Vec<(usize, char)> = line.char_indices().collect();
        for (n, (at, char)) in bytes.iter().enumerate() {
            match char {
                '"' | '`' | '“' | '”' => quoted = !quoted,
                '.' | '!' | '?' if !quoted => {
                    let next = line[at + 1..].trim_start();
                    let ends = bytes.get(n + 1).is_none_or(|(_, next)| next.is_whitespace());
                    // A citation after the full stop belongs to the sentence before it.
                    if ends && !next.starts_with(['[', '(']) && next.starts_with(char::is_uppercase) {
                        out.push(line[start..=*at].trim().to_owned());
                        start = at + 1;
                    }
                }
                ']' | ')' if !quoted => {
                    let so_far = line[start..=*at].trim();
                    let next = line[at + char.len_utf8()..].trim_start();
                    let closes = so_far.contains(". [") || so_far.contains(". (");
                    if closes && next.starts_with(char::is_uppercase) {
                        out.push(so_far.to_owned());
                        start = at + char.len_utf8();
                    }
                }
                _ => {}
            }
        }
        let last = line[start..].trim();
        if !last.is_empty() {
            out.push(last.to_owned());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use millwright_model::{EvidenceDraft, EvidenceSource, Locator};

    use super::*;

    #[test]
    fn sentences_are_held_to_their_evidence() {
        let mut notebook = EvidenceNotebook::default();
        notebook.add(EvidenceDraft {
            source: EvidenceSource::Code,
            locator: Locator::commit_lines(&"1a2b3c4d5e".repeat(4).parse().unwrap(), "lib/calc.sh", 1, 3),
            text: "total() {\n  echo $(( $1 * 3 ))\n}".into(),
        });
        let check = |answer: &str, expected: &[&str]| {
            let flagged = unsupported(answer, &notebook);
            let flagged: Vec<&str> = flagged.iter().map(|flag| flag.because.as_str()).collect();
            assert_eq!(flagged, expected, "{answer}");
        };
        check("The factor is `$1 * 3` in `lib/calc.sh` [E1].", &[]);
        check("The factor is three. [E1] It was two in 1a2b3c4d5e [E1].", &[]);
        check("The factor is three [E1]. Somebody changed it on Friday.", &["it cites no evidence"]);
        check("The factor is \"$1 * 4\" [E1].", &["\"$1 * 4\" does not occur in E1"]);
        check("The factor is three [E7].", &["it cites E7, which does not exist"]);
        check("Commit 9f8e7d6c brought it [E1].", &["the commit 9f8e7d6c is not named in E1"]);
        check("Yes.\n# A heading of many words here\nDo you want me to look further?", &[]);
        check("```\nany code that stands here at all\n```", &[]);
        check("- one thing that is said here\n- another thing is borne out [E1]", &["it cites no evidence"]);
    }
}
