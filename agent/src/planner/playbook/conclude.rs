/*!
The playbook's conclusion: turns facts into claims with citations. A tool's result supports every sentence, and every
citation quotes that tool's evidence.
*/

use millwright_model::{
    CauseKind, CheckResult, Escalation, Evidence, EvidenceSource, HypothesisStatus, IncidentId, Locator,
    Proof, ReplayOutcome, Suspect,
};

use millwright_tools::ToolErrorKind;
use millwright_tools::bisect::BisectResult;
use millwright_tools::recheck::RecheckResult;
use millwright_tools::suspects::SuspectList;

use super::summary;
use crate::facts::RunFacts;
use crate::findings::{CauseClaim, Citation, Claim, HypothesisClaim, PlannerFinding};
use crate::report::phrasing::reasons;
use crate::run::{Run, RunRequest};
use crate::verification::{PROBABLE, best_fix};

pub(super) fn finding(run: &Run, request: &RunRequest, facts: &RunFacts) -> PlannerFinding {
    let mut finding = PlannerFinding {
        hypotheses: hypotheses(run, facts),
        root_cause: root_cause(run, request, facts),
        escalate: escalation(run, request, facts),
        ..PlannerFinding::default()
    };
    finding.summary = summary::write(run, request, facts, finding.root_cause.as_ref());
    finding
}

/// The finding for a ticket that reports no failure.
pub(super) fn no_failure(run: &Run, why: &str) -> PlannerFinding {
    let statement = format!("This is {why}.");
    let cites = cite_sources(run, "ticket", &[EvidenceSource::Ticket]).into_iter().take(1).collect();
    PlannerFinding {
        summary: format!("Nothing here calls for a change. {statement}"),
        not_an_incident: Some(Claim { statement, cites }),
        ..PlannerFinding::default()
    }
}

fn root_cause(run: &Run, request: &RunRequest, facts: &RunFacts) -> Option<CauseClaim> {
    if let Some(known) = facts.known() {
        let cites = cite_recheck(run, known);
        // Distinguish what was shown then from what was run now.
        let statement = match known.proof >= Proof::CauseConfirmed && !known.since.is_empty() {
            true => format!("{} That was shown on {}; now {}.", known.statement, known.since, known.how),
            false => known.statement.clone(),
        };
        return Some(CauseClaim {
            claim: Claim { statement, cites },
            kind: CauseKind::CodeChange,
            commit: known.culprit.clone(),
            locations: known.locations.clone(),
            confidence: 0.99,
        });
    }
    if let Some(culprit) = facts.proven_culprit() {
        let bisection = facts.bisection.as_ref()?;
        let mut cites = cite_sources(run, "bisect", &[EvidenceSource::Replay, EvidenceSource::Git]);
        cites.extend(cite_sources(run, "minimise", &[EvidenceSource::Git]));
        let flaky = bisection.flaky_in_words().map(|flaky| format!(" {flaky}")).unwrap_or_default();
        let lines = facts.minimal.as_ref().map(|minimal| minimal.in_words()).unwrap_or_default();
        let rejected = facts.rejected_culprit().map(|rejection| {
            cites.extend(cite_memory(run, &rejection.incident_id));
            format!(
                " {}. The replay still fails at this commit and passes at its parent.",
                rejection.in_words()
            )
        });
        let rejected = rejected.unwrap_or_default();
        let earlier = earlier_incidents(bisection, facts.same_problem().map(IncidentId::as_str));
        let statement = format!(
            "Commit {} (\u{201c}{}\u{201d}) introduced the failure{lines}: the replay fails at it and passes \
             at its parent.{flaky}{earlier}{rejected}",
            culprit.short(),
            bisection.subject,
        );
        return Some(CauseClaim {
            claim: Claim { statement, cites },
            kind: CauseKind::CodeChange,
            commit: Some(culprit.clone()),
            locations: facts.minimal.as_ref().map(|minimal| minimal.locations.clone()).unwrap_or_default(),
            confidence: 0.99,
        });
    }
    // If the failure does not occur at the reported revision, no commit explains it.
    if facts.reproduction.as_ref().is_some_and(|seen| seen.outcome == ReplayOutcome::Passes) {
        return None;
    }
    // If the failure occurs at the good revision as well, no later commit explains it.
    if facts.bisection.as_ref().is_some_and(|seen| seen.problem.is_some() && seen.candidates.is_empty()) {
        return None;
    }
    let list = facts.suspects.as_ref()?;
    let narrowed =
        facts.bisection.as_ref().map(|bisection| bisection.candidates.as_slice()).unwrap_or_default();
    let top = list.suspects.iter().find(|suspect| {
        (narrowed.is_empty() || narrowed.contains(&suspect.commit))
            && facts.rejection_of(&suspect.commit).is_none()
    })?;
    let first = list.suspects.first().is_some_and(|first| first.commit == top.commit);
    let confidence = if !first {
        // The calibrated probability applies to the first suspect only.
        list.confidence.min(PROBABLE - 0.01)
    } else if narrowed.is_empty() {
        bounded(list, top)
    } else {
        facts.bisection.as_ref().map_or(list.confidence, |bisection| bisection.confidence)
    };
    // A replay that did not show the failure has tested no suspect, so this stays a guess.
    let shown = facts.reproduction.as_ref().is_none_or(|seen| seen.outcome == ReplayOutcome::Reproduces);
    let confidence = if shown { confidence } else { confidence.min(PROBABLE - 0.01) };
    let likely = if confidence >= PROBABLE { "probably" } else { "possibly" };
    let mut why = reasons(top);
    why.truncate(2);
    let statement = format!(
        "Commit {} (\u{201c}{}\u{201d}) {likely} introduced the failure: {}.",
        top.commit.short(),
        top.subject,
        why.join("; ")
    );
    let cites = cite_commit(run, top);
    let _ = request;
    Some(CauseClaim {
        claim: Claim { statement, cites },
        kind: CauseKind::CodeChange,
        commit: Some(top.commit.clone()),
        locations: list.locations.clone(),
        confidence,
    })
}

