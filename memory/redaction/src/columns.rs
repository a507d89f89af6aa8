/*!
Secrets in columns: a heading names them, the lines below hold them. CSV, tab-separated values, tables of Markdown and
of database shells, and tables aligned by spaces (`psql`, `kubectl`, `docker`). A heading must be a whole cell, so
prose about passwords does not count. Below it, only cells that look like a value are masked, because manuals describe
fields in tables of the same form.
*/

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;

use super::checks::{is_phrase, is_reference, looks_like_identifier, looks_random};
use super::lines::{Line, TextLines};
use super::names::{self, SecretNameKind, any_case};
use super::work;

/// The most lines below a heading that are searched.
const MAX_ROWS: usize = 500;
/// Longer lines are not rows that a person pasted.
const MAX_LINE_BYTES: usize = 4 << 10;
const MAX_CELLS: usize = 64;

/// How the cells of a table are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Divider {
    Byte(u8),
    /// A line character between cells.
    Line(char),
    /// Two spaces or more.
    Spaces,
}

/// The kind of values below a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SecretColumnKind {
    /// Any value counts.
    Password,
    /// The word also has other meanings: the value must look random, or mix letters and digits.
    Token,
    /// Numbers that identify a person.
    Personal,
}

/// The position of a cell in its line, without surrounding characters.
type Cell = (usize, usize);

/// The first line of a table.
struct TableHeader {
    divider: Divider,
    cells: Vec<Cell>,
    /// The columns with secrets.
    columns: Vec<(usize, SecretColumnKind)>,
}

/// Calls `mask` with the span of every cell below a heading that names a secret.
pub(super) fn cells(lines: &TextLines<'_>, personal_data: bool, mask: &mut dyn FnMut(usize, usize)) {
    let mut number = 0;
    while let Some((_, line)) = lines.all.get(number) {
        let may_name_secret = lines.may_name_secret.get(number).is_some_and(|may| *may);
        number += 1;
        // Headings are words, so a line of a log or of code is rejected quickly.
        if line.len() > MAX_LINE_BYTES || !(may_name_secret || personal_data) {
            continue;
        }
        let header = copied(line, personal_data).or_else(|| header(line, may_name_secret, personal_data));
        let Some(header) = header else { continue };
        let below = lines.all.get(number..).unwrap_or_default();
        // Rows are consumed, so that no line is searched below more than one heading.
        number += rows(below, &header, mask);
    }
}

/// Calls `mask` with the values of an `INSERT` that belong to columns of secrets.
pub(super) fn inserted(
    text: &str,
    lines: &TextLines<'_>,
    personal_data: bool,
    mask: &mut dyn FnMut(usize, usize),
) {
    static HEAD: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:insert|replace)\s+(?:ignore\s+|or\s+replace\s+)?into\s+[^\s(]{1,120}\s*\(([^()]{1,2000})\)\s*values\s*").ok()
    });
    let may_name = lines.may_name_secret.contains(&true) || personal_data && may_name_personal_data(text);
    let Some(head) = HEAD.as_ref().filter(|_| may_name) else { return };
    for found in head.captures_iter(text) {
        let Some((whole, names)) = found.get(0).zip(found.get(1)) else { continue };
        let columns: Vec<Option<SecretColumnKind>> = names
            .as_str()
            .split(',')
            .map(|name| column(name.trim_matches(|c: char| !c.is_alphanumeric()), personal_data))
            .collect();
        if columns.iter().all(Option::is_none) {
            continue;
        }
        let mut at = whole.end();
        for _ in 0..MAX_ROWS {
            let Some((values, end)) = tuple(text, at) else { break };
            work::add(end - at);
            for (column, (from, to)) in columns.iter().zip(values) {
                if column.is_some_and(|column| is_value(column, text.get(from..to).unwrap_or_default())) {
                    mask(from, to);
                }
            }
            let rest = text.get(end..).unwrap_or_default();
            at = end + rest.len() - rest.trim_start_matches([',', ' ', '\n', '\r']).len();
        }
    }
}

/// The values in parentheses at `at`, and where they end.
fn tuple(text: &str, at: usize) -> Option<(Vec<Cell>, usize)> {
    let bytes = text.as_bytes();
    if bytes.get(at) != Some(&b'(') {
        return None;
    }
    let (mut cells, mut from, mut quoted) = (Vec::new(), at + 1, false);
    for end in at + 1..(at + MAX_LINE_BYTES).min(bytes.len()) {
        match bytes.get(end)? {
            b'\'' => quoted = !quoted,
            b',' | b')' if !quoted => {
                cells.push(trimmed(text, from, end));
                from = end + 1;
                if bytes.get(end) == Some(&b')') {
                    return Some((cells, end + 1));
                }
            }
            _ => {}
        }
    }
    None
}

