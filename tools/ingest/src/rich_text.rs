/*!
Tickets that are not plain text: an email with headers, an HTML page, an image sent by mistake. An email or a page
is converted to the text that a person would read. Input without text is named, so that the sender can be told.
*/

use std::sync::LazyLock;

use mail_parser::decoders::html::html_to_text;
use mail_parser::{MessageParser, MessagePart, MimeHeaders};
use regex::Regex;

use super::decode::is_utf16;

/// How many bytes at the start are used to recognise an email or a page.
const HEAD: usize = 4 * 1024;
/// Longer inputs are logs or dumps, regardless of how they begin.
const LARGEST: usize = 32 * 1024 * 1024;
/// Minimum number of header lines in an email.
const HEADERS: usize = 2;
/// Maximum share of control characters in a text, in percent of its bytes.
const CONTROLS: usize = 10;

/// An email or a page as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadableText {
    /// The subject or the page's title, an empty line, and the text.
    pub text: String,
    /// What was changed or left out, one line each.
    pub notes: Vec<String>,
}

/// The text of an email or an HTML page; `None` if the bytes are neither.
pub fn readable_text(bytes: &[u8]) -> Option<ReadableText> {
    if bytes.len() > LARGEST {
        return None;
    }
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(HEAD)).unwrap_or_default());
    if is_mail(&head) {
        return of_mail(bytes);
    }
    is_page(&head).then(|| of_page(&String::from_utf8_lossy(bytes)))
}

fn is_mail(head: &str) -> bool {
    const NAMES: [&str; 10] = [
        "from",
        "to",
        "subject",
        "date",
        "received",
        "message-id",
        "mime-version",
        "content-type",
        "return-path",
        "delivered-to",
    ];
    let mut found = 0;
    for line in head.lines().take_while(|line| !line.trim().is_empty()) {
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else { return false };
        if name.is_empty() || name.contains(char::is_whitespace) {
            return false;
        }
        found += usize::from(NAMES.contains(&name.to_ascii_lowercase().as_str()));
    }
    found >= HEADERS
}

fn of_mail(bytes: &[u8]) -> Option<ReadableText> {
    let mail = MessageParser::default().parse(bytes)?;
    let subject = mail.subject().unwrap_or_default().trim().to_owned();
    let is_page = mail.text_part(0).is_some_and(MessagePart::is_text_html);
    let body = match mail.body_html(0).filter(|_| is_page) {
        Some(page) => page_text(&page),
        None => mail.body_text(0).unwrap_or_default().into_owned(),
    };
    let body = body.trim();
    if subject.is_empty() && body.is_empty() {
        return None;
    }
    let mut notes = vec!["The ticket is a mail; its subject and its text were read.".to_owned()];
    let names: Vec<String> = mail
        .attachments()
        .map(|part| part.attachment_name().unwrap_or("one without a name").chars().take(80).collect())
        .collect();
    if !names.is_empty() {
        notes.push(format!(
            "{} attachments of the mail were not read: {}; pass them as --logs or as attachments",
            names.len(),
            names.iter().take(5).cloned().collect::<Vec<_>>().join(", ")
        ));
    }
    Some(ReadableText { text: format!("{subject}\n\n{body}\n").trim_start().to_owned(), notes })
}

fn is_page(head: &str) -> bool {
    let head = head.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html")
}

fn of_page(page: &str) -> ReadableText {
    ReadableText {
        text: page_text(page).trim().to_owned() + "\n",
        notes: vec!["The ticket is an HTML page; its text was read.".to_owned()],
    }
}

/// The visible text of a page. Styles and scripts are removed first, because the library only recognises them
/// without attributes.
fn page_text(page: &str) -> String {
    static UNSEEN: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        let names = ["style", "script", "template"].into_iter();
        let element = |name: &str| Regex::new(&format!(r"(?is)<{name}\b[^>]*>.*?(?:</{name}\s*>|\z)")).ok();
        names.filter_map(element).collect()
    });
    let seen =
        UNSEEN.iter().fold(page.to_owned(), |page, unseen| unseen.replace_all(&page, " ").into_owned());
    html_to_text(&seen)
}

