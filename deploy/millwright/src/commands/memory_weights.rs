/*!
`millwright memory weights`: shows what ranking learned from verified outcomes and why, and reverts it.
*/

use std::fmt::Write as _;

use anyhow::Result;
use millwright_culprit::suspects::relearn::{LEAST_INCIDENTS, RelearnResult, relearn};
use millwright_model::WeightVersion;
use millwright_store::{Actor, Store};

use super::{clean, show};
use crate::cli::{ListFormat, WeightsCommand};
use crate::wiring;

/// Most changes of weights that a page shows; `--format json` has all of them.
const SHOWN: usize = 12;

pub(super) async fn run(store: &Store, command: WeightsCommand, format: ListFormat) -> Result<()> {
    match command {
        WeightsCommand::List => {
            let versions = store.weight_versions().await?;
            show(format, &versions, || list(&versions))
        }
        WeightsCommand::Show { version } => {
            let found = match version {
                Some(version) => Some(store.weight_version(version).await?),
                None => store.active_weights().await?,
            };
            show(format, &found, || found.as_ref().map_or_else(|| SHIPPED.to_owned(), page))
        }
        WeightsCommand::Learn => learn(store, format).await,
        WeightsCommand::Rollback { version, note } => {
            store.use_weights(version, Actor { who: &wiring::person(), why: &note }).await?;
            show(format, &serde_json::json!({ "in_force": version }), || match version {
                0 => "the weights that ship are in force\n".to_owned(),
                version => format!("version {version} is in force\n"),
            })
        }
    }
}

const SHIPPED: &str = "the weights that ship are in force; `millwright memory weights learn` learns others from \
                       verified outcomes\n";

async fn learn(store: &Store, format: ListFormat) -> Result<()> {
    let samples = store.settled_samples().await?;
    match tokio::task::spawn_blocking(move || relearn(&samples)).await? {
        RelearnResult::TooFew { incidents, culprits } => {
            let said = serde_json::json!({ "learned": null, "incidents": incidents, "culprits": culprits });
            show(format, &said, || {
                format!(
                    "nothing was learned: {incidents} ranked incidents with a proven or confirmed culprit, of {culprits} \
                     culprits, are too few (at least {LEAST_INCIDENTS} are needed)\n"
                )
            })
        }
        RelearnResult::Learned { learned, adopted } => {
            let by = wiring::person();
            let version = store.add_weights(&learned, adopted, Actor { who: &by, why: "learn" }).await?;
            show(format, &version, || page(&version))
        }
    }
}

fn list(versions: &[WeightVersion]) -> String {
    if versions.is_empty() {
        return SHIPPED.to_owned();
    }
    let mut out = String::new();
    for version in versions {
        let state = if version.active { "in force" } else { state(version) };
        let _ = writeln!(out, "{:>4}  {}  {state}", version.version, version.created_at.day());
        let _ = writeln!(out, "      {}", clean(&version.learned.verdict, 300));
    }
    if !versions.iter().any(|version| version.active) {
        out.push_str("   0  the weights that ship  in force\n");
    }
    out
}

fn state(version: &WeightVersion) -> &'static str {
    if version.adopted { "adopted, not in force" } else { "rejected" }
}

fn page(version: &WeightVersion) -> String {
    let learned = &version.learned;
    let state = if version.active { "in force" } else { state(version) };
    let mut out = format!("version {}  {}  {state}\n", version.version, version.created_at.day());
    let _ =
        writeln!(out, "{}\nlearned from {} incidents", clean(&learned.verdict, 400), learned.incidents.len());
    for moved in learned.moves.iter().take(SHOWN) {
        let because: Vec<String> = moved
            .because
            .iter()
            .map(|(incident, share)| format!("{} ({:.0} %)", clean(incident.as_str(), 40), 100.0 * share))
            .collect();
        let _ = writeln!(
            out,
            "  {:<24} {:>6.2} → {:>5.2}   {}",
            clean(&moved.signal, 40),
            moved.from,
            moved.to,
            because.join(", ")
        );
    }
    if learned.moves.len() > SHOWN {
        let _ = writeln!(out, "  and {} smaller moves (see --format json)", learned.moves.len() - SHOWN);
    }
    out
}