/// A sentence about earlier incidents that the culprit caused; `same` is the one with the same problem.
fn earlier_incidents(bisection: &BisectResult, same: Option<&str>) -> String {
    let first = same.or_else(|| bisection.earlier.first().map(|earlier| earlier.incident_id.as_str()));
    let Some(first) = first else { return String::new() };
    let more = match bisection.earlier.len().saturating_sub(1) {
        0 => String::new(),
        1 => " and one more".to_owned(),
        more => format!(" and {more} more"),
    };
    match same {
        Some(_) => format!(" It is the problem of incident {first}{more} again: the same commit and code."),
        None => {
            format!(" The same commit caused incident {first}{more}, with other code as far as is known.")
        }
    }
}

/// Limits the confidence of a ranking without a replay. A signal that fits any failure, or that concerns another
/// failure, does not make a commit the cause of this one; neither does a change of comments or formatting alone,
/// unless a replay shows it.
fn bounded(list: &SuspectList, top: &Suspect) -> f64 {
    let tied = top.reasons.iter().any(|reason| reason.contribution > 0.0 && speaks_of_this(&reason.signal));
    let idle = top.reasons.iter().any(|reason| reason.signal == "no_effect" && reason.contribution < 0.0);
    if tied && !idle { list.confidence } else { list.confidence.min(PROBABLE - 0.01) }
}

/// Whether a signal connects a change to this failure; other signals concern the change alone, or earlier incidents.
fn speaks_of_this(signal: &str) -> bool {
    const OF_THE_CHANGE: [&str; 9] = [
        "touches_source",
        "code_lines",
        "size",
        "with_docs",
        "tests_only",
        "no_effect",
        "merge",
        "trivial_subject",
        "touches_test",
    ];
    !signal.starts_with("memory_") && !OF_THE_CHANGE.contains(&signal)
}

