/*!
Texts that try to be more than text, and what a reader of the rendered Markdown sees; shared by the tests of several
crates.
*/

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A zero-width space, inserted where systems would act on the text.
pub const BREAK: char = '\u{200b}';

const PIECES: &[&str] = &[
    "![x](https://evil.example/a.png)",
    "[click](javascript:alert(1))",
    "[ref]: https://evil.example",
    "[^1]",
    "<img src=x onerror=alert(1)>",
    "</p><script>",
    "<!-- ",
    " -->",
    "<https://evil.example>",
    "https://evil.example",
    "HTTP:\u{202e}//evil.example",
    "www.evil.example",
    "WWW.evil.example",
    "mailto:a@evil.example",
    "@here",
    "@acme/team",
    "&#64;here",
    "&commat;here",
    "<!channel>",
    "<@U1>",
    "[~admin]",
    "[~accountid:1]",
    "!https://evil.example/x.png!",
    "[link|https://evil.example]",
    "(!)",
    ":)",
    "{code}",
    "{noformat}",
    "{{ticket.requester.email}}",
    "{% include %}",
    "h1. big",
    "bq. said",
    "# heading",
    "\n# heading\n",
    "\n===\n",
    "\n---\n",
    "\n```\n",
    "```",
    "~~~",
    "`",
    "\\",
    "\\\\",
    "1. one",
    "12) two",
    "- ",
    "+ ",
    "* ",
    "> ",
    "| a | b |\n|---|---|\n",
    "\n\n",
    "\r\n",
    "\u{2028}",
    "\u{85}",
    "\u{b}",
    "\t    ",
    "#12",
    "acme/calc#1",
    "GH-7",
    "$x$",
    "$$",
    "/close",
    "/assign @root",
    "!12",
    "acme/calc!12",
    "~bug",
    "%1",
    "&4",
    "$7",
    "[issue:7]",
    "***",
    "__",
    "~~",
    "src/a_b_c.rs:52",
    "ä𝕏",
];

pub fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => prop::collection::vec(any::<char>(), 0..6).prop_map(|chars| chars.into_iter().collect()),
        1 => prop::collection::vec(prop::char::range(' ', '~'), 0..6).prop_map(|chars| chars.into_iter().collect()),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// Asserts that systems find nothing to act on in a text, as a reader sees it.
pub fn is_inert(text: &str) {
    let lower = text.to_lowercase();
    assert!(!lower.contains("://") && !lower.contains("www.") && !lower.contains("gh-"), "{text:?}");
    assert!(!lower.contains("{{") && !lower.contains("{%"), "{text:?}");
    for (at, _) in text.match_indices(['@', '#']) {
        let next = text[at + 1..].chars().next();
        assert!(next.is_none_or(|next| next == BREAK || next == ' '), "{text:?}");
    }
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}

/// The paragraphs of the rendered Markdown; fails if they contain anything but text.
pub fn shown(markdown: &str) -> Vec<String> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_MATH
        | Options::ENABLE_GFM
        | Options::ENABLE_WIKILINKS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut paragraphs = Vec::new();
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Start(Tag::Paragraph) => paragraphs.push(String::new()),
            Event::End(TagEnd::Paragraph) => {}
            Event::Text(text) => paragraphs.last_mut().unwrap().push_str(&text),
            other => panic!("{other:?} in {markdown:?}"),
        }
    }
    paragraphs
}
