/*!
Writes the result of a run to memory: the resolution with its proof, its link to the earlier incident that recurred,
the hypotheses that were decided, and fixes that are known to be wrong.
*/

use millwright_model::{FailedFix, FixChecks, HypothesisStatus, NewResolution, Proof, Report, Verdict};
use millwright_redaction::Redactor;
use millwright_store::{Actor, RunState, Store};

use super::request::InvestigateError;
use crate::facts::{RunFacts, units_of};
use crate::run::{Run, RunRequest};

/// Writes the result to memory: the resolution with its proof, and the hypotheses, including refuted ones.
pub(crate) async fn remember(
    store: &Store,
    request: &RunRequest,
    run: &Run,
    report: &Report,
    redactor: &Redactor,
) -> Result<(), InvestigateError> {
    store.save_report(report).await?;
    let facts = RunFacts::of(run);
    let by = Actor { who: "millwright", why: report.verdict.as_str() };
    let proof = crate::verification::proof(&facts);
    if let Some(earlier) = facts.same_problem() {
        store.link_recurrence(&request.incident_id, earlier, by).await?;
    }
    // A rejected cause is not stored again as a new resolution.
    let settled = report
        .root_cause
        .as_ref()
        .filter(|_| report.verdict != Verdict::Inconclusive && facts.rejected_culprit().is_none());
    let resolution = settled.map(|cause| NewResolution {
        repository: Some(request.repository.clone()),
        // Store the cause only: each report adds when it was shown and checked.
        statement: facts.known().map_or(&cause.statement, |known| &known.statement).clone(),
        culprit: cause.commit.clone().map(String::from),
        units: units_of(report.root_cause.iter().flat_map(|cause| &cause.locations)),
        failing_revision: request.bad.to_string(),
        fix_diff: report
            .fix
            .as_ref()
            .filter(|fix| fix.proof == Proof::FixVerified)
            .map(|fix| fix.diff.clone())
            .unwrap_or_default(),
        fix_kind: report.fix.as_ref().map(|fix| fix.kind),
        fix_checks: report.fix.as_ref().filter(|fix| fix.proof == Proof::FixVerified).map(FixChecks::from),
        failed_fixes: failed_fixes(&facts),
        // A masked recipe cannot be replayed, and memory must not store a recipe that contains a secret.
        replay: facts.recipe_used(request).filter(|recipe| redactor.redact_json(recipe) == *recipe),
        proof: if report.verdict == Verdict::Probable { proof.min(Proof::Reproduced) } else { proof },
    });
    let worth: Vec<_> = report
        .hypotheses
        .iter()
        .filter(|hypothesis| hypothesis.status != HypothesisStatus::Open)
        .cloned()
        .collect();
    store.remember(&request.incident_id, &request.run_id, resolution.as_ref(), &worth, by).await?;
    store.set_run_state(&request.run_id, RunState::Done).await?;
    Ok(())
}

/// Fixes with which the replay passes and that another check showed to be wrong now; fixes that memory knew already
/// are left out.
fn failed_fixes(facts: &RunFacts) -> Vec<FailedFix> {
    let failed =
        facts.fix_checks.iter().filter(|check| check.fails_beyond_replay() && check.failed_before.is_none());
    failed.map(|check| FailedFix { diff: check.fix.diff.clone(), because: check.detail.clone() }).collect()
}
