/*!
Makes neighbours of a value, nearest first. Pure and deterministic; each neighbour has one change.
*/

use super::dictionary::ValueDictionary;
use super::types::InputChange;

/// A changed value.
pub(super) type Mutation = (InputChange, String);

const LONGEST: usize = 4_000;

/// Neighbours of a text. `others` are the other literals of the same replay.
pub(super) fn text_mutations(value: &str, others: &[String], dictionary: &ValueDictionary) -> Vec<Mutation> {
    use InputChange::*;
    let mut found: Vec<Mutation> = Vec::new();
    let mut structured: Vec<Mutation> = Vec::new();
    structure(value, &mut structured);
    let chars: Vec<char> = value.chars().collect();
    let n = chars.len();
    let collect = |chars: &[char]| chars.iter().collect::<String>();
    if n > 0 {
        found.push((Shorter, collect(chars.get(..n - 1).unwrap_or_default())));
        found.push((
            Longer,
            if value.contains('\n') { format!("{value}\n{value}") } else { format!("{value}{value}") },
        ));
        found.push((Plain, plain(value)));
        found.push((Whitespace, format!("{value}\n")));
        found.push((Whitespace, value.trim_end().to_owned()));
        found.push((Case, swap_case(value)));
        found.push((Neighbour, neighbour(&chars)));
        found.push((Shorter, collect(chars.get(1..).unwrap_or_default())));
        found.push((Whitespace, format!(" {value} ")));
        found.push((Unicode, format!("{value}é")));
        if n > 2 {
            let (left, right) = chars.split_at(n / 2);
            found.push((Whitespace, format!("{} {}", collect(left), collect(right))));
            found.push((Shorter, collect(left)));
            found.push((Longer, format!("{}x{}", collect(left), collect(right))));
        }
        found.push((Longer, format!("x{value}")));
        found.push((Longer, value.repeat(5)));
        digits(&chars, dictionary, &mut found);
    } else {
        found.push((Longer, "a".to_owned()));
        found.push((Whitespace, " ".to_owned()));
        found.push((Longer, "abc def".to_owned()));
        found.push((Number, "0".to_owned()));
    }
    for (at, mutation) in structured.into_iter().enumerate() {
        found.insert((at * 2).min(found.len()), mutation);
    }
    let long = n > 40 || value.contains('\n');
    let mut suggested: Vec<Mutation> = Vec::new();
    if long || value.contains(' ') || value.contains(|c: char| !c.is_alphanumeric()) {
        suggested.extend(dictionary.lines.iter().take(6).map(|line| (FromDiff, line.clone())));
    }
    for string in dictionary.strings.iter().filter(|string| string.as_str() != value).take(10) {
        let joined = string.chars().count() <= 2 && n > 0;
        if joined {
            let (left, right) = chars.split_at(n / 2);
            suggested.extend(replaced(&chars, string).map(|text| (FromDiff, text)));
            suggested.push((FromDiff, format!("{string}{value}")));
            suggested.push((FromDiff, format!("{}{string}{}", collect(left), collect(right))));
            suggested.push((FromDiff, format!("{value}{string}")));
        }
        if !long && !joined {
            suggested.push((FromDiff, string.clone()));
        }
    }
    for (at, mutation) in siblings(value, dictionary).into_iter().enumerate() {
        suggested.insert((at * 2).min(suggested.len()), mutation);
    }
    for (at, mutation) in suggested.into_iter().enumerate() {
        found.insert((at * 2 + 1).min(found.len()), mutation);
    }
    for other in others.iter().filter(|other| other.as_str() != value).take(3) {
        found.insert(7.min(found.len()), (Swapped, other.clone()));
    }
    finish(value, found)
}

/// Words that can replace a word: functions next to the one that it names, and words that the changed files compare
/// with.
fn siblings(value: &str, dictionary: &ValueDictionary) -> Vec<Mutation> {
    const EACH: usize = 4;
    let word = |text: &str| text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    if !word(value) || value.len() > 30 || value.parse::<f64>().is_ok() {
        return Vec::new();
    }
    let named = dictionary.names.iter().any(|name| name == value);
    let names = dictionary.names.iter().filter(|_| named).take(EACH + 1);
    let others = names.chain(dictionary.compared.iter().take(EACH + 1));
    others.filter(|other| *other != value).map(|other| (InputChange::Sibling, other.clone())).collect()
}

fn finish(value: &str, found: Vec<Mutation>) -> Vec<Mutation> {
    let mut kept: Vec<Mutation> = Vec::new();
    for (change, text) in found {
        let usable = text != value && text.len() <= LONGEST && !text.contains('\0');
        if usable && !kept.iter().any(|(_, known)| *known == text) {
            kept.push((change, text));
        }
    }
    kept
}

fn plain(value: &str) -> String {
    let words: String = value.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() { "text".to_owned() } else { words }
}

fn swap_case(value: &str) -> String {
    let upper = value.to_uppercase();
    if upper == value { value.to_lowercase() } else { upper }
}

