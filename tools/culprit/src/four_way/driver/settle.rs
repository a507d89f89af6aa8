/*!
Decides what only all inputs together can show: whether a fix that differs from both sides is the old behaviour plus
the changes of later commits, and whether a patch was made for the replay's own input alone. Then sums up the result.
*/

use std::collections::HashSet;

use super::super::normalise::ComparableObservation;
use super::super::rules::{DifferenceShape, FourWayRuling, InputRule, difference_shape, may_be_later_words};
use super::super::types::{FourWayExample, FourWayOutcome, InputChange};
use super::{FourWayDriver, SettledInput};

impl FourWayDriver<'_> {
    /// Decides what only all inputs together can show, and sums up the result.
    pub(super) fn finish(mut self) -> FourWayOutcome {
        self.settle_suspects();
        self.settle_only_the_replay();
        let own_shape = self.own_shape();
        let mut outcome = std::mem::take(&mut self.outcome);
        outcome.inputs = self.settled.len();
        let mut held = Vec::new();
        // Five inputs that all end in the same message are one piece of evidence.
        let mut shown: HashSet<(ComparableObservation, ComparableObservation)> = HashSet::new();
        for SettledInput { input, sides, ruling } in self.settled {
            let is_original = input.change == InputChange::Original;
            let example = |rule: InputRule| FourWayExample {
                input: input.clone(),
                rule,
                parent: excerpt(&sides.parent),
                culprit: excerpt(&sides.culprit),
                bad: excerpt(&sides.bad),
                fixed: excerpt(&sides.fixed),
            };
            match ruling {
                FourWayRuling::Contradicts(rule) => {
                    outcome.deciding += 1;
                    outcome.contradicted += 1;
                    outcome.examples.push(example(rule));
                }
                FourWayRuling::Holds(_) if !shown.insert((sides.parent.clone(), sides.culprit.clone())) => {
                    outcome.undecided += 1;
                }
                FourWayRuling::Holds(rule) => {
                    outcome.deciding += 1;
                    held.push(example(rule));
                    if rule == InputRule::Restored && !is_original {
                        outcome.on_purpose.push(example(rule));
                    }
                }
                FourWayRuling::Keeps => {
                    outcome.undecided += 1;
                    let alike = own_shape
                        .as_ref()
                        .is_some_and(|own| *own == difference_shape(&sides.parent, &sides.culprit));
                    outcome.kept_alike += usize::from(alike && !input.singular);
                    outcome.kept.push(example(InputRule::KeepsNewBehaviour));
                }
                FourWayRuling::Suspect | FourWayRuling::Undecided => outcome.undecided += 1,
            }
        }
        outcome.examples.extend(held);
        outcome
    }

    fn own_shape(&self) -> Option<DifferenceShape> {
        let own = self.settled.iter().find(|settled| settled.input.change == InputChange::Original)?;
        Some(difference_shape(&own.sides.parent, &own.sides.culprit))
    }

    /// A fix that differs from both sides is right if its behaviour is the old one plus changes of later commits, or
    /// plus the part of the new behaviour that a patch keeps.
    fn settle_suspects(&mut self) {
        let kept: Vec<DifferenceShape> = self
            .settled
            .iter()
            .filter(|settled| {
                settled.ruling == FourWayRuling::Keeps && settled.sides.fixed == settled.sides.culprit
            })
            .map(|settled| difference_shape(&settled.sides.parent, &settled.sides.culprit))
            .collect();
        // Changes by later commits on inputs where the culprit does not matter.
        let later: Vec<DifferenceShape> = self
            .settled
            .iter()
            .filter(|settled| {
                settled.sides.parent == settled.sides.culprit && settled.sides.bad != settled.sides.parent
            })
            .map(|settled| difference_shape(&settled.sides.parent, &settled.sides.bad))
            .collect();
        for settled in self.settled.iter_mut().filter(|settled| settled.ruling == FourWayRuling::Suspect) {
            if may_be_later_words(&settled.sides) {
                settled.ruling = FourWayRuling::Undecided;
                continue;
            }
            let own = difference_shape(&settled.sides.parent, &settled.sides.fixed);
            if later.iter().any(|shape| shape.is_like(&own)) {
                settled.ruling = FourWayRuling::Undecided;
                continue;
            }
            settled.ruling = if kept.contains(&own) {
                FourWayRuling::Keeps
            } else {
                FourWayRuling::Contradicts(InputRule::Restored)
            };
        }
    }

    /// Detects a patch made for the replay's own input: it restores no neighbour, or hardly any.
    fn settle_only_the_replay(&mut self) {
        const NEIGHBOURS: usize = 3;
        let Some(own) = self.own_shape() else { return };
        let restored = |settled: &&SettledInput| {
            settled.ruling == FourWayRuling::Holds(InputRule::Restored)
                && settled.input.change != InputChange::Original
        };
        let alike = |settled: &SettledInput| {
            settled.ruling == FourWayRuling::Keeps
                && !settled.input.singular
                && settled.sides.fixed == settled.sides.culprit
                && difference_shape(&settled.sides.parent, &settled.sides.culprit) == own
        };
        let own_holds = self.settled.iter().any(|settled| {
            settled.input.change == InputChange::Original
                && settled.ruling == FourWayRuling::Holds(InputRule::Restored)
        });
        let unrestored = self.settled.iter().filter(|settled| alike(settled)).count();
        let restored = self.settled.iter().filter(restored).count();
        if !own_holds || unrestored < NEIGHBOURS || unrestored <= 2 * restored {
            return;
        }
        for settled in &mut self.settled {
            if alike(settled) {
                settled.ruling = FourWayRuling::Contradicts(InputRule::OnlyTheReplay);
            }
        }
    }
}

/// Shortens an output: its end matters most, and its start identifies it.
fn excerpt(seen: &ComparableObservation) -> String {
    const LONGEST: usize = 400;
    let text = seen.output.trim();
    let chars: Vec<char> = text.chars().collect();
    let shown: String = if chars.len() <= LONGEST {
        text.to_owned()
    } else {
        let head: String = chars.iter().take(LONGEST / 2).collect();
        let tail: String = chars.iter().skip(chars.len() - LONGEST / 2).collect();
        format!("{head} … {tail}")
    };
    let files =
        if seen.files.is_empty() { String::new() } else { format!(", {} files written", seen.files.len()) };
    format!("{shown} ({}{files})", seen.ending)
}
