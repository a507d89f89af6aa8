/*!
How a note is written for Jira: as a document, in which what is text is never anything else, and in the notation of the older
editor, in which comments of a service desk are written.
*/

use serde_json::{Value, json};

use crate::note_text::{BREAK, NoteSpan, NoteText};

/// In the notation of the older editor.
pub(super) fn wiki(note: &NoteText, marker: &str) -> String {
    let text = note.written("\n\n", |part, _| match part {
        NoteSpan::Own(text) | NoteSpan::Outside(text) => wiki_text(text),
        NoteSpan::Link(url) => url.clone(),
    });
    format!("{text}\n\n({marker})")
}

/// As a document.
pub(super) fn document(note: &NoteText, marker: &str) -> Value {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let node = |part: &NoteSpan| match part {
        NoteSpan::Own(words) | NoteSpan::Outside(words) => text(words),
        NoteSpan::Link(url) => {
            json!({ "type": "text", "text": url, "marks": [{ "type": "link", "attrs": { "href": url } }] })
        }
    };
    // A node without text is refused.
    let is_empty = |part: &&NoteSpan| matches!(part, NoteSpan::Own(text) | NoteSpan::Outside(text) | NoteSpan::Link(text) if text.is_empty());
    let paragraph = |parts: &Vec<NoteSpan>| -> Value {
        let nodes: Vec<Value> = parts.iter().filter(|part| !is_empty(part)).map(node).collect();
        json!({ "type": "paragraph", "content": nodes })
    };
    let marker = json!({ "type": "paragraph", "content": [text(&format!("[{marker}]"))] });
    let content: Vec<Value> = note.paragraphs().iter().map(paragraph).chain([marker]).collect();
    json!({ "type": "doc", "version": 1, "content": content })
}

/// Every sign that the notation may use as the reference that stands for it.
fn wiki_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    // A paragraph that begins with `h1.` or `bq.` is one no more.
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
