/*!
The playbook's summary of a report: what is known, what the replay showed, and how far the fix was checked.
*/

use millwright_culprit::fixes::kind_in_words;
use millwright_model::{CheckResult, CommitId, FailureAgreement, Fix, Proof, ReplayOutcome, TestsResult};

use crate::facts::RunFacts;
use crate::findings::CauseClaim;
use crate::report::phrasing::four_way_words;
use crate::run::{Interruption, Run, RunRequest};
use crate::verification::best_fix;

pub(super) fn write(run: &Run, request: &RunRequest, facts: &RunFacts, cause: Option<&CauseClaim>) -> String {
    let mut out = Vec::new();
    if let Some(interrupted) = run.interrupted() {
        out.push(match interrupted {
            Interruption::Cancelled => {
                "The investigation was stopped before its end; this is what was known by then.".into()
            }
            Interruption::Deadline => {
                "The deadline came before the end; this is what was known by then.".into()
            }
            Interruption::Budget => {
                "The budget was used up before the end; this is what was known by then.".to_owned()
            }
        });
    }
    if let Some(known) = facts.known() {
        out.push(format!("Known: incident {} again. {}", known.incident, known.statement));
        out.push(format!("Re-checked now at {}: {}.", request.bad.short(), known.how));
        return out.join(" ");
    }
    if let Some(fixed) = facts.found_fix.as_ref()
        && let Some(commit) = &fixed.commit
    {
        out.push(format!(
            "Already fixed at {}: commit {} (\u{201c}{}\u{201d}) fixed it; the replay passes since that commit and fails at \
             its parent {}.",
            request.bad.short(),
            commit.short(),
            fixed.subject,
            fixed.failing.as_ref().map_or("", CommitId::short)
        ));
        return out.join(" ");
    }
    if let Some(unchecked) = facts.rechecks.iter().find(|recheck| recheck.result == CheckResult::NotRun) {
        out.push(format!("It looks like incident {}; {}.", unchecked.incident, unchecked.how));
    }
    if let Some(failed) =
        facts.rechecks.iter().find(|recheck| recheck.result == CheckResult::Fail && facts.looks_like(recheck))
    {
        out.push(format!(
            "It looks like incident {}, but what is known about it does not apply here ({}), so it was \
             investigated again.",
            failed.incident, failed.how
        ));
    }
    match cause {
        Some(cause) => out.push(cause.claim.statement.clone()),
        None => out.push("No cause could be named.".into()),
    }
    out.extend(proof_in_words(facts, request));
    out.join(" ")
}

fn proof_in_words(facts: &RunFacts, request: &RunRequest) -> Vec<String> {
    let mut out = Vec::new();
    match &facts.reproduction {
        Some(seen) => match seen.outcome {
            ReplayOutcome::Reproduces => {}
            ReplayOutcome::Passes => out.push(format!(
                "The replay passes at the failing revision {}, so it does not show this failure{}.",
                request.bad.short(),
                ending(&seen.output_end)
            )),
            ReplayOutcome::OtherFailure => {
                let ticket = match &seen.agreement {
                    Some(FailureAgreement::Differs { ticket, .. }) => format!(" The ticket says: {ticket}."),
                    _ => String::new(),
                };
                out.push(format!(
                    "The replay fails at {} in another way than the ticket says, so nothing is proven by it.{ticket} The \
                     replay shows: {}{}.",
                    request.bad.short(),
                    seen.signature,
                    ending(&seen.output_end)
                ));
            }
            ReplayOutcome::CannotTest => {
                let remedy = seen.remedy.as_deref().map(|remedy| format!(" {remedy}")).unwrap_or_default();
                out.push(format!(
                    "The replay could not be run at {}: {}{}.{remedy}",
                    request.bad.short(),
                    seen.signature,
                    ending(&seen.output_end)
                ));
            }
        },
        None => {
            if let Some(because) = facts.no_replay_because(request) {
                out.push(format!("Nothing was replayed: {because}."));
            }
        }
    }
    if let Some(problem) = facts.bisection.as_ref().and_then(|bisection| bisection.problem.as_deref()) {
        out.push(format!("{problem}."));
    }
    let best = best_fix(facts);
    match (best, facts.proven_culprit()) {
        (Some(fix), _) => {
            let kind = kind_in_words(fix.kind);
            out.push(match fix.proof {
                Proof::FixVerified => format!("The {kind} is verified: {}.", beyond_replay(&fix)),
                _ => format!(
                    "The {kind} makes the replay pass, and nothing beyond the replay shows that the behaviour is right \
                     again ({}), so it is a candidate, not a verified fix.",
                    beyond_replay(&fix)
                ),
            });
            if let Some(first) = fix.takes_away.first() {
                let more = fix.takes_away.len() - 1;
                let more = if more > 0 { format!(", and {more} more") } else { String::new() };
                out.push(format!("It also removes: {first}{more}."));
            }
        }
        (None, Some(_)) => {
            let why = facts.fix_checks.last().map(|check| check.detail.clone());
            let none = facts.candidates.as_ref().and_then(|found| found.not_applicable.first().cloned());
            out.push(match why.or(none) {
                Some(why) => format!("No fix was verified: {why}."),
                None => "No fix was verified.".to_owned(),
            });
        }
        (None, None) => {}
    }
    out
}

/// The checks beyond the replay and their results, as a part of a sentence.
fn beyond_replay(fix: &Fix) -> String {
    if let Some(then) = &fix.proven_then {
        return format!(
            "the project's tests and the four-way check were not run again since it was proven, on {}",
            then.on
        );
    }
    let tests = match (&fix.tests_detail, fix.tests) {
        (Some(detail), _) if !detail.because.is_empty() => detail.because.trim_end_matches('.').to_owned(),
        (_, TestsResult::Pass) => "the project's tests are not worse with it".to_owned(),
        (_, TestsResult::Fail) => "the project's tests are worse with it".to_owned(),
        (_, TestsResult::NotComparable) => "the project's tests cannot be compared".to_owned(),
        (_, TestsResult::CouldNotRun) => "the project's tests could not be run".to_owned(),
        (_, TestsResult::NotRun) => "the project's tests were not run".to_owned(),
    };
    let four_way = fix.four_way.as_ref().map(four_way_words);
    let four_way = four_way.unwrap_or_else(|| "the four-way check was not run".to_owned());
    format!("{tests}; {four_way}")
}

/// How an output ended, as the end of a sentence.
fn ending(output: &str) -> String {
    const LINES: usize = 3;
    let lines: Vec<&str> = output.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default() {
        [] => "; it printed nothing".to_owned(),
        last => format!("; its output ends: {}", last.join(" | ")),
    }
}
