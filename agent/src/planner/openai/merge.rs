/*!
Merges the model's conclusion, the results of the runs, and the second reader's review. Runs have priority: a cause
proven by replay stands regardless of the model's opinion, and a conclusion that a run contradicts is reported as
refuted. Without runs, the model's conclusion stands as far as its citations hold, with a limited confidence.
*/

use millwright_model::{CommitId, Escalation, EvidenceSource, HypothesisStatus, Struck};

use crate::context::HypothesisBoard;
use crate::facts::RunFacts;
use crate::findings::{CauseClaim, Citation, Claim, HypothesisClaim, PlannerFinding};
use crate::run::{DialogueEntry, Interruption, Run};

use super::review::{ReviewJudgement, ReviewState, state};
use super::tools::{CheckedConclusion, ConcludedOutcome};

/// Maximum confidence of a cause that no run proved.
const CEILING: f64 = 0.9;
/// Maximum confidence of a cause with no evidence but a ticket or memory: anyone can write both, so it is not a
/// probable cause.
const HEARSAY: f64 = 0.4;
/// Maximum confidence of a cause that the second reader refuted: it is no longer a probable cause.
const REFUTED: f64 = 0.4;
/// Minimum confidence of a cause that runs proved: the review cannot lower it further.
const PROVEN: f64 = 0.9;
/// Maximum number of hypotheses in a report.
const HYPOTHESES: usize = 16;

/// The finding that the second reader sees.
pub(super) fn before_review(run: &Run, rules: PlannerFinding) -> PlannerFinding {
    merged(run, rules, ReviewState::NotAsked)
}

/// The finding of a run in which a model was asked; `rules` is the playbook's finding from the same facts.
pub fn complete(run: &Run, rules: PlannerFinding) -> PlannerFinding {
    merged(run, rules, state(run))
}

/// The model's own conclusion as far as its evidence supports it, without the results of runs and without a review.
pub(super) fn bare(run: &Run) -> PlannerFinding {
    let mut finding = PlannerFinding::default();
    let mut ideas = Vec::new();
    let concluded: Option<CheckedConclusion> =
        run.result("conclude").cloned().and_then(|data| serde_json::from_value(data).ok());
    if let Some(concluded) = &concluded {
        take(&mut finding, &mut ideas, concluded, &RunFacts::default(), false);
    }
    finding.hypotheses = numbered(ideas);
    finding.summary = match (&finding.root_cause, &finding.not_an_incident) {
        (Some(cause), _) => cause.claim.statement.clone(),
        (None, Some(claim)) => format!("Nothing is wrong: {}", claim.statement),
        (None, None) => "No cause could be named.".to_owned(),
    };
    finding
}

fn numbered(ideas: Vec<(String, HypothesisStatus, Vec<Citation>)>) -> Vec<HypothesisClaim> {
    let claims = ideas.into_iter().take(HYPOTHESES).zip(1..);
    claims
        .map(|((statement, status, cites), number)| HypothesisClaim {
            id: format!("H{number}"),
            claim: Claim { statement, cites },
            status,
        })
        .collect()
}

fn merged(run: &Run, rules: PlannerFinding, reviewed: ReviewState) -> PlannerFinding {
    if !run.log().iter().any(|entry| matches!(entry, DialogueEntry::ModelAsked(_))) {
        return rules;
    }
    let facts = RunFacts::of(run);
    let settled = facts.known().is_some() || facts.proven_culprit().is_some();
    let mut finding = PlannerFinding { hypotheses: Vec::new(), ..rules.clone() };
    let whom = rules.escalate.clone();
    let mut ideas: Vec<(String, HypothesisStatus, Vec<Citation>)> = Vec::new();
    let concluded: Option<CheckedConclusion> =
        run.result("conclude").cloned().and_then(|data| serde_json::from_value(data).ok());
    let taken = match &concluded {
        Some(concluded) => take(&mut finding, &mut ideas, concluded, &facts, settled),
        None => false,
    };
    let hearsay = taken && held_as_hearsay(run, &mut finding);
    let stated: Vec<String> = ideas.iter().map(|(statement, _, _)| statement.clone()).collect();
    for entry in HypothesisBoard::of(run).hypotheses {
        if !stated.contains(&entry.statement) {
            let cites = entry.evidence.into_iter().map(|evidence| Citation { evidence, quotes: Vec::new() });
            // A board entry has no quotes, so it is only an open idea.
            let status = if settled { entry.status } else { HypothesisStatus::Open };
            ideas.push((entry.statement, status, cites.collect()));
        }
    }
    ideas.extend(
        rules.hypotheses.into_iter().map(|known| (known.claim.statement, known.status, known.claim.cites)),
    );
    let reviewed = review(reviewed, &mut finding, &mut ideas, settled);
    if finding.not_an_incident.is_none() && finding.escalate.is_none() {
        // "Nothing is wrong" was refuted, so a person must still look.
        finding.escalate = whom;
    }
    finding.hypotheses = numbered(ideas);
    finding.summary = summary(run, &facts, &finding, taken, &rules.summary, reviewed);
    if hearsay {
        finding
            .summary
            .push_str(" It rests only on what a ticket or memory says, so it is not reported as probable.");
    }
    finding
}

