/*!
Writes a note for Jira: as a document, in which text can never be anything else, and in the notation of the older editor,
for comments of a service desk.
*/

use serde_json::{Value, json};

use crate::note_text::{BREAK, NoteSpan, NoteText};

/// The note in the notation of the older editor.
pub(super) fn wiki(note: &NoteText, marker: &str) -> String {
    let text = note.written("\n\n", |part, _| match part {
        NoteSpan::Own(text) | NoteSpan::Outside(text) => wiki_text(text),
        NoteSpan::Link(url) => url.clone(),
    });
    format!("{text}\n\n({marker})")
}

/// The note as a document.
pub(super) fn document(note: &NoteText, marker: &str) -> Value {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let node = |part: &NoteSpan| match part {
        NoteSpan::Own(words) | NoteSpan::Outside(words) => text(words),
        NoteSpan::Link(url) => {
            json!({ "type": "text", "text": url, "marks": [{ "type": "link", "attrs": { "href": url } }] })
        }
    };
    // Jira refuses a node without text.
    let is_empty = |part: &&NoteSpan| matches!(part, NoteSpan::Own(text) | NoteSpan::Outside(text) | NoteSpan::Link(text) if text.is_empty());
    let paragraph = |parts: &Vec<NoteSpan>| -> Value {
        let nodes: Vec<Value> = parts.iter().filter(|part| !is_empty(part)).map(node).collect();
        json!({ "type": "paragraph", "content": nodes })
    };
    let marker = json!({ "type": "paragraph", "content": [text(&format!("[{marker}]"))] });
    let content: Vec<Value> = note.paragraphs().iter().map(paragraph).chain([marker]).collect();
    json!({ "type": "doc", "version": 1, "content": content })
}

/// Replaces every character that the notation may interpret with its character reference.
fn wiki_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    // Without this, `h1.` or `bq.` at the start of a paragraph would have a meaning.
    out.push(BREAK);
    for c in text.chars() {
        match c {
            '.' | ',' | '/' => out.push(c),
            c if c.is_ascii_punctuation() => out.push_str(&format!("&#{};", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
