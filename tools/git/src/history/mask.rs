/*!
Masks the parts of commits that the index keeps as plain words. The index stays in the data folder as long as the
repository is known, and people do write keys into messages. Words of patches and bodies are kept as hashes only.

The rules are the configured ones together with the version of the built-in ones, and one index uses one set of
rules. When the rules change, the old index is removed and built again, because it may contain text that must now
be masked.
*/

use std::fs;
use std::path::Path;

use millwright_redaction::{RULES_VERSION, RedactionConfig, Redactor, placeholders};
use sha2::{Digest, Sha256};

use super::log_file::{io_error, lock};
use super::records::lock_records;
use super::{HistoryError, STRUCTURE_LOCK, text};

/// Names the rules that masked the index.
const MARKER: &str = "masked-by";

/// Empties the index in `folder`, unless these rules masked it.
pub(super) fn keep_to_rules(folder: &Path, rules: &RedactionConfig) -> Result<(), HistoryError> {
    if is_masked_by(folder, rules) {
        return Ok(());
    }
    // If the rules do not compile, do not empty the index.
    CommitMask::of_words(rules)?;
    let _structure = lock(&folder.join(STRUCTURE_LOCK))?;
    let _text = lock_records(folder, text::NAME)?;
    if is_masked_by(folder, rules) {
        return Ok(()); // another run has just done it
    }
    let entries = fs::read_dir(folder).map_err(io_error("reading", folder))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_lock = path.extension().is_some_and(|extension| extension == "lock");
        if path.is_file() && !is_lock {
            fs::remove_file(&path).map_err(io_error("removing", &path))?;
        }
    }
    let marker = folder.join(MARKER);
    fs::write(&marker, fingerprint(rules)).map_err(io_error("writing", &marker))
}

/// Fails if the index now uses other rules. Call under the lock of the file you write to: another process may have
/// rebuilt the index with other rules.
pub(super) fn require_rules(folder: &Path, rules: &RedactionConfig) -> Result<(), HistoryError> {
    match is_masked_by(folder, rules) {
        true => Ok(()),
        false => Err(HistoryError::RulesChanged { path: folder.to_owned() }),
    }
}

fn is_masked_by(folder: &Path, rules: &RedactionConfig) -> bool {
    fs::read_to_string(folder.join(MARKER)).is_ok_and(|marker| marker == fingerprint(rules))
}

/// Starts with the version of the built-in rules; the hash covers the configuration.
fn fingerprint(rules: &RedactionConfig) -> String {
    let rules = serde_json::to_vec(rules).unwrap_or_default();
    format!("{RULES_VERSION} {}\n", hex::encode(Sha256::digest(rules)))
}

/// Masks texts of commits. Use one for each pass: it remembers the values that it found.
pub(super) struct CommitMask(Redactor);

impl CommitMask {
    /// For text kept as words: masks secrets and personal data.
    pub(super) fn of_words(rules: &RedactionConfig) -> Result<Self, HistoryError> {
        Ok(Self(Redactor::new(rules.clone())?))
    }

    /// For text kept as hashes, which ranking compares: masks secrets only.
    pub(super) fn of_hashes(rules: &RedactionConfig) -> Result<Self, HistoryError> {
        Self::of_words(&RedactionConfig { personal_data: false, ..rules.clone() })
    }

    /// The text without these values. Placeholders carry no number, because numbers are counted per run.
    pub(super) fn mask(&self, text: String) -> String {
        let redacted = self.0.redact(&text);
        if redacted.counts.is_empty() {
            return text;
        }
        let (mut out, mut from) = (String::with_capacity(redacted.text.len()), 0);
        for (start, end) in placeholders(&redacted.text) {
            let placeholder = redacted.text.get(start..end).unwrap_or_default();
            out.push_str(redacted.text.get(from..start).unwrap_or_default());
            out.push_str(placeholder.rsplit_once('_').map_or(placeholder, |(kind, _)| kind));
            out.push(']');
            from = end;
        }
        out.push_str(redacted.text.get(from..).unwrap_or_default());
        out
    }

    pub(super) fn mask_bytes(&self, text: Vec<u8>) -> Vec<u8> {
        match String::from_utf8(text) {
            Ok(text) => self.mask(text).into_bytes(),
            Err(error) => self.mask(String::from_utf8_lossy(error.as_bytes()).into_owned()).into_bytes(),
        }
    }
}

/// The masks for reading patches.
pub(super) struct PatchMasks {
    pub(super) hashes: CommitMask,
    pub(super) words: CommitMask,
}

impl PatchMasks {
    pub(super) fn new(rules: &RedactionConfig) -> Result<Self, HistoryError> {
        Ok(Self { hashes: CommitMask::of_hashes(rules)?, words: CommitMask::of_words(rules)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The built-in rules change with Millwright's version, so an older index may contain text that must now be
    /// masked.
    #[test]
    fn an_index_that_other_rules_of_ours_masked_is_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let rules = RedactionConfig::default();
        let kept = folder.path().join("structure");
        keep_to_rules(folder.path(), &rules).unwrap();
        fs::write(&kept, "subjects of commits").unwrap();
        keep_to_rules(folder.path(), &rules).unwrap();
        assert!(kept.exists());
        let ours = fingerprint(&rules);
        let earlier = ours.replacen(&RULES_VERSION.to_string(), &(RULES_VERSION - 1).to_string(), 1);
        assert_ne!(ours, earlier);
        fs::write(folder.path().join(MARKER), earlier).unwrap();
        keep_to_rules(folder.path(), &rules).unwrap();
        assert!(!kept.exists() && is_masked_by(folder.path(), &rules));
    }

    #[test]
    fn secrets_are_masked_and_nothing_else_changes() {
        let mask = CommitMask::of_words(&RedactionConfig::default()).unwrap();
        for plain in
            ["Fix the total of carts (#1234)", "Merge 1c1ed3b into v2.3.0", "[CORE_1] Move it", "ü\tx"]
        {
            assert_eq!(mask.mask(plain.to_owned()), plain);
        }
        let masked = mask.mask("Rotate AKIAIOSFODNN7EXAMPLE for ops@example.org".to_owned());
        assert!(!masked.contains("AKIA") && !masked.contains("ops@"), "{masked}");
        assert!(masked.starts_with("Rotate [") && !masked.contains("_1]"), "{masked}");
        let hashed = CommitMask::of_hashes(&RedactionConfig::default()).unwrap();
        let masked = hashed.mask_bytes(b"AKIAIOSFODNN7EXAMPLE by ops@example.org\xff".to_vec());
        let masked = String::from_utf8(masked).unwrap();
        assert!(!masked.contains("AKIA") && masked.contains("ops@example.org"), "{masked}");
    }
}