/// The hypotheses of the run with their outcome: refuted ones are as useful as the supported one.
fn hypotheses(run: &Run, facts: &RunFacts) -> Vec<HypothesisClaim> {
    let mut out: Vec<HypothesisClaim> = Vec::new();
    let mut add = |statement: String, status, cites: Vec<Citation>| {
        let id = format!("H{}", out.len() + 1);
        out.push(HypothesisClaim { id, claim: Claim { statement, cites }, status });
    };
    for recheck in &facts.rechecks {
        let status = match recheck.result {
            CheckResult::Pass => HypothesisStatus::Supported,
            CheckResult::Fail => HypothesisStatus::Refuted,
            CheckResult::NotRun => HypothesisStatus::Open,
        };
        let statement = format!("This is incident {} again ({})", recheck.incident, recheck.how);
        add(statement, status, cite_recheck(run, recheck));
    }
    if facts.known().is_some() {
        return out;
    }
    if let Some(commit) = facts.found_fix.as_ref().and_then(|fixed| fixed.commit.as_ref()) {
        let statement = format!("It is fixed already, by {}", commit.short());
        let sources = [EvidenceSource::Git, EvidenceSource::Replay];
        add(statement, HypothesisStatus::Supported, cite_sources(run, "find_fix", &sources));
        return out;
    }
    for rejection in facts.rejections() {
        let cause = rejection
            .culprit
            .as_deref()
            .map_or("what the earlier report named", |culprit| culprit.get(..10).unwrap_or(culprit));
        let statement = format!("{cause} is the cause. {}", rejection.in_words());
        add(statement, HypothesisStatus::Refuted, cite_memory(run, &rejection.incident_id));
    }
    let Some(list) = &facts.suspects else { return out };
    let culprit = facts.proven_culprit();
    let tested = facts.bisection.as_ref().map(|bisection| bisection.innocent.as_slice()).unwrap_or_default();
    for suspect in list.suspects.iter().take(5) {
        if facts.rejection_of(&suspect.commit).is_some() && culprit != Some(&suspect.commit) {
            continue;
        }
        let status = match culprit {
            Some(culprit) if *culprit == suspect.commit => HypothesisStatus::Supported,
            _ if tested.contains(&suspect.commit) => HypothesisStatus::Refuted,
            Some(_) => HypothesisStatus::Refuted,
            None => HypothesisStatus::Open,
        };
        let statement =
            format!("{} \u{201c}{}\u{201d} is the cause", suspect.commit.short(), suspect.subject);
        let mut cites = cite_commit(run, suspect);
        if status == HypothesisStatus::Refuted || cites.is_empty() {
            cites.extend(cite_sources(run, "bisect", &[EvidenceSource::Replay]));
        }
        if cites.is_empty() {
            cites.extend(cite_sources(run, "ticket", &[EvidenceSource::Ticket]).into_iter().take(1));
        }
        add(statement, status, cites);
    }
    if let Some(culprit) = culprit
        && !list.suspects.iter().take(5).any(|suspect| suspect.commit == *culprit)
    {
        let subject = facts.bisection.as_ref().map(|bisection| bisection.subject.clone()).unwrap_or_default();
        let statement = format!("{} \u{201c}{subject}\u{201d} is the cause", culprit.short());
        add(
            statement,
            HypothesisStatus::Supported,
            cite_sources(run, "bisect", &[EvidenceSource::Replay, EvidenceSource::Git]),
        );
    }
    out
}

/// Says exactly what is missing and whom to ask, unless a fix is verified.
fn escalation(run: &Run, request: &RunRequest, facts: &RunFacts) -> Option<Escalation> {
    if !facts.needs_owner() {
        return None;
    }
    let mut missing = Vec::new();
    if let Some(because) = facts.no_replay_because(request) {
        missing.push(format!(
            "a replay ({because}): give --replay CMD, or a `test_one` recipe in millwright.toml"
        ));
    }
    match facts.reproduction.as_ref().map(|seen| seen.outcome) {
        Some(ReplayOutcome::Passes) => missing.push(format!(
            "a replay that fails at {}: this one passes there; check --bad, the data it needs, or the environment",
            request.bad.short()
        )),
        Some(ReplayOutcome::OtherFailure) => {
            missing.push(
                "a replay that fails the way the ticket says; where its failure is what is meant, look at its output and \
                 investigate again with --accept-failure"
                    .to_owned(),
            );
        }
        Some(ReplayOutcome::CannotTest) => {
            let remedy = facts.reproduction.as_ref().and_then(|seen| seen.remedy.clone());
            let remedy = remedy.unwrap_or_else(|| {
                "see its output; declare what it needs with --allow-read and --env".to_owned()
            });
            missing.push(format!("a replay that can run in the sandbox: {remedy}"));
        }
        _ => {}
    }
    let failed = ["reproduce", "bisect"].into_iter().find_map(|tool| Some((tool, run.failure(tool)?)));
    if let Some((tool, failure)) = failed {
        missing.push(match (tool, failure.kind == ToolErrorKind::Deadline.as_str()) {
            ("reproduce", true) => {
                "a replay that ends before the deadline: a faster command, or a later --deadline".to_owned()
            }
            (_, true) => "time for the bisect: a faster replay, or a later --deadline".to_owned(),
            (_, false) => failure.message.clone(),
        });
    }
    if let Some(problem) = facts.bisection.as_ref().and_then(|bisection| bisection.problem.clone()) {
        missing.push(problem);
    }
    if request.good.is_none() && facts.proven_culprit().is_none() {
        missing.push("a revision where it still worked: --good REV narrows the range".to_owned());
    }
    let ticket = &request.ticket;
    let tells_error =
        !(ticket.traces.is_empty() && ticket.errors.is_empty() && ticket.failing_tests.is_empty());
    if !tells_error && facts.proven_culprit().is_none() {
        missing.push("a stack trace or an exact error message".to_owned());
    }
    if facts.proven_culprit().is_some() {
        missing.push(match best_fix(facts) {
            None => "a fix: the cause is proven, no automatic candidate was verified".to_owned(),
            Some(fix) if fix.is_stopgap => {
                "a fix that keeps the protection: the candidate removes it, so it is a stopgap at most".to_owned()
            }
            Some(_) => "something beyond the replay that shows the behaviour is right again: a command that runs the \
                        project's tests (--tests CMD) and names each test"
                .to_owned(),
        });
    }
    if let Some(failing) = facts.found_fix.as_ref().and_then(|fixed| fixed.failing.as_ref()) {
        missing.push(format!("the culprit, if you need it: investigate with --bad {}", failing.short()));
    }
    let owners = facts.owners.as_ref();
    let to = owners
        .and_then(|owners| owners.to.clone())
        .unwrap_or_else(|| "the maintainers of this repository".into());
    let because = owners.map_or_else(
        || "no owner could be determined from the code".to_owned(),
        |owners| owners.because.clone(),
    );
    Some(Escalation { to, because, missing })
}

