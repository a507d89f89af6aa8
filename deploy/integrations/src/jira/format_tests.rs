//! Any text from outside stays text in both formats.

use proptest::prelude::*;

use super::*;
use crate::note_text::defang;
use crate::note_text::tests::{decoded, note_of};
use millwright_testkit::hostile_text::hostile;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_from_outside_acts_in_either_format(text in hostile()) {
        let outside = defang(&text, 10_000);
        let note = note_of(&text);
        let wiki = wiki(&note, "note_1");
        let (body, marker) = wiki.rsplit_once("\n\n").unwrap();
        prop_assert_eq!(marker, "(note_1)");
        let without: String = body.split('&').enumerate().map(|(at, part)| match at {
            0 => part,
            _ => part.split_once(';').unwrap().1,
        }).collect();
        let bare = |c: char| c.is_ascii_punctuation() && !matches!(c, '.' | ',' | '/');
        prop_assert!(!without.contains(bare), "{}", wiki);
        let seen: String = decoded(body).split(BREAK).collect();
        let plain: String = format!("Cause: {outside}.\n\n{outside}").split(BREAK).collect();
        prop_assert_eq!(seen, plain);

        let document = document(&note, "note_1");
        for paragraph in document["content"].as_array().unwrap() {
            prop_assert_eq!(&paragraph["type"], "paragraph");
            for node in paragraph["content"].as_array().unwrap() {
                prop_assert!(node["type"] == "text" && node.get("marks").is_none(), "{}", node);
                prop_assert!(!node["text"].as_str().unwrap().is_empty());
            }
        }
    }
}
