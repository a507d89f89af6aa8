/*!
The replay fails in another way than the ticket says: another exception, another message, another test. That failure began at
an innocent commit, which a bisect by exit status alone would blame. The failure of the ticket has another culprit.
*/

use super::TrapFamily;
use super::crash::{Crash, crash};
use super::program::TrapLanguage;
use super::trap::{Trap, TrapOutcome, replace};

pub(super) fn traps() -> Vec<Trap> {
    vec![other_exception_node(), other_exception_java(), other_message_perl(), other_test_python()]
}

/// `innocent` is a commit before the culprit that makes the replay fail in its own way.
fn trap(name: &str, language: TrapLanguage, innocent: (&str, &str, &str), replay: &str) -> Trap {
    let Crash { line, ticket, .. } = crash(language);
    let (subject, old, new) = innocent;
    let source = language.source();
    Trap::of_till(TrapFamily::OtherFailure, name, language)
        .commit(subject, vec![replace(source, old, new)])
        .noted(3)
        .culprit("Look postage up directly", vec![replace(source, line.0, line.1)])
        .noted(4)
        .ticket("Orders to Switzerland crash", ticket)
        .replay(replay)
        .replay_ends(TrapOutcome::Fails, TrapOutcome::Passes)
        .right_fix(vec![replace(source, line.1, line.0)])
        .nothing_proven()
}

fn other_exception_node() -> Trap {
    trap(
        "other-exception",
        TrapLanguage::Node,
        (
            "Log what is printed",
            "    console.log(money(amount + postage(rest[2])));",
            "    logger.info('total');\n    console.log(money(amount + postage(rest[2])));",
        ),
        "node till.js total 1 100 CH",
    )
    .true_replay("node -e \"require('./till.js').postage('CH')\"")
    .check("node -e \"if (require('./till.js').postage('CH') !== 1490) throw new Error('postage')\"")
}

fn other_exception_java() -> Trap {
    let build = "javac -J-XX:TieredStopAtLevel=1 -d out Till.java && ";
    trap(
        "other-exception",
        TrapLanguage::Java,
        ("Cut labels in one step", "name.substring(0, Math.min(12, name.length()))", "name.substring(0, 12)"),
        &format!("{build}java -cp out Till label Ada"),
    )
    .true_replay(&format!("{build}java -cp out Till total 1 100 CH"))
    .check(&format!("{build}[ \"$(java -cp out Till total 1 100 CH)\" = 15.90 ]"))
}

fn other_message_perl() -> Trap {
    trap(
        "other-message",
        TrapLanguage::Perl,
        (
            "Share the net among pieces",
            "    return $quantity * $cents;",
            "    return $quantity * $cents / int($cents / 1000) * int($cents / 1000);",
        ),
        "perl till.pl total 1 100 CH",
    )
    .true_replay("perl -Ilib -MTill -e 'Till::postage(\"CH\")'")
    .check("[ \"$(perl -Ilib -MTill -e 'print Till::postage(\"CH\")')\" = 1490 ]")
}

/// The ticket names one test; the replay runs another one, which fails because of another commit.
fn other_test_python() -> Trap {
    trap(
        "other-test",
        TrapLanguage::Python,
        ("Cut labels for the new printer", "return name[:12]", "return name[:10]"),
        "python3 -m unittest tests.test_till.TillTest.test_labels_are_cut",
    )
    .true_replay("python3 till.py total 1 100 CH")
    .check("[ \"$(python3 till.py total 1 100 CH)\" = 15.90 ]")
}
