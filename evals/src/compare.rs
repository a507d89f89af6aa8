/*!
`eval compare A B`: is B better than A? The comparison uses the cases that both runs judged, figure by figure and case by
case. It names the smallest difference that this number of cases can show. A figure is better or worse only when chance is an
unlikely cause; otherwise the verdict is that the runs cannot be told apart.
*/

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::EvalError;
use crate::paired::{PairedVerdict, detectable, difference, mcnemar};
use crate::results::{self, CaseResult};
use crate::stats::Figure;

/// From here on chance is not believed.
const SIGNIFICANT: f64 = 0.05;

/// One figure of both runs, on the cases that have it in both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedFigure {
    pub task: String,
    pub figure: String,
    pub cases: usize,
    pub before: f64,
    pub after: f64,
    pub difference: Figure,
    /// McNemar's exact p, for shares.
    pub p: Option<f64>,
    /// The smallest change of a share that this number of cases can show.
    pub detectable: Option<f64>,
    pub verdict: PairedVerdict,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunComparison {
    pub verdict: PairedVerdict,
    pub figures: Vec<ComparedFigure>,
    /// Right before, wrong now: by figure and case.
    pub lost: Vec<String>,
    /// Wrong before, right now.
    pub won: Vec<String>,
    /// Judged in one of the runs only.
    pub unpaired: Vec<String>,
    /// What the gate rejected.
    pub failures: Vec<String>,
}

/// What a figure is worth.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A share that should rise, and that decides.
    Share,
    /// A cost that should fall, and that does not.
    Cost,
}

type Pick = fn(&CaseResult) -> Option<f64>;

fn yes(is: bool) -> f64 {
    f64::from(u8::from(is))
}

const FIGURES: &[(&str, Kind, Pick)] = &[
    ("hit", Kind::Share, |one| Some(yes(one.hit))),
    ("verified_fix", Kind::Share, |one| {
        let fix = one.grades.as_ref()?.fix.as_ref()?;
        fix.expected.then(|| yes(fix.verified))
    }),
    ("honest", Kind::Share, |one| Some(yes(one.grades.as_ref()?.honesty.as_ref()?.overclaims.is_empty()))),
    ("safe", Kind::Share, |one| Some(yes(!one.grades.as_ref()?.harm.as_ref()?.harmful))),
    ("grounded", Kind::Share, |one| {
        let grounding = one.grades.as_ref()?.grounding.as_ref()?;
        Some(yes(grounding.held == grounding.cited))
    }),
    ("abstention", Kind::Share, |one| Some(yes(one.grades.as_ref()?.abstention?))),
    ("lines_hit", Kind::Share, |one| Some(yes(one.grades.as_ref()?.lines?.recall > 0.0))),
    ("first_rank", Kind::Share, |one| one.rank.map(|rank| yes(rank == 1))),
    ("replay_runs", Kind::Cost, |one| one.replay_runs.map(f64::from)),
    ("cost_usd", Kind::Cost, |one| Some(one.grades.as_ref()?.cost.cost_usd)),
    ("wall_ms", Kind::Cost, |one| Some(one.wall_ms as f64)),
];

/// Compares what two evals left in their folders.
///
/// # Errors
/// When results cannot be read, the gate is none, or the two have no case in common.
pub fn compare(before: &Path, after: &Path, gate: Option<&Value>) -> Result<RunComparison, EvalError> {
    let (first, second) = (results::read(before)?, results::read(after)?);
    let gate = gate.map(parse_gate).transpose()?;
    let comparison = of(&first, &second);
    if comparison.figures.is_empty() {
        return Err(EvalError::Options(format!(
            "{} and {} have no case in common; compare two runs of the same suite or file of cases",
            before.display(),
            after.display()
        )));
    }
    let failures = gate.map(|gate| gate.failures(&comparison)).unwrap_or_default();
    Ok(RunComparison { failures, ..comparison })
}