/// `COPY users (id, password) FROM stdin;`: tabs separate the cells of the rows below.
fn copied(line: &str, personal_data: bool) -> Option<TableHeader> {
    let rest = line.trim_start().strip_prefix("COPY ").or_else(|| line.trim_start().strip_prefix("copy "))?;
    let open = rest.find('(')?;
    let (names, after) = rest.get(open + 1..)?.split_once(')')?;
    after.to_ascii_lowercase().contains("from stdin").then_some(())?;
    let names: Vec<&str> = names.split(',').map(|name| name.trim_matches([' ', '"'])).collect();
    let columns = names.iter().enumerate();
    let columns: Vec<_> = columns.filter_map(|(at, name)| Some((at, column(name, personal_data)?))).collect();
    (!columns.is_empty()).then(|| TableHeader {
        divider: Divider::Byte(b'\t'),
        cells: vec![(0, 0); names.len()],
        columns,
    })
}

/// The header of a table, if one of its headings names a secret.
fn header(line: &str, may_name_secret: bool, personal_data: bool) -> Option<TableHeader> {
    work::add(line.len());
    if line.contains([':', '=', '<', '{', '@']) || !may_name_secret && !may_name_personal_data(line) {
        return None;
    }
    [
        Divider::Line('\u{2502}'),
        Divider::Line('\u{2503}'),
        Divider::Line('\u{2551}'),
        Divider::Byte(b'|'),
        Divider::Byte(b'\t'),
        Divider::Byte(b';'),
        Divider::Byte(b','),
        Divider::Spaces,
    ]
    .into_iter()
    .find_map(|divider| {
        let cells = split(line, divider);
        let named: Vec<&str> = cells
            .iter()
            .map(|(from, to)| line.get(*from..*to).unwrap_or_default().trim_matches(['*', '`']))
            .collect();
        let is_framed = divider != Divider::Spaces
            && line.trim().starts_with(['|', '\u{2502}'])
            && line.trim().ends_with(['|', '\u{2502}']);
        let least = if is_framed { 1 } else { 2 };
        let is_head = (least..=MAX_CELLS).contains(&cells.len()) && named.iter().all(|name| is_heading(name));
        let columns = named.iter().enumerate();
        let columns: Vec<_> =
            columns.filter_map(|(at, name)| Some((at, column(name, personal_data)?))).collect();
        (is_head && !columns.is_empty()).then_some(TableHeader { divider, cells, columns })
    })
}

fn may_name_personal_data(line: &str) -> bool {
    static PERSONAL: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| any_case(&["ssn", "iban", "phone", "mobile", "dob", "birth", "card"]));
    PERSONAL.as_ref().is_some_and(|words| words.is_match(line))
}

/// Words and not values: no `=`, not a sentence.
fn is_heading(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 40
        && name.split([' ', '_', '-', '.']).count() <= 4
        && name.chars().all(|c| c.is_alphanumeric() || " _-.()#/".contains(c))
        && name.chars().any(char::is_alphabetic)
}

/// The kind of a column by its heading; personal data counts only if it is masked.
fn column(name: &str, personal_data: bool) -> Option<SecretColumnKind> {
    const PERSONAL: [&str; 9] = [
        "ssn",
        "iban",
        "phone",
        "mobile",
        "dob",
        "date_of_birth",
        "birth_date",
        "card_number",
        "social_security_number",
    ];
    match names::named(name) {
        Some(SecretNameKind::Password) => return Some(SecretColumnKind::Password),
        // One-time passwords are numbers, which never look random.
        Some(SecretNameKind::Token) if name.to_lowercase().ends_with("otp") => {
            return Some(SecretColumnKind::Password);
        }
        Some(SecretNameKind::Token) => return Some(SecretColumnKind::Token),
        None => {}
    }
    let name: String = name.to_lowercase().chars().map(|c| if " -.".contains(c) { '_' } else { c }).collect();
    let ends = |word: &&str| name == **word || name.ends_with(&format!("_{word}"));
    (personal_data && PERSONAL.iter().any(ends)).then_some(SecretColumnKind::Personal)
}

