//! Learns the ranking weights, cross-validated by culprit: `learn DATA_DIR TABLES CASES.jsonl… -- ADDRESS=PATH…`.
//! The file TABLES stores the signal tables, so that a second run only fits the weights.

use std::collections::BTreeMap;
use std::path::PathBuf;

use millwright_culprit::suspects::learn::{LabelledCase, WeightLearner};
use millwright_culprit::suspects::{RankRequest, SignalWeights, signal_table};
use millwright_evals::{EvalOptions, EvalTask, cases, repositories::Repositories};
use rayon::prelude::*;

/// View, culprit, tags, position of the culprit among the candidates, columns, candidates.
type Table = (String, String, Vec<String>, u32, Vec<(String, Vec<f32>)>, Vec<String>);

fn tables(
    data_dir: &str,
    files: &[String],
    maps: &[String],
) -> Result<Vec<Table>, Box<dyn std::error::Error>> {
    let mut out = Vec::new();
    for file in files {
        let view =
            PathBuf::from(file).file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let options = EvalOptions {
            repo_map: maps.iter().map(|map| map.parse()).collect::<Result<_, _>>()?,
            data_dir: data_dir.into(),
            ..EvalOptions::new(EvalTask::Rank, file.as_ref(), "".as_ref())
        };
        let repositories = Repositories::default();
        let cases = cases::read(&options.cases, None)?;
        let rows: Vec<Result<Option<Table>, String>> = cases
            .par_iter()
            .map(|case| {
                let resolved = repositories.resolve(case, &options)?;
                let ticket = millwright_ingest::parse(case.ticket.as_bytes());
                let table = signal_table(&RankRequest {
                    repo: &resolved.repo,
                    rules: &resolved.rules,
                    bad: &resolved.bad,
                    good: resolved.good.as_ref(),
                    ticket: &ticket,
                    executed: None,
                    extra_text: "",
                    precedents: &[],
                    weights: &SignalWeights::default(),
                })
                .map_err(|e| e.to_string())?;
                let truth = case.truth.commit.clone().unwrap_or_default();
                let Some(at) = table.commits.iter().position(|c| *c == truth) else { return Ok(None) };
                // Candidates without any signal cost time and teach nothing.
                let prior = SignalWeights::default();
                let mut scores = vec![0.0; table.commits.len()];
                for (name, values) in &table.columns {
                    for (score, value) in scores.iter_mut().zip(values) {
                        *score += prior.of(name) * value;
                    }
                }
                let mut order: Vec<usize> = (0..scores.len()).collect();
                order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
                order.truncate(150);
                if !order.contains(&at) {
                    order.push(at);
                }
                order.sort_unstable();
                let at = order.iter().position(|o| *o == at).unwrap_or(0);
                let columns = table
                    .columns
                    .iter()
                    .map(|(n, v)| (n, order.iter().map(|o| v[*o]).collect::<Vec<f64>>()))
                    .map(|(n, v)| ((*n).to_owned(), v.into_iter().map(|v| v as f32).collect()))
                    .collect();
                let commits = order.iter().map(|o| table.commits[*o].to_string()).collect();
                Ok(Some((view.clone(), truth, case.tags.clone(), at as u32, columns, commits)))
            })
            .collect();
        for row in rows {
            out.extend(row?);
        }
        eprintln!("{view}: {}", out.len());
    }
    Ok(out)
}

fn rank(scores: &[f64], at: usize) -> usize {
    1 + scores.iter().enumerate().filter(|(i, s)| **s > scores[at] || (**s == scores[at] && *i < at)).count()
}

