/*!
Merges shapes that differ in one variable word.

Shapes of equal length that agree everywhere except in one column form a column group. The column is a variable in
any of these cases: it has many different words; its words look like names of things (paths, hosts, numbered or
dotted names); the word before it announces a name (`user`, `host`); or its words are known from columns with very
many values. The first word is usually a verb, so it also needs to look like a name. The rounds continue until
nothing merges, widest columns first.
*/

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::mask::WILDCARD;
use super::miner::{TemplateCluster, TemplateTally};

/// A column with this many different plain words counts as variable. 4 to 6 do equally well on the 16 loghub
/// systems.
const WORDS: usize = 5;
/// A column with this many different words adds its values to the vocabulary.
const TEACHING: usize = 10;
/// Dotted names are often constants of code, so this many different ones are needed.
const DOTTED: usize = 3;
const ROUNDS: usize = 6;
/// Longer shapes are dumps and not messages; they are kept unchanged.
const MAX_WORDS: usize = 200;

/// Words that announce a name.
const INTRODUCERS: &[&str] =
    &["user", "username", "login", "account", "host", "hostname", "domain", "file", "path", "name"];

struct Shape<T> {
    words: Vec<u32>,
    cluster: TemplateCluster<T>,
}

#[derive(Default)]
struct Words {
    ids: HashMap<String, u32>,
    texts: Vec<String>,
    looks: Vec<Looks>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Looks {
    Wildcard,
    /// A path, a number, a compound with hyphens, or a partly masked word.
    Value,
    Dotted,
    Word,
    Symbol,
}

/// Merges clusters whose shapes belong together. Keeps the order of first appearance.
pub(crate) fn merge<T: TemplateTally>(clusters: Vec<TemplateCluster<T>>) -> Vec<TemplateCluster<T>> {
    let mut words = Words::default();
    let mut shapes: Vec<Shape<T>> = clusters
        .into_iter()
        .map(|cluster| Shape { words: words.split(&cluster.template), cluster })
        .collect();
    let mut vocabulary = HashSet::new();
    for _ in 0..ROUNDS {
        let wildcards = columns(&shapes, &words, &mut vocabulary);
        if wildcards.is_empty() {
            break;
        }
        shapes = apply(shapes, &wildcards, &mut words);
    }
    shapes.into_iter().map(|shape| shape.cluster).collect()
}

/// Which column of each shape becomes a wildcard in this round: at most one per shape.
fn columns<T>(shapes: &[Shape<T>], words: &Words, vocabulary: &mut HashSet<u32>) -> BTreeMap<usize, usize> {
    let mut groups: HashMap<(usize, u64), Vec<usize>> = HashMap::new();
    let whole: HashMap<u64, usize> =
        shapes.iter().enumerate().map(|(index, shape)| (hash_all(&shape.words), index)).collect();
    for (index, shape) in shapes.iter().enumerate().filter(|(_, shape)| shape.words.len() <= MAX_WORDS) {
        let total = hash_all(&shape.words);
        for (column, word) in shape.words.iter().enumerate() {
            if words.looks(*word) != Looks::Wildcard {
                groups.entry((column, without(total, column, *word))).or_default().push(index);
            }
        }
    }
    let mut candidates: Vec<(usize, usize, Vec<usize>)> = Vec::new();
    for ((column, rest), members) in groups {
        let general = with(rest, column, Words::WILDCARD);
        let absorbed = whole.get(&general).is_some_and(|index| shapes[*index].cluster.merged);
        if members.len() > 1 || absorbed {
            let distinct = members.len() + usize::from(absorbed);
            if absorbed || is_variable(shapes, words, vocabulary, column, &members) {
                candidates.push((distinct, column, members));
            }
        }
    }
    candidates.sort_by(|a, b| (b.0, a.1, a.2.first()).cmp(&(a.0, b.1, b.2.first())));
    let mut wildcards = BTreeMap::new();
    for (distinct, column, members) in candidates {
        if distinct >= TEACHING && column > 0 {
            let taught = members.iter().filter_map(|index| shapes[*index].words.get(column));
            vocabulary.extend(taught.filter(|word| words.looks(**word) == Looks::Word));
        }
        for index in members {
            wildcards.entry(index).or_insert(column);
        }
    }
    wildcards
}

fn is_variable<T>(
    shapes: &[Shape<T>],
    words: &Words,
    vocabulary: &HashSet<u32>,
    column: usize,
    members: &[usize],
) -> bool {
    let Some(shape) = members.first().and_then(|index| shapes.get(*index)) else { return false };
    // Only the variable word and wildcards would remain, which is not a template.
    let constant = |(at, word): (usize, &u32)| at != column && words.has_letters(*word);
    if !shape.words.iter().enumerate().any(constant) {
        return false;
    }
    let values: Vec<u32> =
        members.iter().filter_map(|index| shapes[*index].words.get(column).copied()).collect();
    let of = |looks: Looks| values.iter().filter(|word| words.looks(**word) == looks).count();
    let (value, dotted) = (of(Looks::Value), of(Looks::Dotted));
    let known = values.iter().filter(|word| vocabulary.contains(word)).count();
    let announced = column > 0 && shape.words.get(column - 1).is_some_and(|word| words.introduces(*word));
    value * 2 >= values.len()
        || (value + dotted) * 2 >= values.len() && values.len() >= DOTTED
        || column > 0 && values.len() >= WORDS
        || column > 0 && known >= 2 && known * 2 >= values.len()
        || announced
}

fn apply<T: TemplateTally>(
    shapes: Vec<Shape<T>>,
    wildcards: &BTreeMap<usize, usize>,
    words: &mut Words,
) -> Vec<Shape<T>> {
    let mut places: HashMap<Vec<u32>, usize> = HashMap::new();
    let mut out: Vec<Shape<T>> = Vec::with_capacity(shapes.len());
    for (index, mut shape) in shapes.into_iter().enumerate() {
        if let Some(column) = wildcards.get(&index) {
            if let Some(word) = shape.words.get_mut(*column) {
                *word = Words::WILDCARD;
            }
            words.draw_together(&mut shape.words);
            shape.cluster.template = words.join(&shape.words);
            shape.cluster.merged = true;
        }
        match places.get(&shape.words) {
            Some(place) => {
                let into = &mut out[*place].cluster;
                into.count += shape.cluster.count;
                into.merged |= shape.cluster.merged;
                into.tally.absorb(shape.cluster.tally);
            }
            None => {
                places.insert(shape.words.clone(), out.len());
                out.push(shape);
            }
        }
    }
    out
}

/// A sum of salted hashes, so that a single word can be subtracted again.
fn hash_all(words: &[u32]) -> u64 {
    let sum =
        words.iter().enumerate().fold(0_u64, |sum, (column, word)| sum.wrapping_add(hash_one(column, *word)));
    sum.wrapping_add(hash_one(usize::MAX, u32::try_from(words.len()).unwrap_or(u32::MAX)))
}

fn without(total: u64, column: usize, word: u32) -> u64 {
    total.wrapping_sub(hash_one(column, word))
}

fn with(rest: u64, column: usize, word: u32) -> u64 {
    rest.wrapping_add(hash_one(column, word))
}

fn hash_one(column: usize, word: u32) -> u64 {
    let mut hasher = DefaultHasher::new();
    (column, word).hash(&mut hasher);
    hasher.finish()
}

impl Words {
    const WILDCARD: u32 = 0;

