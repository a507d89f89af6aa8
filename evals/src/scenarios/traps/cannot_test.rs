/*!
The replay cannot tell the good revision from the failing one: it fails at both in the same way, or passes at both. That says
nothing about any commit, so nobody is convicted and nobody is cleared.
*/

use super::Family;
use super::program::{EXPECT, Language};
use super::trap::{Outcome, Trap, replace};

pub(super) fn traps() -> Vec<Trap> {
    vec![
        broken("typo", Language::Sh, "sh til.sh total 100 200 DE | grep -x 184.90"),
        broken(
            "missing-data",
            Language::Python,
            "set -e; cat orders.txt; python3 till.py total $(cat orders.txt)",
        ),
        never_right(),
        broken("missing-source", Language::C, "cc -o repro repro.c till.c && ./repro"),
        passes(Language::Perl),
        passes(Language::Awk),
        already_fixed(Language::Python),
        already_fixed(Language::Sh),
    ]
}

/// The command fails by itself, at every revision.
fn broken(name: &str, language: Language, command: &str) -> Trap {
    faulty(name, language)
        .replay(command)
        .replay_ends(Outcome::DoesNotPass, Outcome::DoesNotPass)
        .nothing_proven()
}

fn faulty(name: &str, language: Language) -> Trap {
    Trap::of_till(Family::CannotTest, name, language)
        .with_discount_fault()
        .true_replay(&format!("{}{EXPECT}expect 184.90 total 100 200 DE", language.shell()))
}

/// What the replay expects was never printed, so it fails before the fault as well.
fn never_right() -> Trap {
    faulty("never-right", Language::Node)
        .replay("node till.js total 100 200 DE | grep -qx 'EUR 184.90'")
        .replay_ends(Outcome::Fails, Outcome::Fails)
        .nothing_proven()
}

/// The replay runs something that works.
fn passes(language: Language) -> Trap {
    faulty("passes", language)
        .replay_of("expect 5.10 total 2 10 DE")
        .replay_ends(Outcome::Passes, Outcome::Passes)
        .nothing_proven()
}

/// The failing revision has the fix already.
fn already_fixed(language: Language) -> Trap {
    let (source, (old, new)) = (language.source(), language.discount_fault());
    Trap::of_till(Family::CannotTest, "already-fixed", language)
        .with_discount_fault()
        .commit("Give the whole discount", vec![replace(source, new, old)])
        .noted(2)
        .replay_ends(Outcome::Passes, Outcome::Passes)
        .nobody_to_blame()
}
