/*!
The ticket as a query. Its parts are scored separately, because the name of a failing test tells more than a line of a
traceback, and a sentence that a person wrote tells more than both; in one query, the long parts would outweigh the
short ones.
*/

use std::collections::{HashMap, HashSet};

use millwright_git::history::{for_each_token, hash_token};
use millwright_model::{Frame, ParsedTicket};

use super::stop_words::stop_words_for;

/// Maximum number of distinct words in a query; more words do not improve it.
const MAX_TOKENS: usize = 4000;

/// A part of the ticket: its distinct words, as numbers in the query's vocabulary.
#[derive(Debug, Clone, Default)]
pub(super) struct QuerySection {
    pub(super) tokens: Vec<u16>,
}

#[derive(Debug, Default)]
pub(super) struct TicketQuery {
    pub(super) vocabulary: Vec<String>,
    by_hash: HashMap<u32, u16>,
    pub(super) whole: QuerySection,
    pub(super) test_name: QuerySection,
    pub(super) test_class: QuerySection,
    pub(super) test_module: QuerySection,
    pub(super) test_code: QuerySection,
    pub(super) symptom: QuerySection,
    /// Other forms of the symptom's words.
    pub(super) word_forms: QuerySection,
    pub(super) message: QuerySection,
    pub(super) functions: QuerySection,
    /// Words of the vocabulary that occur in every text in the ticket's language.
    pub(super) stop_words: HashSet<u16>,
}

impl TicketQuery {
    pub(super) fn new(ticket: &ParsedTicket, extra: &str) -> Self {
        let mut query = Self::default();
        let frames = || all_frames(ticket);
        let whole = format!("{}\n{extra}", without_noise(&ticket.text));
        query.whole = query.section([whole.as_str()]);
        let tests = &ticket.failing_tests;
        query.test_name = query.section(tests.iter().filter_map(|test| test.function.as_deref()));
        query.test_class = query.section(tests.iter().filter_map(|test| test.class.as_deref()));
        query.test_module = query.section(tests.iter().filter_map(|test| test.module.as_deref()));
        query.test_code = query.section(
            frames().filter(|frame| is_test(frame)).filter_map(|frame| frame.context_line.as_deref()),
        );
        query.symptom = query.section([ticket.symptom.as_str()]);
        // A ticket that names a failing test has the code's own words; other word forms only add noise.
        let forms = if tests.is_empty() { word_forms(&ticket.symptom) } else { Vec::new() };
        query.word_forms = query.section(forms.iter().map(String::as_str));
        query.message = query.section(ticket.errors.iter().map(|error| error.message.as_str()));
        query.functions = query.section(
            frames()
                .filter(|frame| frame.in_app && !is_test(frame))
                .filter_map(|frame| frame.function.as_deref()),
        );
        query.find_stop_words();
        let stop = std::mem::take(&mut query.stop_words);
        // A person's text is mostly stop words; in a test, a trace or a name each word has a purpose.
        for section in [&mut query.symptom, &mut query.word_forms] {
            section.tokens.retain(|token| !stop.contains(token));
        }
        query.stop_words = stop;
        query
    }

    fn find_stop_words(&mut self) {
        let words: HashSet<&str> = self.vocabulary.iter().map(String::as_str).collect();
        let stop = stop_words_for(&words);
        let numbered = self.vocabulary.iter().zip(0u16..);
        self.stop_words =
            numbered.filter(|(word, _)| stop.contains(word.as_str())).map(|(_, number)| number).collect();
    }

    /// Hash and number of every word, for joining with a record.
    pub(super) fn hashes(&self) -> Vec<(u32, u16)> {
        let mut hashes: Vec<_> = self.by_hash.iter().map(|(hash, number)| (*hash, *number)).collect();
        hashes.sort_unstable();
        hashes
    }

    fn section<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) -> QuerySection {
        let mut tokens = Vec::new();
        for text in texts {
            for_each_token(text.as_bytes(), |token| {
                let token = String::from_utf8_lossy(token).to_lowercase();
                let hash = hash_token(&token);
                let room = self.vocabulary.len() < MAX_TOKENS;
                let number = match self.by_hash.entry(hash) {
                    std::collections::hash_map::Entry::Occupied(known) => *known.get(),
                    std::collections::hash_map::Entry::Vacant(free) if room => {
                        self.vocabulary.push(token);
                        *free.insert((self.vocabulary.len() - 1) as u16)
                    }
                    std::collections::hash_map::Entry::Vacant(_) => return,
                };
                if !tokens.contains(&number) {
                    tokens.push(number);
                }
            });
        }
        QuerySection { tokens }
    }
}

/// Plural, past and participle of English words, and back: descriptions of behaviour rarely use the form that the
/// code has. Forms that are not words occur in no patch and cost nothing.
fn word_forms(text: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for_each_token(text.as_bytes(), |token| {
        let word = String::from_utf8_lossy(token).to_lowercase();
        if word.len() < 4 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return;
        }
        let mut stems = vec![word.clone()];
        for (ending, instead) in [
            ("ies", "y"),
            ("es", ""),
            ("s", ""),
            ("ing", ""),
            ("ing", "e"),
            ("ed", ""),
            ("ed", "e"),
            ("ly", ""),
        ] {
            if let Some(stem) = word.strip_suffix(ending).filter(|stem| stem.len() >= 3) {
                stems.push(format!("{stem}{instead}"));
            }
        }
        for stem in &stems {
            let bare = stem.strip_suffix('e').unwrap_or(stem);
            forms.extend([stem.clone(), format!("{stem}s"), format!("{bare}ed"), format!("{bare}ing")]);
        }
        forms.retain(|form| *form != word);
    });
    forms
}

/// Frames of every exception of every trace.
pub(super) fn all_frames(ticket: &ParsedTicket) -> impl Iterator<Item = &Frame> {
    ticket.traces.iter().flat_map(|trace| &trace.exceptions).flat_map(|exception| &exception.frames)
}

/// Whether a frame is in test code, by its mapping or else by its path.
pub(super) fn is_test(frame: &Frame) -> bool {
    match (&frame.mapped, &frame.path) {
        (Some(mapped), _) => mapped.is_test,
        (None, Some(path)) => {
            millwright_git::history::path_kind(&path.replace('\\', "/"))
                == millwright_git::history::PathKind::Test
        }
        (None, None) => false,
    }
}

/// The ticket without lines that occur in every trace: carets, rulers, headings and frames of libraries.
fn without_noise(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        let trimmed = line.trim();
        let ruler = trimmed.bytes().all(|byte| !byte.is_ascii_alphanumeric()) && trimmed.is_ascii();
        let heading = trimmed.starts_with("Traceback (most recent call last)")
            || trimmed.starts_with("The above exception was the direct cause")
            || trimmed.starts_with("During handling of the above exception");
        if !(ruler || heading || is_library_frame(trimmed)) {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// Whether the line is a frame of the JVM's runtime or of a test runner: their words occur in every trace.
fn is_library_frame(line: &str) -> bool {
    const LIBRARIES: &[&str] =
        &["java.", "javax.", "jdk.", "sun.", "com.sun.", "junit.", "org.junit.", "org.hamcrest.", "kotlin."];
    line.strip_prefix("at ").is_some_and(|frame| {
        let frame = frame.rsplit_once('/').map_or(frame, |(_, frame)| frame);
        LIBRARIES.iter().any(|library| frame.starts_with(library))
    })
}