fn cite_commit(run: &Run, suspect: &Suspect) -> Vec<Citation> {
    let about = format!("git:{}", suspect.commit);
    let found = run.evidence().find(|evidence| evidence.locator.0.starts_with(&about));
    found.map(|evidence| cite(evidence, &suspect.subject)).into_iter().collect()
}

/// Cites the result of a re-check, and memory's record of its incident.
fn cite_recheck(run: &Run, recheck: &RecheckResult) -> Vec<Citation> {
    let of_this = run
        .finished()
        .filter(|(call, _)| call.name == "recheck" && call.args["resolution"] == recheck.resolution.as_str());
    of_this.flat_map(|(_, outcome)| &outcome.evidence).take(6).map(|evidence| cite(evidence, "")).collect()
}

/// Cites memory's record of an incident.
fn cite_memory(run: &Run, incident: &IncidentId) -> Vec<Citation> {
    let about = Locator::memory(incident);
    let found = run.evidence().find(|evidence| evidence.locator == about);
    found.map(|evidence| cite(evidence, "")).into_iter().collect()
}

/// Cites a tool's evidence from the given sources, quoting the first informative line of each.
fn cite_sources(run: &Run, tool: &str, sources: &[EvidenceSource]) -> Vec<Citation> {
    let of_tool = run.evidence_of(tool).filter(|evidence| sources.contains(&evidence.source));
    of_tool.take(6).map(|evidence| cite(evidence, "")).collect()
}

fn cite(evidence: &Evidence, wanted: &str) -> Citation {
    let quote = if !wanted.is_empty() && evidence.excerpt.contains(wanted) {
        wanted
    } else {
        evidence.excerpt.lines().map(str::trim).find(|line| line.len() > 3).unwrap_or_default()
    };
    let quotes = if quote.is_empty() { Vec::new() } else { vec![quote.chars().take(200).collect()] };
    Citation { evidence: evidence.id.clone(), quotes }
}

#[cfg(test)]
mod tests {
    use millwright_model::{CommitId, Reason};

    use super::*;

    #[test]
    fn what_is_likely_of_any_failure_makes_no_cause_of_this_one() {
        let sure = |signals: &[(&str, f64)]| {
            let reasons = signals.iter().map(|(signal, contribution)| Reason {
                signal: (*signal).to_owned(),
                contribution: *contribution,
                detail: String::new(),
            });
            let top = Suspect {
                rank: 1,
                commit: CommitId::from_bytes(&[0; 20]),
                subject: String::new(),
                score: 1.0,
                reasons: reasons.collect(),
            };
            let list = SuspectList {
                total: 9,
                confidence: 0.8,
                suspects: vec![top.clone()],
                locations: vec![],
                rejected_causes: vec![],
                earlier: vec![],
            };
            bounded(&list, &top)
        };
        assert!(sure(&[("touches_source", 1.0), ("memory_commit", 2.0), ("ticket_text", -0.1)]) < PROBABLE);
        assert!(sure(&[]) < PROBABLE);
        assert_eq!(sure(&[("touches_source", 1.0), ("symptom_text", 0.4)]), 0.8);
        assert!(sure(&[("symptom_text", 3.1), ("frame_file", 0.5), ("no_effect", -3.5)]) < PROBABLE);
    }
}
