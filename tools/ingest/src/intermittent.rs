/*!
Whether a ticket says that its failure is intermittent. Such a failure gets more attempts before it is reported as
not reproducible.
*/

use millwright_model::ParsedTicket;

/// Words of people who also saw the run pass. Only searched in the ticket's own prose: logs mention other things,
/// too.
const WORDS: [&str; 20] = [
    "sometimes",
    "now and then",
    "once in a while",
    "from time to time",
    "occasional",
    "intermittent",
    "sporadic",
    "flaky",
    "flakey",
    "flakes",
    "randomly",
    "at random",
    "not always",
    "every other run",
    "every other time",
    "of the runs",
    "run by run",
    "nondeterministic",
    "non-deterministic",
    "unreliabl",
];

/// Whether the ticket says that the failure does not always occur.
pub fn is_intermittent(ticket: &ParsedTicket) -> bool {
    let said = format!("{}\n{}", ticket.title, ticket.symptom).to_lowercase();
    WORDS.iter().any(|word| said.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[test]
    fn people_say_that_it_shows_now_and_then() {
        let check = |text: &str, expected| {
            assert_eq!(is_intermittent(&parse(text.as_bytes())), expected, "{text}");
        };
        check(
            "Sometimes: the slot is taken\n\n    $ clinic total\n    clinic: error: the slot is taken\n",
            true,
        );
        check("Totals differ\n\nRoughly a third of the runs end so.\n", true);
        check("Checkout is flaky since Monday", true);
        check("Totals are wrong\n\nIt fails on every run.\n", false);
    }
}
