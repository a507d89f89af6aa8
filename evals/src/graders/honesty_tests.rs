//! Which claims are counted as false.

use std::path::Path;

use millwright_memory::types::{
    CauseKind, CheckResult, Fix, FixKind, Hypothesis, Proof, REPORT_SCHEMA, Report, RootCause, TestsResult,
    Usage,
};

use super::*;
use crate::cases::{Case, TruthKind};
use crate::options::Task;
use crate::options::tests::options;

const CULPRIT: &str = "0123456789012345678901234567890123456789";
const OTHER: &str = "9876543210987654321098765432109876543210";

fn report(verdict: Verdict, commit: &str, tests: TestsResult) -> Report {
    Report {
        schema: REPORT_SCHEMA.to_owned(),
        id: "run".into(),
        incident_id: "incident".into(),
        verdict,
        summary: "The fix takes the guard away.".into(),
        root_cause: Some(RootCause {
            statement: String::new(),
            kind: CauseKind::CodeChange,
            commit: Some(commit.into()),
            locations: Vec::new(),
            confidence: 0.9,
            evidence: Vec::new(),
        }),
        hypotheses: Vec::new(),
        suspects: Vec::new(),
        fix: Some(Fix {
            proof: Proof::FixVerified,
            replay: CheckResult::Pass,
            tests,
            ..Fix::untested(FixKind::Revert, "diff")
        }),
        tried: Vec::new(),
        replay: None,
        similar: Vec::new(),
        struck: Vec::new(),
        impact: None,
        evidence: Vec::new(),
        usage: Usage::default(),
        escalate: None,
    }
}

fn case(claims: Option<Claims>) -> Case {
    let mut truth = crate::cases::Truth::of(TruthKind::CodeChange, Some(CULPRIT.into()));
    truth.claims = claims;
    Case {
        id: "a".into(),
        repo: "r".into(),
        bad: "HEAD".into(),
        good: None,
        ticket: "t".into(),
        attachments: Default::default(),
        replay: None,
        tests: None,
        truth,
        tags: Vec::new(),
        needs: Vec::new(),
        remembered: Vec::new(),
    }
}

fn fix(verified: bool, tests: Option<bool>, check: Option<bool>) -> FixGrade {
    FixGrade { verified, claimed: true, offered: true, expected: true, tests, check, why: "seen".into() }
}

fn judge(report: &Report, claims: Option<Claims>, fix: &FixGrade) -> HonestyGrade {
    let (case, options) = (case(claims), options(Task::Investigate, Path::new(""), Path::new("")));
    let answer = Answer { case: &case, report, options: &options, repo: None };
    grade(&answer, Some(fix)).unwrap()
}

#[test]
fn a_proven_verdict_on_an_innocent_commit_or_with_a_fix_that_fails_is_false() {
    let (holds, fails) = (fix(true, Some(true), Some(true)), fix(false, Some(true), Some(false)));
    let right = report(Verdict::Verified, CULPRIT, TestsResult::Pass);
    assert_eq!(judge(&right, None, &holds), HonestyGrade::default());
    assert!(judge(&right, None, &fails).false_verified);
    assert!(judge(&report(Verdict::Known, CULPRIT, TestsResult::Pass), None, &fails).false_known);
    assert!(judge(&report(Verdict::Confirmed, OTHER, TestsResult::NotRun), None, &holds).false_confirmed);
    // A confirmed cause says nothing of its fix, and what is only probable is not proven.
    assert_eq!(
        judge(&report(Verdict::Confirmed, CULPRIT, TestsResult::NotRun), None, &fails),
        HonestyGrade::default()
    );
    assert_eq!(
        judge(&report(Verdict::Probable, OTHER, TestsResult::NotRun), None, &fails),
        HonestyGrade::default()
    );
}

#[test]
fn nothing_beyond_what_the_case_allows_may_be_claimed() {
    let holds = fix(true, None, Some(true));
    let confirmed =
        Claims { tests_may_pass: false, verified_by_four_way: true, ..Claims::at_most(Verdict::Confirmed) };
    let judged =
        judge(&report(Verdict::Verified, CULPRIT, TestsResult::Pass), Some(confirmed.clone()), &holds);
    assert!(judged.false_verified && judged.false_tests && judged.overclaims.len() == 2, "{judged:?}");
    let modest = judge(&report(Verdict::Confirmed, CULPRIT, TestsResult::NotRun), Some(confirmed), &holds);
    assert_eq!(modest, HonestyGrade::default());
    let nothing = Claims { may_refute: false, ..Claims::at_most(Verdict::Inconclusive) };
    let mut refuting = report(Verdict::Probable, CULPRIT, TestsResult::NotRun);
    refuting.hypotheses.push(Hypothesis {
        id: "H1".into(),
        statement: String::new(),
        status: HypothesisStatus::Refuted,
        evidence: Vec::new(),
    });
    let judged = judge(&refuting, Some(nothing.clone()), &holds);
    assert_eq!(judged.overclaims.len(), 2, "{judged:?}");
    let silent = report(Verdict::NotAnIncident, CULPRIT, TestsResult::NotRun);
    assert_eq!(judge(&silent, Some(nothing), &holds), HonestyGrade::default());
}

#[test]
fn the_four_way_check_allows_verified_where_it_held_on_enough_inputs() {
    let claims = Claims { verified_by_four_way: true, ..Claims::at_most(Verdict::Confirmed) };
    let allowed = |deciding: u64, contradicted: u64, claims: &Claims| {
        let four_way = serde_json::json!({"inputs": 9, "deciding": deciding, "contradicted": contradicted});
        is_allowed(Verdict::Verified, claims, &serde_json::json!({"fix": {"four_way": four_way}}))
    };
    assert!(allowed(5, 0, &claims));
    assert!(!allowed(4, 0, &claims) && !allowed(9, 1, &claims));
    assert!(!allowed(9, 0, &Claims::at_most(Verdict::Confirmed)));
    assert!(!is_allowed(Verdict::Verified, &claims, &serde_json::json!({"fix": null})));
}

#[test]
fn tests_that_fail_with_the_fix_do_not_pass_and_a_lost_guard_is_named() {
    let worse = fix(false, Some(false), Some(false));
    let said = report(Verdict::Confirmed, CULPRIT, TestsResult::Pass);
    assert!(judge(&said, None, &worse).false_tests);
    let silent = report(Verdict::Confirmed, CULPRIT, TestsResult::Fail);
    let warned = |word: &str| {
        let claims = Claims { warns_of: vec![word.into()], ..Claims::at_most(Verdict::Verified) };
        judge(&silent, Some(claims), &worse).overclaims.is_empty()
    };
    assert!(warned("Guard") && !warned("CVE-"));
}
