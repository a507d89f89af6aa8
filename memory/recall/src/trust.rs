/*!
How far a remembered resolution is to be trusted, independent of how well it matches: what a machine proved, what a
person said, what happened afterwards, and how long ago. The number orders and informs; [`Resolution::is_trusted`]
decides whether something may be presented as known at all.
*/

use serde::{Deserialize, Serialize};

use millwright_model::{Approval, Outcome, Proof, Resolution, Timestamp};

/// Days after which a resolution has lost a quarter of its trust, because the code changes.
const AGE: f64 = 365.0;
/// Factor on trust for rewritten code, until it is checked again.
const STALE: f64 = 0.5;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    /// 0 to 1.
    pub score: f64,
    /// Strongest reason first.
    pub why: Vec<String>,
    /// The code that it refers to was rewritten since: check it again before anything else.
    pub stale: bool,
}

impl Trust {
    /// The trust of the best resolution; zero if there is none.
    pub fn of(resolutions: &[Resolution], now: Timestamp) -> Self {
        resolutions.first().map(|best| Self::of_one(best, now)).unwrap_or_default()
    }

    fn of_one(resolution: &Resolution, now: Timestamp) -> Self {
        let (proven, proof) = match resolution.proof {
            Proof::FixVerified => (0.9, "its fix was verified by replay"),
            Proof::CauseConfirmed => (0.8, "its cause was confirmed by replay"),
            Proof::Reproduced => (0.3, "only reproduced"),
            Proof::None => (0.15, "nothing is proven"),
        };
        let mut why = vec![proof.to_owned()];
        let mut score: f64 = proven;
        match resolution.approval {
            Approval::Confirmed => {
                let by = resolution.approved_by.as_deref().unwrap_or("a person");
                let by: String = by.chars().take(60).collect();
                if resolution.approval_suffices {
                    score = score.max(0.85) + 0.05;
                    why.insert(0, format!("confirmed by {by}"));
                } else {
                    score += 0.05;
                    why.insert(0, format!("confirmed by {by} alone"));
                }
            }
            Approval::Rejected => {
                score *= 0.1;
                why.insert(0, "rejected by a person".to_owned());
            }
            Approval::None => {}
        }
        match resolution.outcome {
            Outcome::Shipped => {
                score += 0.05;
                why.push("the fix was shipped and the failure did not come back".to_owned());
            }
            Outcome::Recurred => {
                score *= 0.3;
                why.insert(0, "the failure came back after it".to_owned());
            }
            Outcome::Unknown => {}
        }
        let days = (now.as_second() - resolution.created_at.as_second()).max(0) as f64 / 86_400.0;
        score *= 0.5 + 0.5 * 0.5f64.powf(days / AGE);
        if days >= 90.0 {
            why.push(format!("{days:.0} days old"));
        }
        Self { score: score.clamp(0.0, 1.0), why, stale: false }
    }

    /// Notes that the guilty code was rewritten, with the evidence for it.
    pub fn outdate(&mut self, reason: String) {
        if !self.stale {
            self.score *= STALE;
        }
        self.stale = true;
        self.why.insert(0, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolution(proof: Proof, approval: Approval, outcome: Outcome) -> Resolution {
        Resolution {
            id: "res_1".parse().unwrap(),
            incident_id: "inc_1".parse().unwrap(),
            repository: None,
            statement: String::new(),
            culprit: None,
            units: vec![],
            failing_revision: String::new(),
            fix_diff: String::new(),
            fix_kind: None,
            fix_checks: None,
            failed_fixes: Vec::new(),
            replay: None,
            proof,
            approval,
            approved_by: Some("anna".into()),
            approval_authority: None,
            approval_suffices: approval == Approval::Confirmed,
            outcome,
            created_at: "2025-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn proof_approval_outcome_and_age_order_what_is_known() {
        let at = |day: &str| day.parse::<Timestamp>().unwrap();
        let now = at("2025-01-02T00:00:00Z");
        let score = |p, a, o| Trust::of(&[resolution(p, a, o)], now).score;
        use {Approval as A, Outcome as O, Proof as P};
        let falling = [
            score(P::FixVerified, A::Confirmed, O::Shipped),
            score(P::FixVerified, A::None, O::Shipped),
            score(P::FixVerified, A::None, O::Unknown),
            score(P::CauseConfirmed, A::None, O::Unknown),
            score(P::Reproduced, A::None, O::Unknown),
            score(P::FixVerified, A::None, O::Recurred),
            score(P::None, A::None, O::Unknown),
            score(P::FixVerified, A::Rejected, O::Unknown),
        ];
        assert!(falling.is_sorted_by(|a, b| a > b), "{falling:?}");
        let old = Trust::of(&[resolution(P::FixVerified, A::None, O::Unknown)], at("2026-01-01T00:00:00Z"));
        assert!((old.score - 0.675).abs() < 0.01 && old.why.contains(&"365 days old".to_owned()), "{old:?}");
        assert_eq!(Trust::of(&[], now), Trust::default());
    }

    #[test]
    fn rewritten_code_halves_trust_once() {
        let known = [resolution(Proof::FixVerified, Approval::None, Outcome::Unknown)];
        let mut trust = Trust::of(&known, "2025-01-01T00:00:00Z".parse().unwrap());
        trust.outdate("lib/money.sh was rewritten since".into());
        trust.outdate("again".into());
        assert!(trust.stale && (trust.score - 0.45).abs() < 1e-9);
        assert_eq!(trust.why[1], "lib/money.sh was rewritten since");
    }
}
