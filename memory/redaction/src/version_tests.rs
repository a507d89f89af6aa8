//! A changed rule changes what is masked, and stores of masked texts must notice: [`RULES_VERSION`] is raised with
//! it.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::labelled::LabelledText;
use super::{RULES_VERSION, Redactor, builtin_rules, names, spoken_lists};

fn hash(parts: impl Iterator<Item = String>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let digest: [u8; 32] = digest.finalize().into();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The tables of rules and of words, and their results on the lists of secrets and of look-alikes together with
/// everything that is not a table.
fn rules_as_they_are() -> (String, String) {
    let tables = builtin_rules::all()
        .map(|rule| format!("{}\0{}\0{}", rule.kind, rule.keywords.join("\0"), rule.pattern));
    let lists =
        names::WORD_LISTS.into_iter().chain(spoken_lists::WORD_LISTS).chain(spoken_lists::FURTHER_LISTS);
    let tables = tables.chain(lists.map(|list| list.join("\0")));
    let redactor = Redactor::default();
    let masked = ["secrets.jsonl", "look_alikes.jsonl"].into_iter().flat_map(|file| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(file);
        LabelledText::parse_all(&std::fs::read_to_string(path).unwrap()).unwrap()
    });
    (hash(tables), hash(masked.map(|text| redactor.for_run().redact(&text.text).text)))
}

#[test]
fn a_changed_rule_raises_the_version() {
    let (tables, masked) = rules_as_they_are();
    assert_eq!(
        (RULES_VERSION, tables.as_str(), masked.as_str()),
        (2, "e0492c443b1ee376", "a22a05f45d4dc5e6"),
        "what is masked has changed: raise RULES_VERSION, and pin it here with the hashes on the left"
    );
}