/// Adds the conclusion as far as it holds; returns whether the finding is now the model's.
fn take(
    finding: &mut PlannerFinding,
    ideas: &mut Vec<(String, HypothesisStatus, Vec<Citation>)>,
    concluded: &CheckedConclusion,
    facts: &RunFacts,
    settled: bool,
) -> bool {
    let CheckedConclusion { statement, cites, commit, .. } = concluded;
    finding.struck.extend(concluded.struck.iter().cloned());
    let idea = |status| (statement.clone(), status, cites.clone());
    let hypotheses = concluded.hypotheses.iter();
    let rest = hypotheses.map(|idea| (idea.statement.clone(), idea.status, idea.cites.clone()));
    let mut strike = |because: String| {
        finding.struck.push(Struck { claim: statement.clone(), because });
    };
    let mut taken = false;
    match (&concluded.unfounded, concluded.outcome) {
        (Some(why), _) => strike(why.clone()),
        (None, ConcludedOutcome::Cause) if settled => {
            let proven = facts.proven_culprit().or_else(|| facts.known()?.culprit.as_ref());
            ideas.push(idea(match commit {
                Some(named) if Some(named) == proven => HypothesisStatus::Supported,
                Some(_) => HypothesisStatus::Refuted,
                None => HypothesisStatus::Open,
            }));
        }
        (None, ConcludedOutcome::Cause) if commit.as_ref().is_some_and(|named| ruled_out(facts, named)) => {
            ideas.push(idea(HypothesisStatus::Refuted));
            strike("the replay rules that commit out".to_owned());
        }
        (None, ConcludedOutcome::Cause) => {
            finding.root_cause = Some(CauseClaim {
                claim: Claim { statement: statement.clone(), cites: cites.clone() },
                kind: concluded.kind,
                commit: commit.clone(),
                locations: concluded.locations.clone(),
                confidence: concluded.confidence.min(CEILING),
            });
            taken = true;
        }
        (None, ConcludedOutcome::NotAnIncident) if settled || facts.reproduced() => {
            strike("the replay shows the failure at the failing revision".to_owned());
        }
        (None, ConcludedOutcome::NotAnIncident) if concluded.confidence < crate::verification::PROBABLE => {
            ideas.push(idea(HypothesisStatus::Open));
        }
        (None, ConcludedOutcome::NotAnIncident) => {
            finding.root_cause = None;
            finding.not_an_incident = Some(Claim { statement: statement.clone(), cites: cites.clone() });
            taken = true;
        }
        (None, ConcludedOutcome::NothingFound) if settled => {}
        (None, ConcludedOutcome::NothingFound) => {
            finding.root_cause = None;
            ideas.push(idea(HypothesisStatus::Open));
            taken = true;
        }
    }
    ideas.extend(rest);
    if finding.not_an_incident.is_some() {
        finding.escalate = None;
    } else if !concluded.missing.is_empty() && !facts.fix_verified() && facts.known().is_none() {
        let escalate = finding.escalate.get_or_insert_with(|| Escalation {
            to: "the maintainers of this repository".to_owned(),
            because: "no owner could be determined from the code".to_owned(),
            missing: Vec::new(),
        });
        let rules = std::mem::take(&mut escalate.missing);
        escalate.missing = concluded.missing.iter().cloned().chain(rules).collect();
    }
    taken
}

