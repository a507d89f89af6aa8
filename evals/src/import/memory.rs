/*! Imports incidents of a repository that memory has proven or a person confirmed, with the replay that proved them. */

use std::collections::BTreeSet;

use millwright_git::Repo;
use millwright_model::Proof;
use millwright_replay::ReplayRecipe;
use millwright_store::{MemoryFilter, Store};

use super::{ImportError, ImportedCases, case};
use crate::cases::{CaseOverlay, CaseOverlayMode, CaseReplay};

/// Incidents per page.
const PAGE: u32 = 200;

/// # Errors
/// When memory or the repository cannot be read.
pub async fn import(repo: &Repo, store: &Store) -> Result<ImportedCases, ImportError> {
    let mut out = ImportedCases::default();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut filter =
        MemoryFilter { repository: Some(repo.identity()?), limit: PAGE, ..MemoryFilter::default() };
    loop {
        let items = store.list_memory(&filter).await?;
        let Some(last) = items.last() else { break };
        filter.after = Some(last.incident_id.clone());
        for item in &items {
            let id = &item.incident_id;
            let trusted = item.resolutions.iter().find(|known| known.is_trusted() && known.culprit.is_some());
            let Some((known, culprit)) = trusted.and_then(|known| Some((known, known.culprit.clone()?)))
            else {
                continue;
            };
            let incident = store.get_incident(id).await?;
            // A repeated incident would count twice.
            if !seen.insert(format!("{culprit}\n{}", incident.ticket.text)) {
                continue;
            }
            let (Ok(culprit), Ok(bad)) = (repo.resolve(&culprit), repo.resolve(&known.failing_revision))
            else {
                out.left_out.push(format!("{id}: its commits are not in this repository any more"));
                continue;
            };
            let tag = if known.proof >= Proof::CauseConfirmed { "proven" } else { "confirmed" };
            let mut made = case(repo, id.to_string(), incident.ticket.text.clone(), bad, culprit, tag)?;
            made.tags.push("from-memory".into());
            let files = known.units.iter().map(|unit| unit.split("::").next().unwrap_or(unit).to_owned());
            let files: BTreeSet<String> = files.collect();
            if !files.is_empty() {
                made.truth.files = files.into_iter().collect();
            }
            made.truth.symbols = known.units.iter().filter(|unit| unit.contains("::")).cloned().collect();
            made.truth.revert_fixes = (known.proof == Proof::FixVerified).then_some(true);
            match known.replay.clone().map(serde_json::from_value::<ReplayRecipe>) {
                Some(Ok(recipe)) if recipe.files.is_empty() && !recipe.is_hang => {
                    made.replay = Some(replay(recipe))
                }
                Some(_) => out
                    .left_out
                    .push(format!("{id}: its replay cannot be expressed in a case; the case has none")),
                None => {}
            }
            out.cases.push(made);
        }
    }
    Ok(out)
}

fn replay(recipe: ReplayRecipe) -> CaseReplay {
    let overlay = recipe.overlay.map(|overlay| CaseOverlay {
        from: overlay.from,
        base: overlay.base,
        paths: overlay.paths,
        mode: match overlay.mode {
            millwright_git::checkout::OverlayMode::Replace => CaseOverlayMode::Replace,
            millwright_git::checkout::OverlayMode::Merge => CaseOverlayMode::Merge,
        },
    });
    CaseReplay {
        setup: recipe.setup,
        command: recipe.command,
        env: recipe.env,
        overlay,
        timeout_s: recipe.timeout_s.max(1),
    }
}
