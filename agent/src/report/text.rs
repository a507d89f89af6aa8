/*!
Makes hostile text safe to read: terminal escapes, control characters and bidirectional overrides are removed or shown
in visible form (by one shared function), and everything is bounded. Every format uses these functions.
*/

use millwright_model::terminal_code::readable as clean;

/// One line: line breaks and runs of white space become one blank; at most `max` characters.
pub fn line(text: &str, max: usize) -> String {
    let cleaned = clean(text);
    let joined = cleaned.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(&joined, max)
}

/// A block: line breaks stay, tabs become four blanks, other control characters are neutralised.
pub fn block(text: &str) -> String {
    clean(text).replace('\t', "    ")
}

/// A patch to be copied: tabs stay as well.
pub(super) fn patch(text: &str) -> String {
    clean(text)
}

/// Cuts at `max` characters and adds an ellipsis.
pub fn shorten(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => {
            let end = text.char_indices().nth(max.saturating_sub(1)).map_or(0, |(at, _)| at);
            format!("{}…", text[..end].trim_end())
        }
    }
}

/// A word for a POSIX shell, quoted when it needs to be.
pub fn shell_word(text: &str) -> String {
    let text = clean(text).replace('\n', " ");
    let plain = |char: char| char.is_ascii_alphanumeric() || "_-./:=@%+,".contains(char);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// A script as one shell word; its line breaks stay.
pub(super) fn shell_script(text: &str) -> String {
    format!("'{}'", patch(text).trim().replace('\'', "'\\''"))
}

/// The first ten digits of a commit id.
pub(super) fn short(commit: &str) -> String {
    line(commit, 200).chars().take(10).collect()
}

/// `850 ms`, `2.4 s`, `3 min 05 s`, `2 h 10 min`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {:02} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {:02} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// `0.873` as `87 %`; values outside of 0 to 1, and values that are not numbers, are limited to that range.
pub(super) fn percent(share: f64) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    match share {
        share if share > 0.99 && share < 1.0 => "over 99 %".to_owned(),
        share if share > 0.0 && share < 0.01 => "under 1 %".to_owned(),
        share => format!("{:.0} %", share * 100.0),
    }
}

/// `1 commit`, `3 commits`.
pub(super) fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}