/// A description for people of bytes that contain no text: `a picture (image/png)`. Returns `None` for text in any
/// encoding.
pub fn binary_kind(bytes: &[u8]) -> Option<String> {
    if let Some(kind) = infer::get(bytes) {
        let name = kind.mime_type();
        let what = match kind.matcher_type() {
            infer::MatcherType::Image => "a picture",
            infer::MatcherType::Video => "a video",
            infer::MatcherType::Audio => "a sound",
            infer::MatcherType::Archive => "an archive",
            infer::MatcherType::App => "a program",
            infer::MatcherType::Doc | infer::MatcherType::Book => "a document",
            infer::MatcherType::Font => "a font",
            // Pages and scripts.
            infer::MatcherType::Text | infer::MatcherType::Custom => return None,
        };
        return Some(format!("{what} ({name})"));
    }
    let sample = bytes.get(..bytes.len().min(HEAD)).unwrap_or_default();
    let controls = sample.iter().filter(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31)).count();
    (!is_utf16(bytes) && controls * 100 > sample.len() * CONTROLS)
        .then(|| "bytes that are not text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(mail: &str) -> ReadableText {
        readable_text(mail.as_bytes()).unwrap()
    }

    #[test]
    fn a_mail_is_read_as_its_reader_sees_it() {
        let mail = "From: a@example.com\r\nTo: b@example.com\r\n\
                    Subject: =?UTF-8?B?UmVjaG51bmcgaXN0IGZhbHNjaA==?=\r\nMIME-Version: 1.0\r\n\
                    Content-Type: multipart/mixed; boundary=\"x\"\r\n\r\n--x\r\n\
                    Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
                    Die Summe ist falsch: 30 statt 300 =E2=82=AC\r\n--x\r\n\
                    Content-Type: image/png; name=\"shot.png\"\r\nContent-Disposition: attachment; filename=\"shot.png\"\r\n\
                    Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--x--\r\n";
        let read = text_of(mail);
        assert_eq!(read.text, "Rechnung ist falsch\n\nDie Summe ist falsch: 30 statt 300 €\n");
        assert!(read.notes[1].contains("shot.png"), "{:?}", read.notes);
    }

    #[test]
    fn a_mail_in_html_and_a_page_lose_their_tags() {
        let body = "<html><head><style type=\"text/css\">p{color:red}</style></head><body><p>The <b>total</b> is wrong&nbsp;again</p>\
                    <script async>alert(1)</script>total wrong: 30</body></html>";
        let mail =
            text_of(&format!("From: a@example.com\nSubject: Totals\nContent-Type: text/html\n\n{body}\n"));
        for text in [mail.text, text_of(body).text] {
            assert!(text.contains("The total is wrong") && text.contains("total wrong: 30"), "{text}");
            assert!(!text.contains('<') && !text.contains("alert") && !text.contains("color"), "{text}");
        }
    }

    #[test]
    fn other_texts_are_left_as_they_are() {
        for text in [
            "Totals are wrong\n\nFrom: nobody\nTo: nobody\n",
            "error: cannot read\nnote: see below\n\nFrom here on\n",
            "Subject: Totals are wrong\n\nonly one header\n",
            "<p>not a page</p>",
            "{\"from\": 1}",
            "",
        ] {
            assert_eq!(readable_text(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_holds_no_text_is_named() {
        assert_eq!(binary_kind(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").as_deref(), Some("a picture (image/png)"));
        assert!(
            binary_kind(b"PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").unwrap().starts_with("an archive")
        );
        let noise: Vec<u8> = (0..=255).cycle().take(2_000).collect();
        assert_eq!(binary_kind(&noise).as_deref(), Some("bytes that are not text"));
        let wide: Vec<u8> = "Totals are wrong".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for text in
            [&b"plain"[..], "Grüße".as_bytes(), b"caf\xe9", &wide, b"\x1b[31mred\x1b[0m", b"", b"#!/bin/sh\n"]
        {
            assert_eq!(binary_kind(text), None, "{text:?}");
        }
    }
}
