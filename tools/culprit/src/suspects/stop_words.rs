/*!
Stop words: words that occur in every text of a language and connect no change to a ticket.
*/

use std::collections::HashSet;
use std::sync::LazyLock;

/// Stop words of English, and of every language whose stop words make up a fifth of the words.
pub(super) fn stop_words_for(words: &HashSet<&str>) -> HashSet<&'static str> {
    static LISTS: LazyLock<Vec<(&str, &[&str])>> = LazyLock::new(|| {
        let known = stop_words::available_languages().iter();
        known.filter_map(|code| Some((*code, stop_words::lookup(code)?))).collect()
    });
    let enough = (words.len() as f64 / 5.0).max(2.0);
    let spoken = |list: &[&str]| list.iter().filter(|word| words.contains(**word)).count() as f64 >= enough;
    let lists = LISTS.iter().filter(|(code, list)| *code == "en" || spoken(list));
    lists.flat_map(|(_, list)| list.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_languages_spoken() {
        let german: HashSet<&str> = "bitte ändern sie meine adresse ich bin umgezogen".split(' ').collect();
        let found = stop_words_for(&german);
        assert!(found.contains("ich") && found.contains("the") && !found.contains("pour"));
    }
}
