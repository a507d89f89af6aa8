/*!
Derives the verdict and the level of proof from the runs that really took place, never from a planner's statements.
*/

use millwright_model::{Fix, Proof, ReplayOutcome, TriedFix, Verdict};

use millwright_culprit::fixes::changed_lines;

use crate::facts::RunFacts;
use crate::findings::PlannerFinding;

/// Minimum calibrated probability at which a named cause may be called probable.
pub const PROBABLE: f64 = 0.5;

/// The verdict and the proof level that the facts support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerdictJudgement {
    pub verdict: Verdict,
    pub proof: Proof,
}

/// Judges a finding whose citations were checked already (`finding.root_cause` is `None` when it was struck).
pub fn judge(facts: &RunFacts, finding: &PlannerFinding) -> VerdictJudgement {
    let proof = proof(facts);
    let verdict = match &finding.root_cause {
        None if finding.not_an_incident.is_some() => Verdict::NotAnIncident,
        None => Verdict::Inconclusive,
        Some(_) if facts.known().is_some() => Verdict::Known,
        Some(cause) if cause.commit.as_ref() == facts.proven_culprit() && cause.commit.is_some() => {
            if proof == Proof::FixVerified { Verdict::Verified } else { Verdict::Confirmed }
        }
        // If the replay does not show the failure, or contradicts the ranking, the cause stays a guess.
        Some(cause) if cause.confidence >= PROBABLE && !replay_contradicts(facts) => Verdict::Probable,
        Some(_) => Verdict::Inconclusive,
    };
    VerdictJudgement { verdict, proof }
}

/// The best fix that was tried: the smallest verified one, then one whose replay passes and that nothing contradicts.
pub fn best_fix(facts: &RunFacts) -> Option<Fix> {
    if let Some(known) = facts.known() {
        return known.fix.clone();
    }
    // A person rejected this cause; an automatic check does not overrule that.
    if facts.rejected_culprit().is_some() {
        return None;
    }
    let checks = || facts.fix_checks.iter().filter(|check| check.holds()).map(|check| &check.fix);
    checks()
        .filter(|fix| fix.proof == Proof::FixVerified)
        .min_by_key(|fix| changed_lines(&fix.diff))
        .or_else(|| checks().min_by_key(|fix| (fix.is_stopgap, changed_lines(&fix.diff))))
        .cloned()
}

/// The candidates that were tried and did not hold.
pub fn tried_fixes(facts: &RunFacts) -> Vec<TriedFix> {
    let failed = facts.fix_checks.iter().filter(|check| !check.holds());
    failed
        .map(|check| TriedFix {
            kind: check.fix.kind,
            diff: check.fix.diff.clone(),
            because: check.detail.clone(),
        })
        .collect()
}

/// The proof level that the facts support.
pub fn proof(facts: &RunFacts) -> Proof {
    let known = facts.known().and_then(|known| known.fix.as_ref()).map(|fix| fix.proof);
    if let Some(proof) = known {
        return proof;
    }
    match (facts.proven_culprit(), facts.fix_verified(), facts.reproduced()) {
        (Some(_), true, _) => Proof::FixVerified,
        (Some(_), false, _) => Proof::CauseConfirmed,
        (None, _, true) => Proof::Reproduced,
        (None, _, false) => Proof::None,
    }
}

fn replay_contradicts(facts: &RunFacts) -> bool {
    if facts.reproduction.as_ref().is_some_and(|seen| seen.outcome != ReplayOutcome::Reproduces) {
        return true;
    }
    facts
        .bisection
        .as_ref()
        .is_some_and(|bisection| bisection.problem.is_some() && bisection.candidates.is_empty())
}
