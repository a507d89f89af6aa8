/*!
How similar two texts are, from 0 to 1.

The cosine of TF-IDF vectors (logarithmic term frequency, title words counted five times) over the title and the first
hundred words of the rest. On 126 duplicate queries among 2,503 Hadoop reports this ranks clearly better than BM25.
BM25 does not normalise by the length of the query, so its scores have no scale for a threshold; it only fetches the
candidates. The overlap of the titles, and parts of words in addition to whole words, were tried and added nothing.
*/

use std::collections::HashMap;

use millwright_store::tokenize::TicketWords;

const TITLE_WEIGHT: f64 = 5.0;

/// Inverse document frequencies of the words in use.
#[derive(Debug, Clone)]
pub(crate) struct WordWeights<'w> {
    incidents: f64,
    frequencies: HashMap<&'w str, i64>,
}

impl<'w> WordWeights<'w> {
    pub(crate) fn new(incidents: i64, frequencies: HashMap<&'w str, i64>) -> Self {
        Self { incidents: incidents as f64, frequencies }
    }

    /// The weight of Robertson and Spärck Jones, kept positive by one: `ln(1 + (N − df + ½)/(df + ½))`.
    pub(crate) fn idf(&self, word: &str) -> f64 {
        let df = (self.frequencies.get(word).copied().unwrap_or(0) as f64).min(self.incidents);
        (1.0 + (self.incidents - df + 0.5) / (df + 0.5)).ln()
    }
}

/// A text prepared for comparison.
#[derive(Debug, Clone)]
pub(crate) struct TextVector<'w> {
    /// A vector of unit length.
    all: HashMap<&'w str, f64>,
}

impl<'w> TextVector<'w> {
    pub(crate) fn new(words: &'w TicketWords, weights: &WordWeights<'_>) -> Self {
        let mut all: HashMap<&str, f64> = HashMap::new();
        for word in &words.title {
            *all.entry(word).or_default() += TITLE_WEIGHT;
        }
        for word in &words.body {
            *all.entry(word).or_default() += 1.0;
        }
        for (word, weight) in &mut all {
            *weight = (1.0 + weight.ln()) * weights.idf(word);
        }
        let length = all.values().map(|w| w * w).sum::<f64>().sqrt();
        if length > 0.0 {
            all.values_mut().for_each(|w| *w /= length);
        }
        Self { all }
    }

    /// 0 (nothing in common) to 1 (the same words). Symmetric.
    pub(crate) fn likeness(&self, other: &TextVector<'_>) -> f64 {
        let cosine: f64 =
            self.all.iter().filter_map(|(word, a)| other.all.get(word).map(|b| a * b)).sum::<f64>();
        cosine.clamp(0.0, 1.0)
    }

    /// Words that both have, highest weight first.
    pub(crate) fn shared(&self, other: &TextVector<'w>) -> Vec<&'w str> {
        let mut shared: Vec<(&str, f64)> =
            self.all.iter().filter_map(|(word, a)| other.all.get(word).map(|b| (*word, a * b))).collect();
        shared.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        shared.into_iter().map(|(word, _)| word).collect()
    }
}
