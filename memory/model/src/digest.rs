/*!
A digest that identifies several texts together.
*/

use sha2::{Digest, Sha256};

/// Hashes several texts so that the boundaries between them count. The store keeps the result, so the function never
/// changes.
pub fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_between_texts_count() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_eq!(digest(&["ab"]).len(), 64);
    }
}
