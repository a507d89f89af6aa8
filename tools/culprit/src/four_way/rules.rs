/*!
Decides what four observations of one input say about a fix. Pure; no other module decides this. P, C, B and F are the
outputs of the culprit's parent, the culprit, the failing revision and the fixed code.

- P = C: the culprit does not matter here, so the fix must not change the failing revision's behaviour (F = B).
- P ≠ C and C = B: the culprit's change still holds here, so the fix must restore the parent's behaviour (F = P).
- Otherwise later commits changed the behaviour as well, and the input decides nothing.

C = B does not prove that later commits left the restored behaviour alone: they may have changed something that shows
only without the culprit (a message's format, for example). So F different from both P and C counts only if no other
input shows that later commits change P's output in the same way where the culprit does not matter.

A whole revert has no other excuse in the second case. A partial revert or a patch may rightly keep the behaviour that
the culprit was meant to add: F = C *keeps the new behaviour* and decides nothing, unless the culprit crashes or hangs
there and the parent does not (a crash is not a feature). F different from both P and C contradicts, unless the other
inputs show that it is the old behaviour plus the new feature. There are three such cases: all lines of F are lines of
P or C; F differs from P exactly as C does elsewhere where the patch keeps C's behaviour; or P and C both fail where F
does not. Finally, a patch is made for the replay's input alone if it restores that input (and hardly any other) while
three or more neighbours still differ in the way the failure does.
*/

use serde::{Deserialize, Serialize};