/// Masks cells in the rows below; returns the number of lines that were rows.
fn rows(below: &[Line<'_>], header: &TableHeader, mask: &mut dyn FnMut(usize, usize)) -> usize {
    let mut seen = 0;
    for (start, line) in below.iter().take(MAX_ROWS) {
        if line.len() > MAX_LINE_BYTES || line.trim().is_empty() {
            break;
        }
        work::add(line.len());
        if is_rule(line) {
            seen += 1;
            continue;
        }
        let cells = split(line, header.divider);
        if !header.is_row(line, &cells) {
            break;
        }
        for (at, column) in &header.columns {
            let cell = match header.divider {
                Divider::Spaces => header
                    .cells
                    .get(*at)
                    .and_then(|&(from, to)| cells.iter().find(|cell| cell.0 == from || cell.1 == to)),
                Divider::Byte(_) | Divider::Line(_) => cells.get(*at),
            };
            let Some((from, to)) = cell.copied() else { continue };
            if is_value(*column, line.get(from..to).unwrap_or_default()) {
                mask(start + from, start + to);
            }
        }
        seen += 1;
    }
    seen
}

impl TableHeader {
    /// Whether a line below belongs to the table. Cells of an aligned table may be empty, and rows may have numbers
    /// without a heading above them: then the positions below the headings decide. A line of one cell with spaces is
    /// prose.
    fn is_row(&self, line: &str, cells: &[Cell]) -> bool {
        if self.divider != Divider::Spaces {
            return cells.len() == self.cells.len();
        }
        let below_a_heading =
            |cell: &&Cell| self.cells.iter().any(|heading| heading.0 == cell.0 || heading.1 == cell.1);
        let aligned = cells.iter().filter(below_a_heading).count();
        let is_prose = match cells {
            [(from, to)] => line.get(*from..*to).is_some_and(|cell| cell.contains(' ')),
            _ => false,
        };
        !is_prose && cells.len() <= self.cells.len() + 1 && aligned >= cells.len().min(2)
    }
}

/// The horizontal rule between headings and rows.
fn is_rule(line: &str) -> bool {
    line.contains("--") && line.bytes().all(|byte| b"-+|: =".contains(&byte))
        || line.contains(['\u{2500}', '\u{2501}', '\u{2550}'])
            && line.chars().all(|c| c.is_whitespace() || ('\u{2500}'..='\u{257f}').contains(&c))
}

fn is_value(column: SecretColumnKind, value: &str) -> bool {
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let signs = value.bytes().any(|byte| b"!#$%&*+?@^~".contains(&byte));
    if is_reference(value) || value.len() < 4 || value.contains("://") {
        return false;
    }
    match column {
        SecretColumnKind::Password => !value.contains(' ') && (digits || signs) || is_phrase(value),
        SecretColumnKind::Personal => value.bytes().filter(u8::is_ascii_digit).count() >= 7,
        SecretColumnKind::Token => {
            looks_random(value) || value.len() >= 8 && letters && digits && !looks_like_identifier(value)
        }
    }
}

/// The cells of a line. A quoted cell is the text within the quotes. In a table with a frame, the empty text before
/// the first and after the last divider is not a cell.
fn split(line: &str, divider: Divider) -> Vec<Cell> {
    let mut cells = Vec::new();
    match divider {
        Divider::Spaces => {
            let bytes = line.as_bytes();
            let mut at = 0;
            while at < bytes.len() && cells.len() <= MAX_CELLS {
                if bytes.get(at) == Some(&b' ') {
                    at += 1;
                    continue;
                }
                let end = memchr::memmem::find(bytes.get(at..).unwrap_or_default(), b"  ")
                    .map_or(bytes.len(), |length| at + length);
                cells.push(trimmed(line, at, end));
                at = end;
            }
        }
        Divider::Line(drawn) => {
            let mut from = 0;
            let ends = line.match_indices(drawn).map(|(at, _)| at).chain([line.len()]);
            for at in ends.take(MAX_CELLS + 2) {
                cells.push(trimmed(line, from, at));
                from = at + drawn.len_utf8();
            }
            let empty = |cell: &Cell| cell.0 >= cell.1;
            if cells.first().is_some_and(empty) {
                cells.remove(0);
            }
            if cells.last().is_some_and(empty) {
                cells.pop();
            }
        }
        // In a wiki table, each heading is between double dividers: `||`.
        Divider::Byte(b'|') if line.trim_start().starts_with("||") => {
            let mut from = line.len() - line.trim_start().len() + 2;
            while let Some(length) =
                line.get(from..).and_then(|rest| rest.find("||")).filter(|_| cells.len() <= MAX_CELLS)
            {
                cells.push(trimmed(line, from, from + length));
                from += length + 2;
            }
        }
        Divider::Byte(divider) => {
            let mut from = 0;
            let mut quoted = false;
            for (at, byte) in line.bytes().enumerate().chain([(line.len(), divider)]) {
                match byte {
                    b'"' if divider != b'|' => quoted = !quoted,
                    byte if byte == divider && (!quoted || at == line.len()) && cells.len() <= MAX_CELLS => {
                        cells.push(trimmed(line, from, at));
                        from = at + 1;
                    }
                    _ => {}
                }
            }
            if divider == b'|' {
                let empty = |cell: &Cell| cell.0 >= cell.1;
                if cells.first().is_some_and(empty) {
                    cells.remove(0);
                }
                if cells.last().is_some_and(empty) {
                    cells.pop();
                }
            }
        }
    }
    cells
}

fn trimmed(line: &str, from: usize, to: usize) -> Cell {
    let cell = line.get(from..to).unwrap_or_default();
    let around = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`');
    let left = cell.len() - cell.trim_start_matches(around).len();
    let inner = cell.trim_matches(around).len();
    (from + left, from + left + inner)
}

#[cfg(test)]
mod tests {
    use crate::Redactor;

    fn masked(text: &str) -> String {
        let redactor = Redactor::default();
        let masked = redactor.redact(text).text;
        assert_eq!(redactor.redact(&masked).text, masked, "not a fixed point: {text}");
        masked
    }

    #[test]
    fn cells_below_a_heading_of_a_secret_are_masked() {
        for text in [
            "id,user,password,active\n7,ann,hunter2x,1\n8,bob,hunter2x!,0\n",
            "id;user;Passwort\n7;ann;hunter2x\n",
            "user\tpassword\nann\thunter2x\n",
            "| user | password |\n|------|----------|\n| ann  | hunter2x |\n",
            "+------+----------+\n| user | password |\n+------+----------+\n| ann  | hunter2x |\n+------+----------+",
            " id | user | password \n----+------+----------\n  7 | ann  | hunter2x\n(1 row)",
            "NAME        PASSWORD     AGE\nshop-admin  hunter2x     3d\n",
            "\"user\",\"password\"\n\"ann\",\"hunter2x\"\n",
        ] {
            assert!(!masked(text).contains("hunter2x"), "{}", masked(text));
        }
    }

    #[test]
    fn a_table_ends_where_prose_begins() {
        let table = "USER        PASSWORD     AGE\nshop-admin  hunter2x     3d\n            hunter3x";
        let prose = "PASSWORD                 AGE\nhunter4x                 3d\nDone in 3s\nhunter-5x-of-the-rest stays here";
        assert!(!masked(table).contains("hunter"), "{}", masked(table));
        assert!(masked(prose).contains("hunter-5x-of-the-rest stays") && !masked(prose).contains("hunter4x"));
        let far = "PASSWORD     AGE\nhunter2x     3d\nnothing more to say\nx86_64-pc    linux";
        assert!(masked(far).contains("x86_64-pc"), "{}", masked(far));
        let phrase = "| user | password |\n|---|---|\n| ann | correct horse battery staple |";
        assert!(!masked(phrase).contains("horse"), "{}", masked(phrase));
    }

    #[test]
    fn columns_of_personal_data_stay_where_it_is_not_masked() {
        let config = crate::RedactionConfig { personal_data: false, ..Default::default() };
        let redactor = Redactor::new(config).unwrap();
        let table = "name,phone,password\nann,0309018200,hunter2x\n";
        let insert = "INSERT INTO t (name, phone, password) VALUES ('ann', '0309018200', 'hunter2x');";
        let alone = "INSERT INTO t (name, phone) VALUES ('ann','0309018200')";
        assert_eq!(redactor.redact(alone).text, alone);
        assert!(!masked(alone).contains("0309018200"), "{}", masked(alone));
        for text in [table, insert] {
            let shown = redactor.redact(text).text;
            assert!(shown.contains("0309018200") && !shown.contains("hunter2x"), "{shown}");
            assert!(!masked(text).contains("0309018200"), "{}", masked(text));
        }
    }

    #[test]
    fn descriptions_and_other_columns_stay() {
        for text in [
            "| Field | Password | Notes |\n|---|---|---|\n| length | required | at least 12 |\n",
            "token,count\nthe,1204\nand,992\n",
            "name,password_changed_at\nann,2024-05-01\n",
            "user,password\nann,NULL\n",
            "key,value\nretries,3\n",
            "| Field | Password |\n|---|---|\n| note | it must have eight characters |\n",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
