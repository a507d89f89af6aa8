//! Measures the `rank` task: `rank OUT DATA_DIR CASES.jsonl… -- ADDRESS=PATH…`. `WEIGHTS="literal=1.5 …"` changes
//! weights. `MEMORY=sequential|poisoned|stale` judges the cases as a sequence.

use std::path::PathBuf;

use millwright_culprit::suspects::SignalWeights;
use millwright_evals::{EvalOptions, EvalTask, MemoryMode};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (out, data_dir) = (args.next().ok_or("OUT")?, args.next().ok_or("DATA_DIR")?);
    let files: Vec<String> = args.by_ref().take_while(|arg| arg != "--").collect();
    let repo_map = args.map(|arg| arg.parse()).collect::<Result<Vec<_>, _>>()?;
    let mut weights = SignalWeights::default();
    for change in std::env::var("WEIGHTS").unwrap_or_default().split_whitespace() {
        let (name, value) = change.split_once('=').ok_or("NAME=WEIGHT")?;
        assert!(weights.set(name, value.parse()?), "no signal {name}");
    }
    let memory = match std::env::var("MEMORY") {
        Ok(mode) => serde_json::from_value(mode.into())?,
        Err(_) => MemoryMode::Off,
    };
    for file in files {
        let name = PathBuf::from(&file)
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        let options = EvalOptions {
            repo_map: repo_map.clone(),
            memory,
            data_dir: PathBuf::from(&data_dir),
            jobs: 2,
            ..EvalOptions::new(EvalTask::Rank, file.as_ref(), &PathBuf::from(&out).join(&name))
        };
        let (summary, _) = millwright_evals::tasks::rank::run_with(&options, &weights)?;
        let figures = &summary.0["rank"];
        let line = |of: &serde_json::Value| {
            let value = |key: &str| of[key]["value"].as_f64().unwrap_or(0.0);
            format!(
                "{:.3} {:.3} {:.3} {:.3} mrr {:.3}",
                value("ac@1"),
                value("ac@3"),
                value("ac@5"),
                value("ac@10"),
                value("mrr")
            )
        };
        println!(
            "{name:22} {}  ece {} probable {}/{} wall {} / {}",
            line(figures),
            figures["calibration_error"],
            figures["probable_share"]["value"],
            figures["probable_precision"]["value"],
            figures["wall_ms_p50"],
            figures["wall_ms_p95"]
        );
        println!("{:22} {}", "  not named later", line(&figures["by_tag"]["!culprit-named-later"]));
        println!("{:22} {}", "  baseline text", line(&figures["baselines"]["text_bm25"]));
        println!("{:22} {}", "  baseline newest", line(&figures["baselines"]["newest_in_trace"]));
        println!("{:22} not judged {}", "", figures["not_judged"]);
        if let Some(parts) = figures["memory"].as_object() {
            for (part, of) in parts.iter().filter(|(_, of)| of["off"]["mrr"]["value"].is_number()) {
                let of = |side: &str, figure: &str| of[side][figure]["value"].as_f64().unwrap_or(0.0);
                println!(
                    "{part:>22} {} cases: ac@1 {:.3} → {:.3}, mrr {:.3} → {:.3}",
                    parts[part]["cases"],
                    of("off", "ac@1"),
                    of("on", "ac@1"),
                    of("off", "mrr"),
                    of("on", "mrr")
                );
            }
            println!("{:22} harmed {} helped {}", "", parts["harmed"], parts["helped"]);
        }
    }
    Ok(())
}
