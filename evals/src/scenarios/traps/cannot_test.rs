/*!
The replay cannot tell the good revision from the failing one: it fails at both in the same way, or passes at both. So it
neither proves nor clears any commit.
*/

use super::TrapFamily;
use super::program::{EXPECT, TrapLanguage};
use super::trap::{Trap, TrapOutcome, replace};

pub(super) fn traps() -> Vec<Trap> {
    vec![
        broken("typo", TrapLanguage::Sh, "sh til.sh total 100 200 DE | grep -x 184.90"),
        broken(
            "missing-data",
            TrapLanguage::Python,
            "set -e; cat orders.txt; python3 till.py total $(cat orders.txt)",
        ),
        never_right(),
        broken("missing-source", TrapLanguage::C, "cc -o repro repro.c till.c && ./repro"),
        passes(TrapLanguage::Perl),
        passes(TrapLanguage::Awk),
        already_fixed(TrapLanguage::Python),
        already_fixed(TrapLanguage::Sh),
    ]
}

/// The command itself fails, at every revision.
fn broken(name: &str, language: TrapLanguage, command: &str) -> Trap {
    faulty(name, language)
        .replay(command)
        .replay_ends(TrapOutcome::DoesNotPass, TrapOutcome::DoesNotPass)
        .nothing_proven()
}

fn faulty(name: &str, language: TrapLanguage) -> Trap {
    Trap::of_till(TrapFamily::CannotTest, name, language)
        .with_discount_fault()
        .true_replay(&format!("{}{EXPECT}expect 184.90 total 100 200 DE", language.shell()))
}

/// The program never printed what the replay expects, so the replay fails before the fault as well.
fn never_right() -> Trap {
    faulty("never-right", TrapLanguage::Node)
        .replay("node till.js total 100 200 DE | grep -qx 'EUR 184.90'")
        .replay_ends(TrapOutcome::Fails, TrapOutcome::Fails)
        .nothing_proven()
}

/// The replay runs something that works.
fn passes(language: TrapLanguage) -> Trap {
    faulty("passes", language)
        .replay_of("expect 5.10 total 2 10 DE")
        .replay_ends(TrapOutcome::Passes, TrapOutcome::Passes)
        .nothing_proven()
}

/// The failing revision already contains the fix.
fn already_fixed(language: TrapLanguage) -> Trap {
    let (source, (old, new)) = (language.source(), language.discount_fault());
    Trap::of_till(TrapFamily::CannotTest, "already-fixed", language)
        .with_discount_fault()
        .commit("Give the whole discount", vec![replace(source, new, old)])
        .noted(2)
        .replay_ends(TrapOutcome::Passes, TrapOutcome::Passes)
        .nobody_to_blame()
}