/// The last letter or digit replaced by the next one.
fn neighbour(chars: &[char]) -> String {
    let mut chars = chars.to_vec();
    if let Some(c) = chars.iter_mut().rev().find(|c| c.is_ascii_alphanumeric()) {
        *c = match *c {
            'z' => 'y',
            'Z' => 'Y',
            '9' => '8',
            other => char::from(u8::try_from(other).unwrap_or(b'a').saturating_add(1)),
        };
    } else if let Some(c) = chars.last_mut() {
        *c = if *c == '-' { '+' } else { '-' };
    }
    chars.into_iter().collect()
}

/// Puts the single character `string` in place of the last character of the same class (letter, digit, blank, other).
fn replaced(chars: &[char], string: &str) -> Option<String> {
    let mut single = string.chars();
    let (c, None) = (single.next()?, single.next()) else { return None };
    let class = |c: &char| (c.is_alphabetic(), c.is_numeric(), c.is_whitespace());
    let at = chars.iter().rposition(|known| class(known) == class(&c))?;
    let mut chars = chars.to_vec();
    *chars.get_mut(at)? = c;
    Some(chars.into_iter().collect())
}

/// Numbers inside a text: `10%` → `11%`.
fn digits(chars: &[char], dictionary: &ValueDictionary, found: &mut Vec<Mutation>) {
    let Some(start) = chars.iter().position(char::is_ascii_digit) else { return };
    let length = chars.get(start..).unwrap_or_default().iter().take_while(|c| c.is_ascii_digit()).count();
    if length > 9 {
        return;
    }
    let collect = |chars: Option<&[char]>| chars.unwrap_or_default().iter().collect::<String>();
    let (before, after) = (collect(chars.get(..start)), collect(chars.get(start + length..)));
    let number: String = collect(chars.get(start..start + length));
    for (at, (change, number)) in number_mutations(&number, dictionary, true).into_iter().take(8).enumerate()
    {
        found.insert((2 + at * 2).min(found.len()), (change, format!("{before}{number}{after}")));
    }
}

const DELIMITERS: [char; 14] = ['\n', '|', ',', ';', '&', '/', ':', ' ', '-', '_', '.', '=', '*', '+'];

/// Completes rows that are cut off; removes, repeats and reorders parts.
fn structure(value: &str, found: &mut Vec<Mutation>) {
    use InputChange::Structure;
    let lines: Vec<&str> = value.split('\n').collect();
    if lines.len() >= 2
        && let (Some(first), Some(last)) = (lines.first(), lines.iter().rfind(|line| !line.is_empty()))
        && let Some(delimiter) = DELIMITERS.iter().skip(1).find(|d| first.matches(**d).count() > 1)
    {
        // A last row with fewer fields than the first is completed; a complete table gets one more row.
        let complete = complete_row(first, last, *delimiter);
        let head = value.trim_end().strip_suffix(last).unwrap_or_default();
        if let Some(complete) = &complete {
            // Many formats require a rule of three or more marks.
            let wide = stretched(complete);
            found.push((Structure, format!("{head}{complete}")));
            if wide != *complete {
                found.push((Structure, format!("{head}{wide}\n{first}")));
                found.push((Structure, format!("{head}{wide}")));
            }
            found.push((Structure, format!("{head}{complete}\n{first}")));
            found.push((Structure, format!("{head}{wide}\n{first}\n{first}\n")));
        }
        let wide = stretched(value);
        if complete.is_none() && wide != value {
            found.push((Structure, wide));
        }
        found.push((Structure, format!("{}\n{first}\n", value.trim_end())));
        found.push((Structure, (*first).to_owned()));
    }
    brackets(value, found);
    let collapsed = collapsed(value);
    if collapsed != value {
        found.push((Structure, collapsed));
    }
    let mut used = 0;
    for delimiter in DELIMITERS {
        let parts: Vec<&str> = value.split(delimiter).collect();
        if parts.len() < 2 || parts.len() > 200 {
            continue;
        }
        let d = delimiter.to_string();
        let (first, last) =
            (parts.first().copied().unwrap_or_default(), parts.last().copied().unwrap_or_default());
        let without_last = parts.get(..parts.len() - 1).unwrap_or_default().join(&d);
        let without_first = parts.get(1..).unwrap_or_default().join(&d);
        let reversed = parts.iter().rev().copied().collect::<Vec<_>>().join(&d);
        found.push((Structure, without_last));
        found.push((Structure, format!("{value}{d}{}", if last.is_empty() { first } else { last })));
        found.push((Structure, without_first));
        if parts.len() > 2 {
            let middle = parts.len() / 2;
            let kept = parts.iter().enumerate().filter(|(at, _)| *at != middle).map(|(_, part)| *part);
            found.push((Structure, kept.collect::<Vec<_>>().join(&d)));
        }
        found.push((Structure, reversed));
        found.push((Structure, value.replacen(delimiter, "", 1)));
        found.push((Structure, value.replacen(delimiter, &d.repeat(2), 1)));
        if let Some(longest) = parts.iter().max_by_key(|part| part.len()) {
            found.push((Structure, (*longest).to_owned()));
        }
        used += 1;
        if used == 2 {
            break;
        }
    }
}

