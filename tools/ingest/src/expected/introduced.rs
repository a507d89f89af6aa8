/*!
Errors that a ticket shows in a separate block after an introductory line: `It ends like this:`, `The error is:`.
Without a type or a prefix, only that line distinguishes the block from an input.
*/

use std::sync::LazyLock;

use regex::Regex;

use super::named::{NamedError, is_wanted, plain, push};
use super::overlap;
use crate::text::clip;

/// Maximum number of lines in a block that is a message; a longer block is a log, a program or an input.
const MAX_LINES: usize = 3;
const MAX_LINE: usize = 400;

/// The end of a line that announces the text of the failure.
static INTRODUCTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)\b(?:says?|said|complains?|(?:error|message)(?: message)?(?: is| was| reads)?",
        r"|(?:ends?|dies|stops|exits|quits|fails|breaks|crashe?s|aborts)",
        r" (?:like this|like so|thus|with(?: this| the following)?|with(?: this| the| an?)?(?: \w+)? (?:error|message|exception)))\s*:$",
    ))
    .ok()
});

/// The messages of such blocks, fenced or indented.
pub(super) fn read(text: &str, errors: &mut Vec<NamedError>) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let line = clip(line.trim_end(), 2000);
        if !INTRODUCTION.as_ref().is_some_and(|re| re.is_match(line)) || is_wanted(line, line.len()) {
            continue;
        }
        while lines.next_if(|next| next.trim().is_empty()).is_some() {}
        let fence = lines.next_if(|next| next.trim_start().starts_with("```")).is_some();
        let mut block = Vec::new();
        while let Some(next) = lines.next_if(|next| match fence {
            true => !next.trim_start().starts_with("```"),
            false => next.starts_with("    ") || next.starts_with('\t'),
        }) {
            block.push(next.trim());
        }
        block.retain(|line| !line.is_empty());
        if block.is_empty() || block.len() > MAX_LINES {
            continue;
        }
        for line in block {
            // After a prompt comes a typed command.
            let typed = line.starts_with(['$', '>', '#', '%']);
            if !typed && line.len() <= MAX_LINE && overlap::message_words(line).is_some() {
                push(errors, plain(None, line, true));
            }
        }
    }
}