use super::normalise::ComparableObservation;
use super::types::{CheckedFixKind, ExecutionEnding};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InputRule {
    /// The culprit does not change the behaviour on this input, and neither may the fix.
    Unaffected,
    /// The culprit changed the behaviour, and the fix must restore it.
    Restored,
    /// A patch keeps the culprit's behaviour; decides nothing.
    KeepsNewBehaviour,
    /// A patch restores the replay's own input and none of its neighbours.
    OnlyTheReplay,
    /// Later commits changed the behaviour, or an output varies by itself.
    Undecided,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FourWayRuling {
    Holds(InputRule),
    Contradicts(InputRule),
    /// The fix differs from the parent and from the culprit; the other inputs decide.
    Suspect,
    Keeps,
    Undecided,
}

/// The four sides of one input.
#[derive(Debug, Clone)]
pub(super) struct FourSides {
    pub(super) parent: ComparableObservation,
    pub(super) culprit: ComparableObservation,
    pub(super) bad: ComparableObservation,
    pub(super) fixed: ComparableObservation,
}

pub(super) fn rule(sides: &FourSides, kind: CheckedFixKind, is_original: bool) -> FourWayRuling {
    let FourSides { parent, culprit, bad, fixed } = sides;
    if parent == culprit {
        return match (fixed == bad, is_broken(parent)) {
            (true, true) => FourWayRuling::Undecided,
            (false, true) if is_broken(bad) => FourWayRuling::Undecided,
            (true, false) => FourWayRuling::Holds(InputRule::Unaffected),
            (false, _) => FourWayRuling::Contradicts(InputRule::Unaffected),
        };
    }
    // A parent that cannot run the input (because it lacks a function, for example) is not an oracle for it.
    if culprit != bad || is_broken(parent) {
        return FourWayRuling::Undecided;
    }
    if fixed == parent {
        return FourWayRuling::Holds(InputRule::Restored);
    }
    if kind == CheckedFixKind::Revert {
        return if fixed == culprit {
            FourWayRuling::Contradicts(InputRule::Restored)
        } else {
            FourWayRuling::Suspect
        };
    }
    if fixed == culprit {
        return match (is_crash(culprit) && !is_crash(parent), is_original) {
            (true, _) => FourWayRuling::Contradicts(InputRule::Restored),
            (false, true) => FourWayRuling::Undecided,
            (false, false) => FourWayRuling::Keeps,
        };
    }
    // Parent and culprit fail on the input and the fixed code accepts it: perhaps the fix together with the new
    // feature.
    let fails = |seen: &ComparableObservation| seen.ending != ExecutionEnding::Status(0);
    let accepted = fails(parent) && fails(culprit) && !fails(fixed) && !is_original;
    if accepted || is_mixture(fixed, parent, culprit) { FourWayRuling::Keeps } else { FourWayRuling::Suspect }
}

/// Whether an execution shows only that the script itself does not work, and nothing that a program computed.
pub(super) fn is_broken(seen: &ComparableObservation) -> bool {
    const SIGNS: [&str; 42] = [
        "SyntaxError",
        "syntax error",
        "Syntax error",
        "unexpected token",
        "Unexpected token",
        "ModuleNotFoundError",
        "Cannot find module",
        "cannot load such file",
        "LoadError",
        "ImportError",
        "command not found",
        ": not found",
        "is not defined",
        "IndentationError",
        "parse error",
        "Parse error",
        "undefined local variable",
        "has no attribute",
        "is not a function",
        "undefined method",
        "Can't locate",
        "Undefined subroutine",
        "undefined function",
        "undeclared",
        "cannot find symbol",
        "undefined reference",
        "undefined: ",
        "unterminated",
        "Unterminated",
        "unmatched",
        "No such file or directory",
        "Cannot find package",
        "implicit declaration",
        "compilation terminated",
        "incompatible types",
        "Global symbol",
        "Can't find string terminator",
        "error: expected",
        "EOFError: EOF",
        "implicitly declaring",
        "unknown type name",
        "fatal error:",
    ];
    match seen.ending {
        ExecutionEnding::Status(0) => false,
        // 125 means that a script cannot test, as for `git bisect run`.
        ExecutionEnding::Status(125..=127) => true,
        ExecutionEnding::Status(_) => {
            // Messages of null dereferences mention methods and attributes as well, but those are behaviour.
            let null = ["NoneType", "nil:", "of undefined", "of null", "for nil"]
                .iter()
                .any(|sign| seen.output.contains(sign));
            !null && SIGNS.iter().any(|sign| seen.output.contains(sign))
        }
        // The execution was cut off, so its full output is unknown.
        ExecutionEnding::TimedOut | ExecutionEnding::Limit => true,
        ExecutionEnding::Signal(_) => false,
    }
}

/// Endings that no feature has: signals, hangs, sanitizer reports, null dereferences.
pub(super) fn is_crash(seen: &ComparableObservation) -> bool {
    const SIGNS: [&str; 12] = [
        "AddressSanitizer",
        "UndefinedBehaviorSanitizer",
        "Segmentation fault",
        "NullPointerException",
        "NoneType",
        "Cannot read properties of",
        "for nil:NilClass",
        "for nil",
        "nil pointer dereference",
        "Maximum call stack",
        "RecursionError",
        "StackOverflowError",
    ];
    match seen.ending {
        ExecutionEnding::TimedOut | ExecutionEnding::Limit => true,
        ExecutionEnding::Status(0) => seen.output.contains("exit 139") || seen.output.contains("exit 134"),
        ExecutionEnding::Status(132 | 134 | 135 | 136 | 139) | ExecutionEnding::Signal(_) => true,
        ExecutionEnding::Status(_) => SIGNS.iter().any(|sign| seen.output.contains(sign)),
    }
}

/// Whether every line of the fix is the parent's or the culprit's, and the fix does not merely leave out lines of
/// both.
fn is_mixture(
    fixed: &ComparableObservation,
    parent: &ComparableObservation,
    culprit: &ComparableObservation,
) -> bool {
    let lines = |seen: &ComparableObservation| seen.output.lines().map(str::to_owned).collect::<Vec<_>>();
    let (f, p, c) = (lines(fixed), lines(parent), lines(culprit));
    let ending = fixed.ending == parent.ending || fixed.ending == culprit.ending;
    let files = fixed.files.iter().all(|file| parent.files.contains(file) || culprit.files.contains(file));
    let short = p.len().min(c.len()).max(2);
    ending && files && f.len() >= short && f.iter().all(|line| p.contains(line) || c.contains(line))
}

/// Whether the fix's output may be the parent's output as later commits reworded it. The culprit fails on this input,
/// so nothing shows what later commits changed. Most lines must be the same, and the others must contain the same
/// numbers.
pub(super) fn may_be_later_words(sides: &FourSides) -> bool {
    /// An output with fewer lines cannot be recognised.
    const FEWEST: usize = 3;
    let FourSides { parent, culprit, bad, fixed } = sides;
    let ended_well = |seen: &ComparableObservation| seen.ending == ExecutionEnding::Status(0);
    let hidden = !ended_well(culprit) && !ended_well(bad) && ended_well(parent) && ended_well(fixed);
    let (before, after): (Vec<&str>, Vec<&str>) =
        (parent.output.lines().collect(), fixed.output.lines().collect());
    if !hidden || before.len() < FEWEST || before.len() != after.len() || parent.files != fixed.files {
        return false;
    }
    let same = before.iter().zip(&after).filter(|(a, b)| a == b).count();
    same * 2 >= before.len() && before.iter().zip(&after).all(|(a, b)| a == b || holds_numbers(a, b))
}

/// Whether `other` contains the numbers of `line`, in order.
fn holds_numbers(line: &str, other: &str) -> bool {
    let numbers = |text: &str| -> Vec<String> {
        let parts = text.split(|c: char| !c.is_ascii_digit());
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let mut left = numbers(other).into_iter();
    numbers(line).into_iter().all(|number| left.any(|other| other == number))
}

impl DifferenceShape {
    /// Whether one may be the other plus a part that is specific to its input.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let same = |a: &[String], b: &[String]| !a.is_empty() && a == b;
        self == other
            || (self.endings == other.endings
                && (same(&self.added, &other.added) || same(&self.removed, &other.removed)))
    }
}

/// How two outputs differ: the words removed and added, with all digits made equal. Differences of the same shape are
/// likely the same change of behaviour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DifferenceShape {
    removed: Vec<String>,
    added: Vec<String>,
    endings: (ExecutionEnding, ExecutionEnding),
}

pub(super) fn difference_shape(from: &ComparableObservation, to: &ComparableObservation) -> DifferenceShape {
    let (a, b) = (words(&from.output), words(&to.output));
    let head = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let most = a.len().min(b.len()) - head;
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count().min(most);
    let cut = |words: &[String]| {
        let kept = words.get(head..words.len() - tail).unwrap_or_default();
        kept.iter().take(40).cloned().collect::<Vec<_>>()
    };
    DifferenceShape { removed: cut(&a), added: cut(&b), endings: (from.ending, to.ending) }
}

fn words(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut last = ' ';
    for c in text.chars().take(20_000) {
        let class = if c.is_ascii_digit() {
            '9'
        } else if c.is_alphanumeric() {
            'a'
        } else {
            c
        };
        match found.last_mut() {
            Some(word) if class == last && class.is_alphanumeric() => {
                if class != '9' {
                    word.push(c);
                }
            }
            _ => found.push(if class == '9' { "9".to_owned() } else { c.to_string() }),
        }
        last = class;
    }
    found
}