fn report(name: &str, tables: &[Table], ranks: &[usize]) {
    let mut line = format!("{name:28}");
    let mut views: Vec<&String> = tables.iter().map(|t| &t.0).collect();
    views.dedup();
    let mut mean = 0.0;
    for view in &views {
        let r: Vec<f64> =
            tables.iter().zip(ranks).filter(|(t, _)| t.0 == **view).map(|(_, r)| *r as f64).collect();
        let ac = |k: f64| r.iter().filter(|x| **x <= k).count() as f64 / r.len() as f64;
        let mrr = r.iter().map(|x| 1.0 / x).sum::<f64>() / r.len() as f64;
        mean += mrr / views.len() as f64;
        line += &format!(" | {:.3} {:.3} {:.3}", ac(1.0), ac(5.0), mrr);
    }
    println!("{line} | mean {mean:.4}");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let split = args.iter().position(|a| a == "--").unwrap_or(args.len());
    let tables: Vec<Table> = match std::fs::read(&args[1]) {
        Ok(bytes) => postcard::from_bytes(&bytes)?,
        Err(_) => {
            let tables = tables(&args[0], &args[2..split], &args[(split + 1).min(args.len())..])?;
            std::fs::write(&args[1], postcard::to_allocvec(&tables)?)?;
            tables
        }
    };
    let mut prior = SignalWeights::default();
    for change in std::env::var("WEIGHTS").unwrap_or_default().split_whitespace() {
        let (name, value) = change.split_once('=').ok_or("NAME=WEIGHT")?;
        assert!(prior.set(name, value.parse()?), "no signal {name}");
    }
    let frozen = std::env::var("FREEZE").unwrap_or_else(|_| "named_by_later_commit".into());
    let signals: Vec<&'static str> = prior
        .iter()
        .map(|(n, _)| n)
        .filter(|n| tables[0].4.iter().any(|(m, _)| m == n))
        .filter(|n| !frozen.split(',').any(|f| f == *n))
        .collect();
    let mut per_culprit: BTreeMap<&str, f64> = BTreeMap::new();
    for t in &tables {
        *per_culprit.entry(&t.1).or_default() += 1.0;
    }
    let labelled: Vec<LabelledCase> = tables
        .iter()
        .map(|t| LabelledCase {
            columns: signals
                .iter()
                .map(|s| t.4.iter().find(|(n, _)| n == s).map(|(_, v)| v.clone()).unwrap_or_default())
                .collect(),
            culprit: t.3 as usize,
            weight: 1.0 / per_culprit[t.1.as_str()].sqrt() * if t.0.contains("java") { 2.0 } else { 1.0 },
        })
        .collect();
    let weights: Vec<f64> = signals.iter().map(|n| prior.of(n)).collect();
    let ranks = |w: &[f64]| -> Vec<usize> {
        labelled
            .par_iter()
            .map(|c| {
                let l = WeightLearner { signals: vec![], ridge: 0.0, steps: 0 };
                rank(&l.scores(c, w), c.culprit)
            })
            .collect()
    };
    report("table", &tables, &ranks(&weights));
    if std::env::var("ABLATE").is_ok() {
        for (at, name) in signals.iter().enumerate() {
            for delta in [-0.5, 0.5] {
                let mut w = weights.clone();
                w[at] += delta;
                if w[at] * prior.of(name) < 0.0 {
                    w[at] = 0.0;
                }
                report(&format!("{name} {:.2}", w[at]), &tables, &ranks(&w));
            }
        }
    }
    let fold = |culprit: &str| u32::from_str_radix(&culprit[..6], 16).unwrap_or(0) % 10;
    for ridge in std::env::var("RIDGE").unwrap_or_default().split_whitespace() {
        let learner = WeightLearner { signals: signals.clone(), ridge: ridge.parse()?, steps: 150 };
        let held: Vec<(u32, Vec<f64>)> = (0..10u32)
            .into_par_iter()
            .map(|f| {
                let train: Vec<&LabelledCase> =
                    labelled.iter().zip(&tables).filter(|(_, t)| fold(&t.1) != f).map(|(c, _)| c).collect();
                (f, learner.fit(&train, &prior))
            })
            .collect();
        let ranks_cv: Vec<usize> = labelled
            .iter()
            .zip(&tables)
            .map(|(c, t)| {
                let w = &held[fold(&t.1) as usize].1;
                rank(&learner.scores(c, w), c.culprit)
            })
            .collect();
        report(&format!("cv ridge {ridge}"), &tables, &ranks_cv);
        let all = learner.fit(&labelled.iter().collect::<Vec<_>>(), &prior);
        report(&format!("fit ridge {ridge}"), &tables, &ranks(&all));
        if std::env::var("SHOW").is_ok() {
            for (n, w) in signals.iter().zip(&all) {
                println!("    (\"{n}\", {w:.2}),");
            }
        }
    }
    Ok(())
}
