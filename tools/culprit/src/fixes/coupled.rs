/*!
Pieces of a commit that belong together although no syntax connects them. A fix that reverts only one of them leaves
inconsistent code: a key renamed where it is set and where it is read, an entry moved from one place to another, a variable
used here and redeclared there. Pieces that make the same edit elsewhere likely have the same fault.
*/

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// An edit that occurs in more places than this is a mechanical replacement.
const MOST_ALIKE: usize = 6;
/// Maximum distance in lines between setting and using a variable; a more distant name is likely another variable.
const NEAR: u32 = 80;
/// Bytes of one piece that are compared.
const MOST_BYTES: usize = 16 * 1024;

/// One changed stretch of a file, with its lines on both sides.
#[derive(Debug, Clone, Copy)]
pub(super) struct PieceText<'a> {
    /// Number of its file.
    pub(super) file: usize,
    /// Its first line before the commit.
    pub(super) line: u32,
    pub(super) removed: &'a str,
    pub(super) added: &'a str,
}

/// A file on both sides.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileText<'a> {
    pub(super) old: &'a str,
    pub(super) new: &'a str,
}

/// Words that a piece removes and adds.
struct Words<'a> {
    removed: BTreeSet<&'a str>,
    added: BTreeSet<&'a str>,
}

/// Pieces that have to be reverted together with the `chosen` ones (positions in `pieces`).
pub(super) fn coupled(
    files: &[FileText<'_>],
    pieces: &[PieceText<'_>],
    chosen: &BTreeSet<usize>,
) -> BTreeSet<usize> {
    let words: Vec<Words<'_>> = pieces.iter().map(words_of).collect();
    let (blocks, block_of) = blocks_of(pieces);
    let mut counts = Counts { files, known: HashMap::new() };
    let mut taken = chosen.clone();
    let mut open: Vec<usize> = chosen.iter().copied().collect();
    while let Some(at) = open.pop() {
        let (Some(own), Some(piece)) = (words.get(at), pieces.get(at)) else { continue };
        for (other, (theirs, place)) in words.iter().zip(pieces).enumerate() {
            if taken.contains(&other) {
                continue;
            }
            let moved = piece.file == place.file
                && (own.removed.intersection(&theirs.added).chain(own.added.intersection(&theirs.removed)))
                    .any(|word| counts.is_single(piece.file, word));
            let renamed = own.added.intersection(&theirs.added).any(|word| {
                counts.is_new(word)
                    && is_key(piece.added, word)
                    && is_key(place.added, word)
                    && (is_set(piece.added, word) || is_set(place.added, word))
            });
            // One piece uses a variable that the other declares or sets differently.
            let near = piece.file == place.file && piece.line.abs_diff(place.line) <= NEAR;
            let whole = |number: usize| blocks.get(*block_of.get(number)?);
            let redefined = near
                && match block_of.get(at) == block_of.get(other) {
                    true => redefines(&ChangeBlock::of(piece), &ChangeBlock::of(place)),
                    false => whole(at).zip(whole(other)).is_some_and(|(here, there)| redefines(here, there)),
                };
            if moved || renamed || redefined {
                taken.insert(other);
                open.push(other);
            }
        }
    }
    taken.difference(chosen).copied().collect()
}

/// Pieces that make the same edit as a `chosen` one.
pub(super) fn alike(pieces: &[PieceText<'_>], chosen: &BTreeSet<usize>) -> BTreeSet<usize> {
    let edits: Vec<Option<Edit<'_>>> = pieces.iter().map(edit_of).collect();
    let mut out = BTreeSet::new();
    for own in chosen.iter().filter_map(|at| edits.get(*at)?.as_ref()) {
        let same: Vec<usize> = edits
            .iter()
            .enumerate()
            .filter(|(_, edit)| edit.as_ref() == Some(own))
            .map(|(at, _)| at)
            .collect();
        if same.len() <= MOST_ALIKE {
            out.extend(same.into_iter().filter(|at| !chosen.contains(at)));
        }
    }
    out
}

fn words_of<'a>(piece: &PieceText<'a>) -> Words<'a> {
    let set = |text: &'a str| -> BTreeSet<&'a str> { words(clipped(text)).collect() };
    let (removed, added) = (set(piece.removed), set(piece.added));
    Words {
        removed: removed.difference(&added).copied().collect(),
        added: added.difference(&removed).copied().collect(),
    }
}

fn clipped(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MOST_BYTES)).unwrap_or(text)
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_word_char(c))
        .filter(|word| word.len() > 1 && word.contains(|c: char| c.is_alphabetic()))
}