/// Reduces doubled marks to single ones: `**` → `*`.
fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut last = None;
    for c in text.chars() {
        if c.is_alphanumeric() || c.is_whitespace() || last != Some(c) {
            out.push(c);
        }
        last = Some(c);
    }
    out
}

/// Extends single marks of a rule to three: `:-` → `:---`.
fn stretched(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() * 2);
    for (at, c) in chars.iter().enumerate() {
        let single = chars.get(at + 1) != Some(c) && (at == 0 || chars.get(at - 1) != Some(c));
        let mark = matches!(c, '-' | '=' | '~' | '#');
        let count = if mark && single { 3 } else { 1 };
        out.extend(std::iter::repeat_n(*c, count));
    }
    out
}

fn complete_row(first: &str, last: &str, delimiter: char) -> Option<String> {
    let wanted = first.matches(delimiter).count();
    let have = last.matches(delimiter).count();
    if have == 0 || have >= wanted || wanted > 100 {
        return None;
    }
    let mut fields: Vec<&str> = last.split(delimiter).collect();
    let closed = first.ends_with(delimiter);
    let model = fields.iter().rev().skip(1).find(|field| !field.is_empty()).copied().unwrap_or("-");
    fields.pop();
    let inner = if closed { wanted } else { wanted + 1 };
    while fields.len() < inner {
        fields.push(model);
    }
    if closed {
        fields.push("");
    }
    Some(fields.join(&delimiter.to_string()))
}

/// Closes an open bracket, opens a closed one, or removes a pair.
fn brackets(value: &str, found: &mut Vec<Mutation>) {
    use InputChange::Structure;
    for (open, close) in [
        ('(', ')'),
        ('[', ']'),
        ('{', '}'),
        ('<', '>'),
        ('"', '"'),
        ('\'', '\''),
        ('`', '`'),
        ('_', '_'),
        ('*', '*'),
    ] {
        let (opened, closed) = (value.matches(open).count(), value.matches(close).count());
        let even = if open == close { opened.is_multiple_of(2) } else { opened == closed };
        if opened + closed == 0 {
            continue;
        }
        if !even && closed <= opened {
            found.push((Structure, format!("{value}{close}")));
        }
        if even && let Some(at) = value.rfind(close) {
            let (before, after) = value.split_at(at);
            found.push((Structure, format!("{before}{}", after.get(close.len_utf8()..).unwrap_or_default())));
        }
        let without: String = value.chars().filter(|c| *c != open && *c != close).collect();
        found.push((Structure, without));
        if open != close {
            let glued = |c: char| if c == open || c == close { 'x' } else { c };
            found.push((Structure, value.chars().map(glued).collect()));
        }
        if found.len() > 10 {
            return;
        }
    }
}

/// Neighbours of a number; `whole` leaves fractions out.
pub(super) fn number_mutations(value: &str, dictionary: &ValueDictionary, whole: bool) -> Vec<Mutation> {
    use InputChange::{Boundary, Number};
    let mut found: Vec<Mutation> = Vec::new();
    let mut bounds: Vec<Mutation> = Vec::new();
    if let Ok(number) = value.parse::<i64>()
        && number.unsigned_abs() < 1 << 50
    {
        let mut exact: Vec<i64> =
            dictionary.numbers.iter().filter_map(|text| text.parse().ok()).take(12).collect();
        // Bounds of the value's own magnitude first: years try 400 and 100 before 4.
        let digits = |number: i64| number.unsigned_abs().checked_ilog2().map_or(0, |log| log + 1);
        exact.sort_by_key(|bound| digits(*bound).abs_diff(digits(number)));
        for offset in [0, 1, -1] {
            let near = exact.iter().take(6).map(|bound| bound.saturating_add(offset));
            let usable = near.filter(|near| near.unsigned_abs() < 1 << 50);
            bounds.extend(usable.map(|near| (Boundary, near.to_string())));
        }
        let fixed = [
            number + 1,
            0,
            -number.abs().max(1),
            number * 10,
            number - 1,
            number * 2,
            1,
            2,
            number * 1000 + 7,
            number / 2,
            10,
            100,
        ];
        found.extend(fixed.iter().map(|number| (Number, number.to_string())));
        if !whole {
            found.push((Number, format!("{number}.5")));
        }
    } else if let Ok(number) = value.parse::<f64>()
        && number.is_finite()
        && number.abs() < 1e12
    {
        bounds.extend(dictionary.numbers.iter().take(6).map(|text| (Boundary, text.clone())));
        for near in [
            number + 1.0,
            number - 1.0,
            0.0,
            number * 10.0,
            -number,
            number / 2.0,
            number.round(),
            number + 0.01,
        ] {
            found.push((Number, format!("{near}")));
        }
    }
    // Nearest first, then the bounds of changed comparisons, alternating.
    let mut merged = Vec::new();
    let (mut near, mut bounds) = (found.into_iter(), bounds.into_iter());
    merged.extend(near.by_ref().take(2));
    loop {
        let (a, b, c) = (bounds.next(), bounds.next(), near.next());
        if a.is_none() && c.is_none() {
            break;
        }
        merged.extend(a);
        merged.extend(b);
        merged.extend(c);
    }
    finish(value, merged)
}