fn of(before: &[CaseResult], after: &[CaseResult]) -> RunComparison {
    let key = |one: &CaseResult| (one.task.clone(), one.id.clone());
    // A case that one run's machine could not judge does not count against either run.
    let judged = |of: &[CaseResult]| -> BTreeMap<(String, String), CaseResult> {
        of.iter().filter(|one| one.not_judged.is_none()).map(|one| (key(one), one.clone())).collect()
    };
    let (first, second) = (judged(before), judged(after));
    let mut unpaired: Vec<String> = Vec::new();
    for (task, id) in first.keys().filter(|key| !second.contains_key(*key)) {
        unpaired.push(format!("{task} {id}: only in the first"));
    }
    for (task, id) in second.keys().filter(|key| !first.contains_key(*key)) {
        unpaired.push(format!("{task} {id}: only in the second"));
    }
    let tasks: std::collections::BTreeSet<&String> = first.keys().map(|(task, _)| task).collect();
    let (mut figures, mut lost, mut won) = (Vec::new(), Vec::new(), Vec::new());
    for task in tasks {
        for (name, kind, pick) in FIGURES {
            let pairs: Vec<(&str, f64, f64)> = first
                .iter()
                .filter(|((of, _), _)| of == task)
                .filter_map(|(key, one)| Some((key.1.as_str(), pick(one)?, pick(second.get(key)?)?)))
                .collect();
            if pairs.is_empty() {
                continue;
            }
            if *kind == Kind::Share {
                lost.extend(
                    pairs.iter().filter(|(_, a, b)| a > b).map(|(id, _, _)| format!("{task} {name} {id}")),
                );
                won.extend(
                    pairs.iter().filter(|(_, a, b)| a < b).map(|(id, _, _)| format!("{task} {name} {id}")),
                );
            }
            figures.push(compared(task, name, *kind, &pairs));
        }
    }
    let decides =
        |verdict: PairedVerdict| figures.iter().any(|one| one.verdict == verdict && one.p.is_some());
    let verdict = if decides(PairedVerdict::Worse) {
        PairedVerdict::Worse
    } else if decides(PairedVerdict::Better) {
        PairedVerdict::Better
    } else {
        PairedVerdict::CannotTell
    };
    RunComparison { verdict, figures, lost, won, unpaired, failures: Vec::new() }
}

fn compared(task: &str, name: &str, kind: Kind, pairs: &[(&str, f64, f64)]) -> ComparedFigure {
    // Repeats of one case form one pair: the mean of their results.
    let mut by_case: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for (id, before, after) in pairs {
        let base = id.rsplit_once('#').map_or(*id, |(base, _)| base);
        by_case.entry(base).or_default().push((*before, *after));
    }
    let mean = |of: &[(f64, f64)], side: fn(&(f64, f64)) -> f64| {
        of.iter().map(side).sum::<f64>() / of.len().max(1) as f64
    };
    let pairs: Vec<(f64, f64)> =
        by_case.values().map(|of| (mean(of, |pair| pair.0), mean(of, |pair| pair.1))).collect();
    let lost = pairs.iter().filter(|(before, after)| before > after).count();
    let won = pairs.iter().filter(|(before, after)| before < after).count();
    let difference = difference(&pairs);
    let is_share = kind == Kind::Share;
    let p = is_share.then(|| mcnemar(lost, won));
    let verdict = match (p, difference) {
        (Some(p), _) if p >= SIGNIFICANT => PairedVerdict::CannotTell,
        (Some(_), _) if won > lost => PairedVerdict::Better,
        (Some(_), _) => PairedVerdict::Worse,
        (None, Figure { low, .. }) if low > 0.0 => PairedVerdict::Worse,
        (None, Figure { high, .. }) if high < 0.0 => PairedVerdict::Better,
        (None, _) => PairedVerdict::CannotTell,
    };
    let round = |value: f64| (value * 10_000.0).round() / 10_000.0;
    ComparedFigure {
        task: task.to_owned(),
        figure: name.to_owned(),
        cases: pairs.len(),
        before: round(mean(&pairs, |pair| pair.0)),
        after: round(mean(&pairs, |pair| pair.1)),
        difference,
        p: p.map(round),
        detectable: is_share.then(|| round(detectable(pairs.len(), lost + won))),
        verdict,
    }
}

/// `{"investigate": {"hit": {"max_drop": 0.02}, "replay_runs": {"max_rise": 1.0}}}`
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Gate(BTreeMap<String, BTreeMap<String, Tolerance>>);

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tolerance {
    max_drop: Option<f64>,
    max_rise: Option<f64>,
}

fn parse_gate(gate: &Value) -> Result<Gate, EvalError> {
    serde_json::from_value(gate.clone()).map_err(|error| {
        EvalError::Options(format!(
            "the gate cannot be read: {error}; it should look like \
             {{\"investigate\": {{\"hit\": {{\"max_drop\": 0.02}}, \"replay_runs\": {{\"max_rise\": 1.0}}}}}}"
        ))
    })
}

impl Gate {
    fn failures(&self, comparison: &RunComparison) -> Vec<String> {
        let mut out = Vec::new();
        for (task, figures) in &self.0 {
            for (name, tolerance) in figures {
                let found = comparison.figures.iter().find(|one| one.task == *task && one.figure == *name);
                let Some(found) = found else {
                    out.push(format!("{task}.{name} is not among the figures that were compared"));
                    continue;
                };
                let change = found.difference.value;
                if let Some(most) = tolerance.max_drop.filter(|most| -change > *most) {
                    out.push(format!("{task}.{name} fell by {:.4}, allowed is at most {most}", -change));
                }
                if let Some(most) = tolerance.max_rise.filter(|most| change > *most) {
                    out.push(format!("{task}.{name} rose by {change:.4}, allowed is at most {most}"));
                }
            }
        }
        out
    }
}

