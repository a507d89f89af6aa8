/*!
The initial memory of a case: incidents that the agent investigates beforehand, and entries as a run, a person or a careless
person would have written them.
*/

use millwright_git::Repo;
use millwright_model::{Approval, NewIncident, NewResolution, Proof};
use millwright_store::{Actor, Store};

use crate::cases::{EvalCase, RememberedCase};
use crate::grader_sandbox::recipe;
use crate::options::EvalOptions;

const SOMEBODY: Actor<'static> = Actor { who: "eval", why: "part of the case" };

/// Writes a remembered case into the store.
pub(super) async fn tell(
    known: &RememberedCase,
    case: &EvalCase,
    options: &EvalOptions,
    store: &Store,
) -> Result<(), String> {
    let RememberedCase::Told {
        ticket,
        statement,
        culprit,
        units,
        failing_revision,
        fix_diff,
        replay,
        confirmed,
    } = known
    else {
        return Ok(());
    };
    let repo = Repo::open(&options.repository(&case.repo), &options.data_dir).map_err(|e| e.to_string())?;
    let repository = repo.identity().map_err(|error| error.to_string())?;
    let replay =
        replay.as_ref().and_then(|replay| serde_json::to_value(recipe(replay, options.execution())).ok());
    let incident = NewIncident {
        repository_name: None,
        repository: Some(repository.clone()),
        source: Some("eval".into()),
        ticket: millwright_ingest::parse(ticket.as_bytes()),
        mapped: Vec::new(),
    };
    let new = NewResolution {
        repository: Some(repository),
        statement: statement.clone(),
        culprit: culprit.clone(),
        units: units.clone(),
        failing_revision: failing_revision.clone(),
        fix_diff: fix_diff.clone(),
        fix_kind: None,
        fix_checks: None,
        failed_fixes: Vec::new(),
        replay,
        proof: Proof::None,
    };
    let kept = async {
        let incident = store.create_incident(&incident).await?;
        let run = store.create_run(&incident.id).await?;
        let kept = store.remember(&incident.id, &run.id, Some(&new), &[], SOMEBODY).await?;
        if let (Some(resolution), true) = (kept.resolution, confirmed) {
            store.set_approval(&resolution.id, Approval::Confirmed, SOMEBODY).await?;
        }
        Ok::<_, millwright_store::StoreError>(())
    };
    kept.await.map_err(|error| error.to_string())
}
