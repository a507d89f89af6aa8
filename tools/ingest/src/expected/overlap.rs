/*!
Words that two texts share, weighted by how informative they are: an identifier is more informative than a word,
and a common word of English or of a test framework counts for nothing.
*/

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::LazyLock;

use crate::text::clip;

/// How many bytes of a text are read.
const MAX_BYTES: usize = 64 * 1024;
const MAX_WORDS: usize = 4000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WordWeight {
    Word,
    Number,
    /// Compound words: `maybeMap`, `no_such_till`.
    Identifier,
}

/// The informative words of a text, in lower case.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TellingWords(BTreeMap<String, WordWeight>);

impl TellingWords {
    pub(super) fn add(&mut self, text: &str) {
        for word in words(clip(text, MAX_BYTES)) {
            if self.0.len() >= MAX_WORDS {
                return;
            }
            if let Some(weight) = weight(word) {
                self.0.insert(word.to_lowercase(), weight);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn shared(&self, other: &TellingWords) -> SharedWords {
        let both = self.0.iter().filter(|(word, _)| other.0.contains_key(*word));
        SharedWords(both.map(|(word, weight)| (word.clone(), *weight)).collect())
    }
}

/// What two vocabularies have in common.
pub(super) struct SharedWords(Vec<(String, WordWeight)>);

impl SharedWords {
    pub(super) fn identifiers(&self) -> usize {
        self.0.iter().filter(|(_, weight)| *weight == WordWeight::Identifier).count()
    }

    /// Whether the shared words are enough to say that a text of `total` words is about the same thing: one
    /// informative name, or a large share of its words.
    pub(super) fn suffices(&self, total: usize) -> bool {
        let words = self.0.len();
        self.identifiers() > 0 || words > 0 && words * 7 >= total
    }

    pub(super) fn sample(&self) -> String {
        let mut best: Vec<&(String, WordWeight)> = self.0.iter().collect();
        best.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| b.0.len().cmp(&a.0.len())));
        best.iter().take(4).map(|(word, _)| word.as_str()).collect::<Vec<_>>().join(", ")
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty() && word.len() <= 100)
}

fn weight(word: &str) -> Option<WordWeight> {
    let bare = word.trim_matches('_');
    if bare.chars().all(|c| c.is_ascii_digit()) {
        return (bare.len() >= 2).then_some(WordWeight::Number);
    }
    let letters = bare.chars().filter(|c| c.is_alphabetic()).count();
    let wide = bare.chars().any(|c| c > '\u{2E80}');
    if letters < 3 && !wide || STOP.contains(bare.to_lowercase().as_str()) {
        return None;
    }
    let joined = bare.contains('_')
        || bare.chars().skip(1).any(char::is_uppercase) && bare.chars().any(char::is_lowercase);
    let is_type = bare.ends_with("Error") || bare.ends_with("Exception");
    if joined && letters >= 5 && !is_type {
        return Some(WordWeight::Identifier);
    }
    (letters >= 4 || wide).then_some(WordWeight::Word)
}

/// The words of an error message without its values, if there are enough of them to recognise the message.
pub(super) fn message_words(message: &str) -> Option<Vec<String>> {
    let line = message.lines().find(|line| !line.trim().is_empty())?;
    let all: Vec<String> = words(clip(line, 400))
        .filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= 2)
        .filter(|word| !FILLER.contains(&word.to_lowercase().as_str()))
        .map(str::to_lowercase)
        .collect();
    (all.iter().map(String::len).sum::<usize>() >= 8 && all.len() >= 2).then_some(all)
}

/// Share of `wanted` that `line` contains, 0 to 1.
pub(super) fn share_in(wanted: &[String], line: &str) -> f64 {
    if wanted.is_empty() {
        return 0.0;
    }
    let have: HashSet<String> = words(line).map(str::to_lowercase).collect();
    ratio(wanted.iter().filter(|word| have.contains(*word)).count(), wanted.len())
}

/// Dice coefficient of the words of two messages' first lines, 0 to 1.
pub(super) fn likeness(a: &str, b: &str) -> f64 {
    let set = |text: &str| -> HashSet<String> {
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
        words(clip(line, 400)).filter(|word| word.len() >= 2).map(str::to_lowercase).collect()
    };
    let (a, b) = (set(a), set(b));
    ratio(2 * a.intersection(&b).count(), a.len() + b.len())
}

fn ratio(part: usize, whole: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of words in bounded texts")]
    let ratio = part as f64 / whole.max(1) as f64;
    ratio
}

const FILLER: &[&str] = &["the", "is", "in", "of", "an", "to", "at", "on", "it", "and", "for", "error"];

static STOP: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    // Common words of English, then those of failures, tests and traces.
    "about above after again all also and any are because been before being below between both but call called calls \
     came can cannot come could did does doing done down each else even every few first for from further gets give \
     given goes have having here how into its just last later less like made make makes many more most much must need \
     never now off once one only other our out over own same second see seen since some still such take than that the \
     their them then there these they this those through time too two under until use used uses using very want was \
     args attribute class func function getattr inner kwargs object request response super well were what when where which while who why will with within without work worked working works would you your \
     actual array assert assertequal assertion assertionerror assertionfailederror assertraises asserts asserttrue assertfalse \
     bool boolean but check command compare contain contains dict differ different differs equal equals error errors exception \
     exit expect expected expects fail failed failing fails failure failures false file found function got instance \
     instead int integer invalid is isinstance key length line lines list main message method missing module name new \
     none not null number object ok output pass passed passes path print printed prints properties raise raised \
     raises read reading received repr result results return returned returns self set should show shown shows size \
     status str string test testcase tests thrown throws true tuple type types undefined unexpected value values \
     wrong bug broken broke regression update updated version release upgrade upgraded \
     app build caused code home index internal lib libs local node node_modules opt package packages python python3 \
     recent site_packages src stack tmp traceback usr var work"
        .split_whitespace()
        .collect()
});
