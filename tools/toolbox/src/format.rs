/*!
Formats commits and source lines, so that a model sees the same form from every tool.
*/

use millwright_git::CommitSummary;

use super::{NextPage, ToolError, ToolOutput};

/// `1f0c9a2b3c4d 2024-05-01 Ada: subject`
pub(super) fn commit_line(commit: &CommitSummary) -> String {
    format!("{} {} {}: {}", commit.id.short(), day(commit.author_time), commit.author, commit.subject)
}

/// The day of a time in seconds since 1970, in UTC.
pub(super) fn day(seconds: i64) -> String {
    match jiff::Timestamp::from_second(seconds) {
        Ok(time) => time.strftime("%Y-%m-%d").to_string(),
        Err(_) => "????-??-??".to_owned(), // commits may claim any time
    }
}

/// The last lines of an output, for a report.
pub(super) fn end_of(output: &str) -> String {
    const LINES: usize = 15;
    let lines: Vec<&str> = output.lines().collect();
    lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
}

/// `  12 | text` for each line, numbered from `first`.
pub(super) fn numbered<S: AsRef<str>>(lines: &[S], first: u32) -> String {
    let width = (first as usize + lines.len()).to_string().len();
    lines
        .iter()
        .zip(u64::from(first)..)
        .map(|(line, number)| format!("{number:>width$} | {}\n", line.as_ref()))
        .collect()
}

/// One page of `all`, and how to continue when there is more.
pub(super) fn page<T>(all: Vec<T>, offset: usize, limit: usize, what: &str) -> (Vec<T>, Option<NextPage>) {
    let left = all.len().saturating_sub(offset.saturating_add(limit));
    let page = all.into_iter().skip(offset).take(limit).collect();
    (
        page,
        (left > 0).then(|| NextPage { offset: (offset + limit) as u64, left: format!("{left} more {what}") }),
    )
}

/// A page size within bounds; 0 and `None` mean the default.
pub(super) fn limit(asked: Option<u32>, usual: usize, most: usize) -> usize {
    match asked {
        None | Some(0) => usual,
        Some(asked) => (asked as usize).min(most),
    }
}

/// Parses an RFC 3339 time into milliseconds since 1970.
pub(super) fn milliseconds(time: &str) -> Result<i64, ToolError> {
    time.trim().parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond).map_err(|error| {
        ToolError::invalid(format!("{time:?} is not a time: {error}; write it like 2024-05-01T12:00:00Z"))
    })
}

/// Adds a note about log files that could not be read, if any.
pub(super) fn with_unread(output: ToolOutput, unread: &[String]) -> ToolOutput {
    if unread.is_empty() { output } else { output.with_not_searched(unread.join("; ")) }
}
