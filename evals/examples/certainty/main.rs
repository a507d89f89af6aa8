//! Measures how confident the ranking is and whether it is right: `certainty DATA_DIR CASES.jsonl… -- ADDRESS=PATH…` prints
//! one JSON object per case. In a case without a culprit, no commit explains the failure.

use millwright_culprit::suspects::{RankRequest, SignalWeights, rank};
use millwright_evals::{EvalOptions, EvalTask, cases, repositories::Repositories};
use rayon::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let split = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let (data_dir, files) = args.get(..split).and_then(|own| own.split_first()).ok_or("DATA_DIR CASES…")?;
    let maps = args.get(split + 1..).unwrap_or_default();
    let weights = SignalWeights::default();
    for file in files {
        let options = EvalOptions {
            repo_map: maps.iter().map(|map| map.parse()).collect::<Result<_, _>>()?,
            data_dir: data_dir.into(),
            ..EvalOptions::new(EvalTask::Rank, file.as_ref(), "".as_ref())
        };
        let repositories = Repositories::default();
        let cases = cases::read(&options.cases, None)?;
        let rows: Vec<Result<serde_json::Value, String>> = cases
            .par_iter()
            .map(|case| {
                let resolved = repositories.resolve(case, &options)?;
                let ticket = millwright_ingest::parse(case.ticket.as_bytes());
                let ranking = rank(&RankRequest {
                    repo: &resolved.repo,
                    rules: &resolved.rules,
                    bad: &resolved.bad,
                    good: resolved.good.as_ref(),
                    ticket: &ticket,
                    executed: None,
                    extra_text: "",
                    precedents: &[],
                    weights: &weights,
                })
                .map_err(|error| error.to_string())?;
                let place = case.truth.commit.as_ref().and_then(|truth| {
                    ranking.commits.iter().position(|ranked| ranked.commit == *truth).map(|at| at + 1)
                });
                let first = ranking.suspects.first();
                Ok(serde_json::json!({
                    "id": case.id, "rank": place, "has_cause": case.truth.commit.is_some(),
                    "candidates": ranking.commits.len(),
                    "p": ranking.commits.first().map(|ranked| ranked.probability),
                    "in_range": ranking.commits.iter().map(|ranked| ranked.probability).sum::<f64>(),
                    "top": first,
                    "evidence": ranking.evidence,
                }))
            })
            .collect();
        for row in rows {
            match row {
                Ok(row) => println!("{row}"),
                Err(error) => eprintln!("{error}"),
            }
        }
    }
    Ok(())
}