/// Counts how often words occur in the files of the commit.
struct Counts<'a, 'w> {
    files: &'a [FileText<'a>],
    known: HashMap<(usize, &'w str), (usize, usize)>,
}

impl<'w> Counts<'_, 'w> {
    fn of(&mut self, file: usize, word: &'w str) -> (usize, usize) {
        let files = self.files;
        *self.known.entry((file, word)).or_insert_with(|| {
            let count = |text: &str| words(text).filter(|known| *known == word).count();
            files.get(file).map_or((0, 0), |text| (count(text.old), count(text.new)))
        })
    }

    fn is_single(&mut self, file: usize, word: &'w str) -> bool {
        self.of(file, word) == (1, 1)
    }

    fn is_new(&mut self, word: &'w str) -> bool {
        (0..self.files.len()).all(|file| self.of(file, word).0 == 0)
    }
}

/// Adjacent pieces: one statement on several lines may be several pieces, of which one removes a name and another
/// adds it again.
#[derive(Debug, Default)]
struct ChangeBlock {
    removed: String,
    added: String,
}

impl ChangeBlock {
    fn of(piece: &PieceText<'_>) -> Self {
        let mut place = Self::default();
        place.add(piece);
        place
    }

    fn add(&mut self, piece: &PieceText<'_>) {
        self.removed.push_str(clipped(piece.removed));
        self.added.push_str(clipped(piece.added));
    }
}

/// Whether one of the two declares or sets a variable that the other one uses.
fn redefines(here: &ChangeBlock, there: &ChangeBlock) -> bool {
    redefined(there).any(|word| is_used(here, word)) || redefined(here).any(|word| is_used(there, word))
}

/// The blocks of the pieces, and the number of each piece's block.
fn blocks_of(pieces: &[PieceText<'_>]) -> (Vec<ChangeBlock>, Vec<usize>) {
    let mut blocks: Vec<ChangeBlock> = Vec::new();
    let mut block_of = Vec::with_capacity(pieces.len());
    let mut end: Option<(usize, u32)> = None;
    for piece in pieces {
        let adjoins = end.is_some_and(|(file, line)| {
            file == piece.file && piece.line >= line.saturating_sub(1) && piece.line <= line
        });
        if !adjoins {
            blocks.push(ChangeBlock::default());
        }
        if let Some(block) = blocks.last_mut() {
            block.add(piece);
        }
        block_of.push(blocks.len().saturating_sub(1));
        let lines = u32::try_from(piece.removed.lines().count()).unwrap_or(u32::MAX);
        end = Some((piece.file, piece.line.saturating_add(lines)));
    }
    (blocks, block_of)
}

/// Variables whose declaration or assignment changes.
fn redefined(place: &ChangeBlock) -> impl Iterator<Item = &str> {
    let (before, after) = (definitions(&place.removed), definitions(&place.added));
    before
        .into_iter()
        .filter(move |(word, how)| after.get(word).is_some_and(|now| now != how))
        .map(|(word, _)| word)
}

fn is_used(place: &ChangeBlock, word: &str) -> bool {
    let uses = |text: &str| words(clipped(text)).any(|known| known == word);
    uses(&place.removed) && uses(&place.added)
}

/// How variables are declared and set in a text: their type, or what they are set to.
fn definitions(text: &str) -> BTreeMap<&str, Vec<String>> {
    const NO_TYPES: [&str; 16] = [
        "return", "else", "in", "and", "or", "not", "if", "while", "case", "when", "is", "new", "throw",
        "raise", "await", "yield",
    ];
    let mut out: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for line in clipped(text).lines() {
        let tokens: Vec<&str> = tokens(line).collect();
        let at = |position: usize| tokens.get(position).copied().unwrap_or("");
        let is_name = |token: &str| {
            token.len() > 1
                && token.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && !NO_TYPES.contains(&token)
        };
        for (number, token) in tokens.iter().enumerate().filter(|(_, token)| is_name(token)) {
            let (next, second) = (at(number + 1), at(number + 2));
            let before = number.checked_sub(1).map_or("", at);
            if next == "=" && second != "=" && second != ">" && !matches!(before, "." | "=" | "!" | "<" | ">")
            {
                let value: Vec<&str> = tokens.iter().skip(number + 2).take(24).copied().collect();
                out.entry(token).or_default().push(value.join(" "));
            }
            let pointer = matches!(before, "*" | "&");
            let kind = if pointer { number.checked_sub(2).map_or("", at) } else { before };
            if is_name(kind) && matches!(next, "," | ")" | ";" | "=" | "[") {
                out.entry(token).or_default().push(format!("{kind} {}", if pointer { before } else { "" }));
            }
        }
    }
    out
}

/// The occurrences of `word` in `text`: the text before each and the text after it.
fn places<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    text.match_indices(word).filter_map(move |(at, _)| {
        let (before, after) = (text.get(..at)?, text.get(at + word.len()..)?);
        (!before.ends_with(is_word_char) && !after.starts_with(is_word_char)).then_some((before, after))
    })
}

