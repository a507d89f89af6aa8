/*!
Whether a ticket says of its failure that it shows now and then. Such a one is given more attempts before anybody says that
it does not show at all.
*/

use millwright_model::ParsedTicket;

/// Words of people who saw it pass as well. A ticket's own words only: logs speak of other things, too.
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

/// Whether the ticket says that the failure does not always show.
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
