/*!
`summary.json`: one key per task, with every figure and its interval. The figures are given overall, by repository, by tag
and by the absence of a tag, because pooled scores can hide opposite effects.
*/

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::EvalError;
use crate::stats;

/// The figures of one or more tasks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EvalSummary(pub Map<String, Value>);

/// The data of one case for figures of case groups.
#[derive(Debug, Clone)]
pub struct CaseSample<'a> {
    pub repo: &'a str,
    pub tags: &'a [String],
    /// The index of this sample in the caller's data.
    pub at: usize,
}

/// Computes `figures` over all samples, with `by_repo` and `by_tag` (`!tag` for the cases without it) over parts of them.
pub fn grouped(
    samples: &[CaseSample<'_>],
    figures: impl Fn(&[usize]) -> Map<String, Value>,
) -> Map<String, Value> {
    let all: Vec<usize> = samples.iter().map(|sample| sample.at).collect();
    let mut out = figures(&all);
    let mut by_repo: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for sample in samples {
        by_repo.entry(sample.repo).or_default().push(sample.at);
    }
    let mut by_tag: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let tags: BTreeSet<&String> = samples.iter().flat_map(|sample| sample.tags).collect();
    for tag in tags {
        for sample in samples {
            let name = if sample.tags.contains(tag) { tag.clone() } else { format!("!{tag}") };
            by_tag.entry(name).or_default().push(sample.at);
        }
    }
    let part = |(name, samples): (String, Vec<usize>)| (name, Value::Object(figures(&samples)));
    let by_repo = by_repo.into_iter().map(|(name, samples)| part((name.to_owned(), samples)));
    out.insert("by_repo".into(), Value::Object(by_repo.collect()));
    out.insert("by_tag".into(), Value::Object(by_tag.into_iter().map(part).collect()));
    out
}

/// `ac@1`, `ac@3`, `ac@5`, `ac@10` and `mrr` of 1-based ranks.
pub fn rank_figures(ranks: &[Option<u32>]) -> Map<String, Value> {
    let mut out = Map::new();
    for k in [1, 3, 5, 10] {
        out.insert(format!("ac@{k}"), json!(stats::share(&stats::hits_within(ranks, k))));
    }
    out.insert("mrr".into(), json!(stats::mean(&stats::reciprocal_ranks(ranks))));
    out
}

impl EvalSummary {
    /// A summary of one task from its figures.
    pub(crate) fn of(task: &str, figures: &impl serde::Serialize) -> Result<Self, EvalError> {
        let figures = serde_json::to_value(figures).map_err(|error| EvalError::Options(error.to_string()))?;
        Ok(Self(Map::from_iter([(task.to_owned(), figures)])))
    }

    /// Writes `summary.json` atomically.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), EvalError> {
        let io = |action| {
            let path = path.to_owned();
            move |source| EvalError::Io { action, path, source }
        };
        let text =
            serde_json::to_vec_pretty(&self.0).map_err(std::io::Error::other).map_err(io("encoding"))?;
        let beside = path.with_extension("json.part");
        std::fs::write(&beside, text).map_err(io("writing"))?;
        std::fs::rename(&beside, path).map_err(io("renaming"))
    }

    /// The figures that miss `gate`, one line each; empty when the gate holds. `gate` has the shape of the summary. Its
    /// numbers are minimum values (`{"rank": {"mrr": 0.7}}`), and `{"at_most": 0.1}` in place of a number is a maximum.
    pub fn gate(&self, gate: &Value) -> Vec<String> {
        let mut failures = Vec::new();
        compare("", gate, &Value::Object(self.0.clone()), &mut failures);
        failures
    }
}

fn compare(at: &str, wanted: &Value, have: &Value, failures: &mut Vec<String>) {
    let value = have.get("value").unwrap_or(have).as_f64();
    match wanted {
        Value::Object(parts) if parts.len() == 1 && parts.contains_key("at_most") => {
            match (value, parts.get("at_most").and_then(Value::as_f64)) {
                (Some(value), Some(most)) if value <= most => {}
                (Some(value), Some(most)) => {
                    failures.push(format!("{at} is {value}, expected at most {most}"))
                }
                (None, _) => failures.push(format!("{at} is not among the figures")),
                (_, None) => failures.push(format!("{at} of the gate is not a number")),
            }
        }
        Value::Object(parts) => {
            for (name, wanted) in parts {
                let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                compare(&path, wanted, have.get(name).unwrap_or(&Value::Null), failures);
            }
        }
        Value::Number(least) => match (value, least.as_f64()) {
            (Some(value), Some(least)) if value >= least => {}
            (Some(value), Some(least)) => {
                failures.push(format!("{at} is {value}, expected at least {least}"))
            }
            _ => failures.push(format!("{at} is not among the figures")),
        },
        _ => failures.push(format!("{at} of the gate is not a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_by_repository_tag_and_absence_of_a_tag() {
        let tags = [vec!["x".to_owned()], vec![]];
        let samples: Vec<CaseSample<'_>> = [("r", 0), ("s", 1)]
            .iter()
            .map(|(repo, at)| CaseSample { repo, tags: &tags[*at], at: *at })
            .collect();
        let ranks = [Some(1), None];
        let out = grouped(&samples, |of| {
            let mut figures = rank_figures(&of.iter().map(|at| ranks[*at]).collect::<Vec<_>>());
            figures.insert("cases".into(), json!(of.len()));
            figures
        });
        assert_eq!(out["cases"], 2);
        assert_eq!(out["mrr"]["value"], 0.5);
        assert_eq!(out["by_repo"]["r"]["mrr"]["value"], 1.0);
        assert_eq!(out["by_tag"]["x"]["ac@1"]["value"], 1.0);
        assert_eq!(out["by_tag"]["!x"]["ac@1"]["value"], 0.0);
        let summary = EvalSummary(Map::from_iter([("rank".to_owned(), Value::Object(out))]));
        assert!(summary.gate(&json!({"rank": {"mrr": 0.5, "by_tag": {"x": {"ac@1": 1}}}})).is_empty());
        insta::assert_snapshot!(
            summary.gate(&json!({"rank": {"mrr": 0.6, "mmr": 0.1}})).join("; "),
            @"rank.mrr is 0.5, expected at least 0.6; rank.mmr is not among the figures"
        );
        assert!(summary.gate(&json!({"rank": {"mrr": {"at_most": 0.5}}})).is_empty());
        insta::assert_snapshot!(
            summary.gate(&json!({"rank": {"mrr": {"at_most": 0.4}, "mmr": {"at_most": 1}}})).join("; "),
            @"rank.mrr is 0.5, expected at most 0.4; rank.mmr is not among the figures"
        );
    }
}
