//! Any text from outside stays text in every format. A Markdown parser checks the result.

use millwright_testkit::hostile_text::{hostile, is_inert, shown};
use proptest::prelude::*;

use super::*;

/// The text with its HTML references decoded.
pub(crate) fn decoded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (name, after) = after.split_once(';').unwrap();
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            number => char::from_u32(number.strip_prefix('#').unwrap().parse().unwrap()).unwrap(),
        });
        rest = after;
    }
    out + rest
}

/// A note that contains an outside text inside a paragraph and as a paragraph.
pub(crate) fn note_of(text: &str) -> NoteText {
    let mut note = NoteText::default();
    note.push(vec![NoteSpan::own("Cause: "), NoteSpan::outside(text), NoteSpan::own(".")]);
    note.push(vec![NoteSpan::outside(text)]);
    note
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_from_outside_acts_in_any_format(text in hostile()) {
        let outside = defang(&text, 10_000);
        is_inert(&outside);
        let note = note_of(&text);
        let mut expected = vec![format!("Cause: {outside}.")];
        expected.extend(Some(outside.clone()).filter(|text| !text.is_empty()));
        expected.push("[note_1]".to_owned());
        prop_assert_eq!(shown(&note.markdown("note_1")), expected);

        let html = note.html("note_1");
        let inner = html.replace("<p>", "").replace("</p>", "\n");
        prop_assert!(!inner.contains(['<', '>', '"', '\'']), "{}", html);
        prop_assert_eq!(decoded(&inner), format!("Cause: {outside}.\n{outside}\n[note_1]\n"));

        prop_assert!(!note.plain().contains('`'));
    }
}
