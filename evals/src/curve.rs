/*!
The effect of memory on a sequence of cases. Every case is also judged without memory, so the figures are pairs. A case is
*seen* when its culprit, or a unit of that culprit, was the truth of an earlier case. Harm is listed case by case, because a
mean hides a case that was right without memory and wrong with it.
*/

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::cases::EvalCase;
use crate::stats;

/// The results of one case with memory off and on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MemoryPair {
    /// Rank of the true culprit.
    pub(crate) off: Option<u32>,
    pub(crate) on: Option<u32>,
    pub(crate) planted: bool,
}

/// What a case has in common with earlier cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EarlierCases {
    Culprit,
    Unit,
    Nothing,
}

pub(crate) fn seen(cases: &[EvalCase]) -> Vec<EarlierCases> {
    let mut culprits: HashSet<(&str, &str)> = HashSet::new();
    let mut units: HashSet<(&str, &str)> = HashSet::new();
    let mut found = Vec::with_capacity(cases.len());
    for case in cases {
        let repo = case.repo.as_str();
        let culprit = case.truth.commit.as_deref().map(|commit| (repo, commit));
        let own: Vec<(&str, &str)> = match case.truth.symbols.is_empty() {
            true => case.truth.files.iter().map(|unit| (repo, unit.as_str())).collect(),
            false => case.truth.symbols.iter().map(|unit| (repo, unit.as_str())).collect(),
        };
        found.push(if culprit.is_some_and(|culprit| culprits.contains(&culprit)) {
            EarlierCases::Culprit
        } else if own.iter().any(|unit| units.contains(unit)) {
            EarlierCases::Unit
        } else {
            EarlierCases::Nothing
        });
        culprits.extend(culprit);
        units.extend(own);
    }
    found
}

/// The `memory` object of a task's figures.
pub(crate) fn figures(mode: &str, cases: &[EvalCase], pairs: &[MemoryPair]) -> Map<String, Value> {
    let seen = seen(cases);
    let part = |keep: &dyn Fn(usize) -> bool| {
        let kept: Vec<&MemoryPair> =
            pairs.iter().enumerate().filter(|(at, _)| keep(*at)).map(|(_, p)| p).collect();
        let side = |rank: &dyn Fn(&MemoryPair) -> Option<u32>| -> Vec<Option<u32>> {
            kept.iter().map(|pair| rank(pair)).collect()
        };
        let one = |ranks: &[Option<u32>]| {
            json!({"ac@1": stats::share(&stats::hits_within(ranks, 1)),
                   "ac@5": stats::share(&stats::hits_within(ranks, 5)),
                   "mrr": stats::mean(&stats::reciprocal_ranks(ranks))})
        };
        let gains: Vec<f64> = kept.iter().map(|pair| reciprocal(pair.on) - reciprocal(pair.off)).collect();
        json!({"cases": kept.len(), "off": one(&side(&|pair| pair.off)), "on": one(&side(&|pair| pair.on)),
               "mrr_gain": stats::mean(&gains)})
    };
    let ids = |keep: &dyn Fn(&MemoryPair) -> bool| -> Vec<&str> {
        cases.iter().zip(pairs).filter(|(_, pair)| keep(pair)).map(|(case, _)| case.id.as_str()).collect()
    };
    let of = |wanted: EarlierCases| part(&|at| seen.get(at) == Some(&wanted));
    let curve: Vec<Value> = (1..=pairs.len())
        .map(|done| {
            let mean = |rank: &dyn Fn(&MemoryPair) -> Option<u32>| {
                let sum: f64 = pairs.iter().take(done).map(|pair| reciprocal(rank(pair))).sum();
                (sum / done as f64 * 10_000.0).round() / 10_000.0
            };
            json!([done, mean(&|pair| pair.off), mean(&|pair| pair.on)])
        })
        .collect();
    let mut out = Map::new();
    out.insert("mode".into(), json!(mode));
    out.insert("all".into(), part(&|_| true));
    out.insert("seen_culprit".into(), of(EarlierCases::Culprit));
    out.insert("seen_unit".into(), of(EarlierCases::Unit));
    out.insert("unseen".into(), of(EarlierCases::Nothing));
    if pairs.iter().any(|pair| pair.planted) {
        out.insert("planted".into(), part(&|at| pairs.get(at).is_some_and(|pair| pair.planted)));
    }
    out.insert("harmed".into(), json!(ids(&|pair| pair.off == Some(1) && pair.on != Some(1))));
    out.insert("helped".into(), json!(ids(&|pair| pair.off != Some(1) && pair.on == Some(1))));
    // Number of cases so far, and mean reciprocal rank so far without and with memory.
    out.insert("curve".into(), json!(curve));
    out
}

fn reciprocal(rank: Option<u32>) -> f64 {
    rank.map_or(0.0, |rank| 1.0 / f64::from(rank.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(id: &str, commit: &str, symbol: &str) -> EvalCase {
        serde_json::from_value(json!({"id": id, "repo": "r", "bad": "b", "good": null, "ticket": "t",
            "truth": {"kind": "code_change", "commit": commit, "files": [], "symbols": [symbol]}}))
        .unwrap()
    }

    #[test]
    fn tells_help_from_harm_and_seen_from_unseen() {
        let cases = [case("a", "1", "x"), case("b", "1", "y"), case("c", "2", "x"), case("d", "3", "z")];
        assert_eq!(
            seen(&cases),
            [EarlierCases::Nothing, EarlierCases::Culprit, EarlierCases::Unit, EarlierCases::Nothing]
        );
        let pair = |off, on| MemoryPair { off, on, planted: false };
        let pairs =
            [pair(Some(1), Some(1)), pair(Some(2), Some(1)), pair(Some(4), Some(2)), pair(Some(1), None)];
        let figures = figures("sequential", &cases, &pairs);
        assert_eq!(figures["harmed"], json!(["d"]));
        assert_eq!(figures["helped"], json!(["b"]));
        assert_eq!(figures["seen_culprit"]["on"]["ac@1"]["value"], 1.0);
        assert_eq!(figures["seen_unit"]["mrr_gain"]["value"], 0.25);
        assert_eq!(figures["unseen"]["cases"], 2);
        assert_eq!(figures["curve"][1], json!([2, 0.75, 1.0]));
        assert!(!figures.contains_key("planted"));
    }
}