impl RunComparison {
    /// Whether the second run must not replace the first.
    pub fn fails(&self) -> bool {
        self.verdict == PairedVerdict::Worse || !self.failures.is_empty()
    }

    /// For a terminal and for a pull request alike.
    pub fn in_markdown(&self) -> String {
        let mut out = format!(
            "**{}**\n\n",
            match self.verdict {
                PairedVerdict::Better => "Better",
                PairedVerdict::Worse => "Worse",
                PairedVerdict::CannotTell => "Cannot tell",
            }
        );
        out.push_str("| task | figure | cases | before | after | difference (95 %) | p | detectable | |\n|---|---|---|---|---|---|---|---|---|\n");
        for one in &self.figures {
            let number = |value: Option<f64>| value.map(|value| format!("{value:.3}")).unwrap_or_default();
            out.push_str(&format!(
                "| {} | {} | {} | {:.3} | {:.3} | {:+.3} ({:+.3} to {:+.3}) | {} | {} | {} |\n",
                one.task,
                one.figure,
                one.cases,
                one.before,
                one.after,
                one.difference.value,
                one.difference.low,
                one.difference.high,
                number(one.p),
                number(one.detectable),
                one.verdict.in_words()
            ));
        }
        for (heading, list) in [
            ("Right before, wrong now", &self.lost),
            ("Wrong before, right now", &self.won),
            ("Not in both", &self.unpaired),
            ("Not allowed by the gate", &self.failures),
        ] {
            if !list.is_empty() {
                out.push_str(&format!("\n{heading}:\n\n"));
                list.iter().take(200).for_each(|one| out.push_str(&format!("- {one}\n")));
                if list.len() > 200 {
                    out.push_str(&format!("- and {} more\n", list.len() - 200));
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(hits: &[bool], replays: u32) -> Vec<CaseResult> {
        let one = |(number, hit): (usize, &bool)| CaseResult {
            hit: *hit,
            replay_runs: Some(replays),
            not_judged: None,
            ..CaseResult::not(&format!("c{number}"), "investigate", String::new())
        };
        hits.iter().enumerate().map(one).collect()
    }

    fn gate(of: Value, comparison: &RunComparison) -> Vec<String> {
        parse_gate(&of).unwrap().failures(comparison)
    }

    #[test]
    fn says_better_worse_and_cannot_tell_and_names_the_cases() {
        let (all, few) = ([true; 20], [false; 20]);
        let mut some = all;
        some[3] = false;
        assert_eq!(of(&run(&few, 4), &run(&all, 4)).verdict, PairedVerdict::Better);
        let worse = of(&run(&all, 4), &run(&few, 4));
        assert_eq!((worse.verdict, worse.fails()), (PairedVerdict::Worse, true));
        let one = of(&run(&all, 4), &run(&some, 4));
        assert_eq!(
            (one.verdict, one.lost.as_slice()),
            (PairedVerdict::CannotTell, ["investigate hit c3".to_owned()].as_slice())
        );
        assert!(!one.fails());
        let hit = &one.figures[0];
        assert!(hit.detectable.unwrap() > 0.1 && hit.difference.value == -0.05);
        // A difference in cost alone decides nothing.
        let dear = of(&run(&all, 4), &run(&all, 9));
        assert_eq!(dear.verdict, PairedVerdict::CannotTell);
        assert!(dear.figures.iter().any(|f| f.figure == "replay_runs" && f.verdict == PairedVerdict::Worse));
    }

    #[test]
    fn a_gate_allows_what_it_says_and_no_more() {
        let mut some = [true; 20];
        some[3] = false;
        let one = of(&run(&[true; 20], 4), &run(&some, 6));
        assert!(gate(json!({"investigate": {"hit": {"max_drop": 0.05}}}), &one).is_empty());
        let failures = gate(
            json!({"investigate": {"hit": {"max_drop": 0.04}, "replay_runs": {"max_rise": 1.0}, "hits": {"max_drop": 0}}}),
            &one,
        );
        assert_eq!(failures.len(), 3, "{failures:?}");
        assert!(parse_gate(&json!({"investigate": {"hit": {"drop": 1}}})).is_err());
    }

    #[test]
    fn what_one_side_could_not_judge_is_not_held_against_the_other() {
        let mut after = run(&[true; 3], 4);
        after[1].not_judged = Some("no python3".into());
        after[1].hit = false;
        let compared = of(&run(&[true; 3], 4), &after);
        assert_eq!(compared.figures[0].cases, 2);
        assert_eq!(compared.unpaired, ["investigate c1: only in the first"]);
    }
}