    fn split(&mut self, template: &str) -> Vec<u32> {
        self.id(WILDCARD);
        template.split(' ').map(|word| self.id(word)).collect()
    }

    fn id(&mut self, word: &str) -> u32 {
        if let Some(id) = self.ids.get(word) {
            return *id;
        }
        let id = u32::try_from(self.texts.len()).unwrap_or(u32::MAX - 1);
        self.ids.insert(word.to_owned(), id);
        self.texts.push(word.to_owned());
        self.looks.push(looks(word));
        id
    }

    fn text(&self, id: u32) -> &str {
        self.texts.get(id as usize).map_or("", String::as_str)
    }

    fn looks(&self, id: u32) -> Looks {
        self.looks.get(id as usize).copied().unwrap_or(Looks::Symbol)
    }

    fn has_letters(&self, id: u32) -> bool {
        let text = self.text(id).as_bytes();
        self.looks(id) != Looks::Wildcard
            && text.windows(2).any(|pair| pair.iter().all(u8::is_ascii_alphabetic))
    }

    fn introduces(&self, id: u32) -> bool {
        let word = self.text(id).trim_matches(|c: char| !c.is_ascii_alphabetic()).to_ascii_lowercase();
        INTRODUCERS.contains(&word.as_str())
    }

    fn join(&self, ids: &[u32]) -> String {
        ids.iter().map(|id| self.text(*id)).collect::<Vec<_>>().join(" ")
    }

    /// Joins adjacent wildcards into one, as in a shape.
    fn draw_together(&mut self, ids: &mut Vec<u32>) {
        let open =
            [WILDCARD.to_owned(), format!("{WILDCARD},"), format!("{WILDCARD};")].map(|word| self.id(&word));
        let mut kept: Vec<u32> = Vec::with_capacity(ids.len());
        for id in ids.iter().copied() {
            if id == Self::WILDCARD && kept.last().is_some_and(|last| open.contains(last)) {
                kept.pop();
            }
            kept.push(id);
        }
        *ids = kept;
    }
}

fn looks(word: &str) -> Looks {
    let bytes = word.as_bytes();
    let inner = word.trim_matches('.');
    let hyphens = bytes
        .split(|byte| *byte == b'-')
        .filter(|part| {
            part.last().is_some_and(u8::is_ascii_alphanumeric)
                || part.first().is_some_and(u8::is_ascii_alphanumeric)
        })
        .count();
    if word == WILDCARD {
        Looks::Wildcard
    } else if word.contains(WILDCARD)
        || bytes.iter().any(|byte| byte.is_ascii_digit() || b"/\\".contains(byte))
        || hyphens > 2
    {
        Looks::Value
    } else if inner.contains('.') || inner.contains('_') {
        Looks::Dotted
    } else if bytes.iter().all(u8::is_ascii_alphabetic) {
        Looks::Word
    } else {
        Looks::Symbol
    }
}