/// Whether a word is a key or a member, which has no definition in the syntax.
fn is_key(text: &str, word: &str) -> bool {
    places(text, word).any(|(before, after)| {
        let before = before.trim_end_matches(' ');
        let member =
            before.ends_with(['.', '"', '\'', '{', '`']) || before.ends_with("->") || before.ends_with("[:");
        let key = after.trim_start().starts_with(':') || after.trim_start().starts_with("=>");
        // `{ name` can also begin a block; it is a subscript only if the brace closes right after the name.
        let subscript = !before.ends_with('{') || after.starts_with('}');
        member && subscript || key
    })
}

/// Whether a key gets its value here: `out.places = …`, `$chosen{places} //= …`, `places: …`.
fn is_set(text: &str, word: &str) -> bool {
    places(text, word).any(|(_, after)| {
        let after = after.trim_start_matches(['}', ']', '"', '\'', '`', ' ']);
        let operator = after.trim_start_matches(['|', '/', '?', '+', '*', '-']);
        let assigned =
            operator.starts_with('=') && !operator.starts_with("==") && after.len() - operator.len() <= 2;
        assigned || after.starts_with(':') && !after.starts_with("::")
    })
}

/// The tokens that a piece removes and adds, with how often each occurs.
type Edit<'a> = (BTreeMap<&'a str, usize>, BTreeMap<&'a str, usize>);

fn edit_of<'a>(piece: &PieceText<'a>) -> Option<Edit<'a>> {
    let count = |text: &'a str| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for token in tokens(clipped(text)) {
            *counts.entry(token).or_default() += 1;
        }
        counts
    };
    let (removed, added) = (count(piece.removed), count(piece.added));
    // A piece that only adds or only removes a line is like another one if the line is the same.
    let less = |a: &BTreeMap<&'a str, usize>, b: &BTreeMap<&'a str, usize>| -> BTreeMap<&'a str, usize> {
        a.iter()
            .map(|(token, n)| (*token, n.saturating_sub(b.get(token).copied().unwrap_or(0))))
            .filter(|(_, n)| *n > 0)
            .collect()
    };
    let edit = (less(&removed, &added), less(&added, &removed));
    let says_something =
        |side: &BTreeMap<&str, usize>| side.keys().any(|token| token.starts_with(is_word_char));
    (says_something(&edit.0) || says_something(&edit.1)).then_some(edit)
}

