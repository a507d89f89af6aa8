/*!
Lists of secrets and of look-alikes. The authors of the lists had not read the rules. The lists are in
`memory/redaction/testdata`.
*/

use std::path::Path;

use super::Redactor;
use super::labelled::LabelledText;

/// Fails if fewer than `least` of a list are masked correctly, and prints the shapes of the others.
fn hold(file: &str, least: &[(&str, f64)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(file);
    let texts = LabelledText::parse_all(&std::fs::read_to_string(path).unwrap()).unwrap();
    let redactor = Redactor::default();
    for (list, least) in least {
        let of: Vec<_> = texts.iter().filter(|text| text.list.as_deref() == Some(*list)).collect();
        let wrong: Vec<&str> = of
            .iter()
            .filter(|text| !text.is_right(&redactor))
            .map(|text| text.shape.as_deref().unwrap_or_default())
            .collect();
        let right = (of.len() - wrong.len()) as f64 / of.len() as f64;
        assert!(right >= *least, "{file}, list {list}: {right:.3} is below {least}; wrong: {wrong:#?}");
    }
}

#[test]
fn planted_secrets_are_masked() {
    hold("secrets.jsonl", &[("one", 0.98), ("two", 0.94), ("three", 0.98)]);
}

#[test]
fn look_alikes_stay() {
    hold("look_alikes.jsonl", &[("one", 0.99), ("two", 0.99), ("three", 0.99)]);
}