/// Lowers the confidence of a cause that cites only tickets and memory.
fn held_as_hearsay(run: &Run, finding: &mut PlannerFinding) -> bool {
    let told = |cite: &Citation| {
        let mut of = run.evidence().filter(|evidence| evidence.id == cite.evidence);
        of.all(|evidence| matches!(evidence.source, EvidenceSource::Ticket | EvidenceSource::Memory))
    };
    match &mut finding.root_cause {
        Some(cause) if cause.claim.cites.iter().all(told) => {
            cause.confidence = cause.confidence.min(HEARSAY);
            true
        }
        _ => false,
    }
}

/// Whether a replay showed that a commit is not the culprit.
fn ruled_out(facts: &RunFacts, commit: &CommitId) -> bool {
    facts.bisection.as_ref().is_some_and(|bisection| {
        let narrowed = !bisection.candidates.is_empty() && bisection.candidates.len() < 50;
        bisection.innocent.iter().any(|innocent| innocent == commit)
            || narrowed && !bisection.candidates.iter().any(|candidate| candidate == commit)
    })
}

/// Lowers the confidence as the second reader demands, and never raises it. Returns in words what it did.
fn review(
    reviewed: ReviewState,
    finding: &mut PlannerFinding,
    ideas: &mut Vec<(String, HypothesisStatus, Vec<Citation>)>,
    settled: bool,
) -> Option<String> {
    let review = match reviewed {
        ReviewState::Done(review) => review,
        ReviewState::Without(why) => return Some(format!("A second reading was requested, but {why}.")),
        ReviewState::NotAsked => return None,
    };
    let mut told = None;
    if let Some(cause) = &mut finding.root_cause {
        let ceiling = match review.judgement {
            ReviewJudgement::Refuted => review.confidence.min(REFUTED),
            ReviewJudgement::Stands | ReviewJudgement::Weakened => review.confidence,
        };
        let floor = if settled { PROVEN } else { 0.0 };
        let lowered = cause.confidence.min(ceiling.max(floor));
        if lowered < cause.confidence {
            told = Some(format!(
                "A second reading lowered the confidence from {:.0} % to {:.0} %.",
                cause.confidence * 100.0,
                lowered * 100.0
            ));
            cause.confidence = lowered;
        }
    }
    if review.judgement == ReviewJudgement::Refuted
        && let Some(claim) = finding.not_an_incident.take()
    {
        let why = review.objections.first().map(|(objection, _)| objection.clone());
        let because = why.map_or_else(
            || "a second reading refuted it".to_owned(),
            |why| format!("a second reading refuted it: {why}"),
        );
        finding.struck.push(Struck { claim: claim.statement, because });
        told = Some("A second reading refuted that nothing is wrong.".to_owned());
    }
    let objection =
        |(statement, cites)| (format!("Second reading: {statement}"), HypothesisStatus::Open, cites);
    ideas.splice(0..0, review.objections.into_iter().map(objection));
    told.or_else(|| Some("A second reading did not refute it.".to_owned()))
}

fn summary(
    run: &Run,
    facts: &RunFacts,
    finding: &PlannerFinding,
    taken: bool,
    rules: &str,
    reviewed: Option<String>,
) -> String {
    let mut out = Vec::new();
    if !taken {
        out.push(rules.to_owned());
    } else {
        out.extend(run.interrupted().map(|kind| {
            let why = match kind {
                Interruption::Cancelled => "was stopped",
                Interruption::Deadline => "met its deadline",
                Interruption::Budget => "used up its budget",
            };
            format!("The investigation {why} before its end; this is what was known by then.")
        }));
        match (&finding.root_cause, &finding.not_an_incident) {
            (Some(cause), _) => out.push(cause.claim.statement.clone()),
            (None, Some(claim)) => out.push(format!("Nothing is wrong: {}", claim.statement)),
            (None, None) => out.push("No cause could be named.".to_owned()),
        }
        let unreplayed = run.request().and_then(|request| facts.no_replay_because(request));
        out.extend(unreplayed.map(|because| format!("Nothing was replayed: {because}.")));
    }
    out.extend(reviewed);
    out.extend(run.fell_back().map(|because| format!("The playbook finished the run: {because}.")));
    out.join(" ")
}