/// Words, numbers and single marks.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let end = match is_word_char(first) {
            true => rest.find(|c: char| !is_word_char(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (token, tail) = rest.split_at_checked(end)?;
        rest = tail;
        Some(token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(positions: &[usize]) -> BTreeSet<usize> {
        positions.iter().copied().collect()
    }

    fn piece<'a>(file: usize, removed: &'a str, added: &'a str) -> PieceText<'a> {
        PieceText { file, line: 1, removed, added }
    }

    #[test]
    fn a_renamed_key_goes_with_where_it_is_read() {
        let set_old = "    $chosen{digits} = $1 if $word =~ /^--digits=(\\d+)$/;\n";
        let set_new = "    $chosen{places} = $1 if $word =~ /^--digits=(\\d+)$/;\n";
        let (read_old, read_new) =
            ("my $digits = $chosen{digits} // 2;\n", "my $digits = $chosen{places} // 0;\n");
        let (old, new) = (format!("{set_old}{read_old}"), format!("{set_new}{read_new}"));
        let files = [FileText { old: &old, new: &new }];
        let pieces = [piece(0, set_old, set_new), piece(0, read_old, read_new)];
        assert_eq!(coupled(&files, &pieces, &set(&[1])), set(&[0]));
    }

    #[test]
    fn a_moved_entry_goes_with_its_new_place() {
        let old = "x = [\n    ('DE', 490),\n    ('AT', 890),\n]\n";
        let new = "x = [\n    ('AT', 980),\n    ('DE', 490),\n]\n";
        let pieces = [piece(0, "", "    ('AT', 980),\n"), piece(0, "    ('AT', 890),\n", "")];
        assert_eq!(coupled(&[FileText { old, new }], &pieces, &set(&[1])), set(&[0]));
    }

    #[test]
    fn a_variable_goes_with_its_declaration_and_its_value() {
        let signature = piece(
            0,
            "static void process(subject *subj, delimiter *bottom) {\n",
            "static void process(subject *subj, bufsize_t bottom) {\n",
        );
        let guilty = piece(
            0,
            "  while (closer != NULL && closer->previous != bottom) {\n",
            "  while (closer != NULL && closer->previous->position >= bottom) {\n",
        );
        let files = [FileText { old: "", new: "" }];
        assert_eq!(coupled(&files, &[signature, guilty], &set(&[1])), set(&[0]));
        // The same, with one piece per line.
        let signature = PieceText { line: 642, ..signature };
        let head = PieceText { line: 653, added: "  while (closer != NULL &&\n", ..guilty };
        let tail = PieceText {
            line: 653,
            removed: "",
            added: "         closer->previous->position >= bottom) {\n",
            ..guilty
        };
        assert_eq!(coupled(&files, &[signature, head, tail], &set(&[1, 2])), set(&[0]));
        let value = piece(0, "        factor = 150;\n", "        factor = 100;\n");
        let used =
            piece(0, "    print(amount * factor / 100)\n", "    print(amount * (factor + 50) / 100)\n");
        assert_eq!(coupled(&files, &[value, used], &set(&[1])), set(&[0]));
        // Far away, the same name is another variable.
        let far = PieceText { line: 900, ..value };
        assert_eq!(coupled(&files, &[far, used], &set(&[1])), set(&[]));
        // A variable that is used in the same way before and after was not changed.
        let same =
            piece(0, "        factor = 150;\n        log(1)\n", "        factor = 150;\n        log(2)\n");
        assert_eq!(coupled(&files, &[same, used], &set(&[1])), set(&[]));
    }

    #[test]
    fn unrelated_pieces_stay() {
        let (old, new) = ("a = old(1)\nb = 2\nlog(b)\n", "a = helper(1)\nb = 3\nlog(b, helper)\n");
        let pieces = [
            piece(0, "a = old(1)\n", "a = helper(1)\n"),
            piece(0, "b = 2\n", "b = 3\n"),
            piece(0, "log(b)\n", "log(b, helper)\n"),
        ];
        // The syntax finds a new function; nothing more is guessed from its name.
        assert_eq!(coupled(&[FileText { old, new }], &pieces, &set(&[0])), set(&[]));
    }

    #[test]
    fn the_same_change_at_two_places_is_alike() {
        let pieces = [
            piece(0, "  return Math.round(amount * 0.19);\n", "  return Math.floor(amount * 0.19);\n"),
            piece(0, "  return Math.round(amount * 0.07);\n", "  return Math.floor(amount * 0.07);\n"),
            piece(0, "  return amount;\n", "  return amount + 1;\n"),
            piece(0, "}\n", "};\n"),
        ];
        assert_eq!(alike(&pieces, &set(&[0])), set(&[1]));
        assert_eq!(alike(&pieces, &set(&[3])), set(&[]));
        let many = vec![piece(0, "puts old\n", "puts new\n"); 9];
        assert_eq!(alike(&many, &set(&[0])), set(&[]));
    }
}
