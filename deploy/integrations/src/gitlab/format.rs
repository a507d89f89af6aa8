/*!
Writes a note for GitLab: Markdown in which more characters begin a reference than elsewhere.
*/

use crate::note_text::{BREAK, NoteText};

/// The note in GitLab's Markdown.
pub(super) fn markdown(note: &NoteText, marker: &str) -> String {
    note.markdown_without(marker, without_references)
}

/// A text in which nothing refers to a merge request (`!1`), label (`~bug`), milestone (`%1`), epic (`&1`), snippet (`$1`),
/// alert (`^alert#1`), iteration (`*iteration:1`) or anything in brackets (`[vulnerability:1]`).
fn without_references(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        let next = chars.peek().copied().unwrap_or(' ');
        if matches!(c, '!' | '~' | '%' | '&' | '$' | '^' | '*' | '[')
            && (next.is_alphanumeric() || next == '"')
        {
            out.push(BREAK);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::note_text::defang;
    use crate::note_text::tests::note_of;
    use millwright_testkit::hostile_text::{hostile, is_inert, shown};

    #[test]
    fn a_line_from_outside_is_no_command() {
        let note = note_of("/close");
        assert!(markdown(&note, "note_1").lines().all(|line| !line.starts_with('/')), "{note:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_from_outside_refers_to_anything(text in hostile()) {
            let written = markdown(&note_of(&text), "note_1");
            prop_assert!(written.lines().all(|line| !line.starts_with('/')), "{}", written);
            let mut paragraphs = shown(&written);
            prop_assert_eq!(paragraphs.pop().unwrap(), "[note_1]");
            for paragraph in &paragraphs {
                is_inert(paragraph);
                let refers = paragraph.match_indices(['!', '~', '%', '&', '$', '^', '*', '[']);
                for (at, sign) in refers {
                    let next = paragraph[at + sign.len()..].chars().next().unwrap_or(' ');
                    prop_assert!(!next.is_alphanumeric() && next != '"', "{}", paragraph);
                }
            }
            let seen: String = paragraphs.concat().split(BREAK).collect();
            let outside = defang(&text, 10_000);
            let plain: String = format!("Cause: {outside}.{outside}").split(BREAK).collect();
            prop_assert_eq!(seen, plain);
        }
    }
}
