/*!
How alike a failure and earlier ones are in their own words, where only the order matters: each word counts by how few of
the earlier failures have it (inverse document frequency, Spärck Jones 1972), as a share of all that a failure says.
*/

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::suspects::stop_words_for;

/// Characters of a text that are read.
const READ: usize = 16 * 1024;
/// Shortest word.
const SHORTEST: usize = 3;

/// The likeness of `new` with each of the `earlier` texts, 0 to 1.
pub(super) fn likeness(new: &str, earlier: &[String]) -> Vec<f64> {
    let new = words(new);
    let earlier: Vec<BTreeSet<String>> = earlier.iter().map(|text| words(text)).collect();
    let mut frequency: HashMap<&str, usize> = HashMap::new();
    for word in earlier.iter().flatten() {
        *frequency.entry(word).or_default() += 1;
    }
    let total = earlier.len() as f64;
    let weight = |word: &str| {
        let with = frequency.get(word).copied().unwrap_or(0) as f64;
        ((total + 1.0) / (with + 0.5)).ln().max(0.0)
    };
    let mass = |words: &mut dyn Iterator<Item = &String>| words.map(|word| weight(word)).sum::<f64>();
    earlier
        .iter()
        .map(|known| {
            let shared = mass(&mut known.intersection(&new));
            let all = mass(&mut known.iter());
            if all > 0.0 { shared / all.sqrt() / mass(&mut new.iter()).sqrt().max(1.0) } else { 0.0 }
        })
        .collect()
}

fn words(text: &str) -> BTreeSet<String> {
    let text = text.get(..text.floor_char_boundary(READ)).unwrap_or(text).to_lowercase();
    let all: HashSet<&str> = text
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.chars().count() >= SHORTEST && word.contains(char::is_alphabetic))
        .collect();
    let idle = stop_words_for(&all);
    all.into_iter().filter(|word| !idle.contains(word)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_few_have_decide() {
        let earlier = [
            "the discount of the code staff is a cent short: total 1;Ann;staff",
            "the total of the list is cut off: list",
            "the total is wrong",
        ]
        .map(str::to_owned);
        let of = likeness("what our staff gets is off; total 9;Bob;staff", &earlier);
        assert!(of[0] > of[1] && of[0] > of[2], "{of:?}");
        let of = likeness("names on the list are short", &earlier);
        assert!(of[1] > of[2], "{of:?}");
        assert_eq!(likeness("nothing alike", &["".to_owned()]), [0.0]);
        assert!(likeness("", &[]).is_empty());
    }
}
