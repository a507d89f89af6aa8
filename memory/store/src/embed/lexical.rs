/*!
The built-in embedding, without weights and without a download. It knows the spelling of words, not their meaning.

Each word of the title and the head of the body is cut into character 3- and 4-grams (`<jet`, `jett`, …) which are
hashed, with a sign, into a fixed number of dimensions (feature hashing, Weinberger et al. 2009; subwords as in
fastText). Texts are near each other if their words are spelt alike: typing errors, split compounds, other endings,
words of other languages. It cannot find a text that uses entirely different words; a model with weights can.
*/

use std::collections::BTreeMap;

use super::{EmbedText, Embedder, Embedding, ModelId, normalise};
use crate::tokenize::{split, versions};

const DIMENSION: usize = 512;
const TITLE_WEIGHT: f32 = 3.0;
/// Words of the body that count. More gave worse results on the Hadoop reports: pasted output outweighs the sentence.
const BODY_WORDS: usize = 80;

#[derive(Debug)]
pub struct LexicalEmbedder {
    model: ModelId,
}

impl Default for LexicalEmbedder {
    fn default() -> Self {
        // Change the number with the features, so that stored vectors are computed again.
        Self { model: ModelId { name: "lexical/1".into(), dimension: DIMENSION } }
    }
}

impl LexicalEmbedder {
    fn vector(&self, text: &EmbedText) -> Vec<f32> {
        let mut counts: BTreeMap<String, f32> = BTreeMap::new();
        for word in split(&text.title).into_iter().chain(versions(&text.title)) {
            *counts.entry(word).or_default() += TITLE_WEIGHT;
        }
        for word in split(&text.body).into_iter().take(BODY_WORDS) {
            *counts.entry(word).or_default() += 1.0;
        }
        let mut vector = vec![0.0; self.model.dimension];
        for (word, count) in counts {
            let features = features(&word);
            // A word counts once however long it is; its features share its weight.
            let weight = (1.0 + count.ln()) / (features.len() as f32).sqrt();
            for feature in features {
                let at = (feature >> 1) as usize % self.model.dimension;
                let sign = if feature & 1 == 0 { 1.0 } else { -1.0 };
                if let Some(x) = vector.get_mut(at) {
                    *x += sign * weight;
                }
            }
        }
        normalise(&mut vector);
        vector
    }
}

impl Embedder for LexicalEmbedder {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn weight(&self) -> f64 {
        0.25
    }

    fn embed<'a>(&'a self, texts: &'a [EmbedText]) -> Embedding<'a> {
        Box::pin(async move { Ok(texts.iter().map(|text| self.vector(text)).collect()) })
    }

    fn at_once(&self, text: &EmbedText) -> Option<Vec<f32>> {
        Some(self.vector(text))
    }
}

/// Hashes of the word itself and of its 3- and 4-grams, with its ends marked.
fn features(word: &str) -> Vec<u64> {
    let chars: Vec<char> = std::iter::once('<').chain(word.chars()).chain(std::iter::once('>')).collect();
    let mut found = vec![hash(&chars)];
    for n in [3, 4] {
        if chars.len() > n {
            found.extend(chars.windows(n).map(hash));
        }
    }
    found
}

/// FNV-1a with a final mix: it never changes, unlike the standard library's hasher.
fn hash(chars: &[char]) -> u64 {
    let mut h: u64 = 0xcbf2_9ce4_8422_2325;
    for c in chars {
        h = (h ^ u64::from(u32::from(*c))).wrapping_mul(0x0000_0100_0000_01b3);
    }
    h ^= h >> 32;
    h = h.wrapping_mul(0xd6e8_feb8_6659_fd93);
    h ^ (h >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> f32 {
        let vector = |text: &str| LexicalEmbedder::default().at_once(&EmbedText::new(text, "")).unwrap();
        vector(a).iter().zip(vector(b)).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn spelling_is_what_it_knows() {
        assert!((alike("Upgrade jackson-databind", "Upgrade jackson-databind") - 1.0).abs() < 1e-5);
        let typo = alike("Upgrade jackson-databind to 2.9", "update jackon-databind version");
        let other = alike("Upgrade jackson-databind to 2.9", "Barcode scanner reads umlauts twice");
        assert!(typo > 0.4 && other < 0.2, "{typo} {other}");
        assert!(alike("BouncyCastle", "Bouncy Castle") > 0.6);
    }

    #[test]
    fn vectors_are_the_same_for_good() {
        let vector =
            LexicalEmbedder::default().at_once(&EmbedText::new("Totals are wrong", "by one cent")).unwrap();
        let strongest = vector.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        insta::assert_snapshot!(format!("{} {:.4}", strongest.0, strongest.1), @"456 0.2030");
        assert_eq!(LexicalEmbedder::default().at_once(&EmbedText::default()).unwrap(), vec![0.0; DIMENSION]);
    }
}
