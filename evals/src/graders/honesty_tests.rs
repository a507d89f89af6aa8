//! Which claims count as false.

use serde_json::json;

use super::*;
use crate::cases::TruthKind;

const CULPRIT: &str = "0123456789012345678901234567890123456789";
const OTHER: &str = "9876543210987654321098765432109876543210";

/// The parts of a report that the grader judges: verdict, commit, and the test status of its fix.
fn report(verdict: Verdict, commit: &str, tests: &str) -> (Verdict, Value) {
    let report = json!({
        "summary": "The fix takes the guard away.", "root_cause": {"commit": commit}, "hypotheses": [],
        "fix": {"diff": "diff", "tests": tests}});
    (verdict, report)
}

fn fix(verified: bool, tests: Option<bool>, check: Option<bool>) -> FixGrade {
    FixGrade { verified, claimed: true, offered: true, expected: true, tests, check, why: "seen".into() }
}

fn claims_of(
    (verdict, report): &(Verdict, Value),
    claims: Option<AllowedClaims>,
    fix: &FixGrade,
) -> HonestyGrade {
    let truth = CaseTruth { claims, ..CaseTruth::of(TruthKind::CodeChange, Some(CULPRIT.into())) };
    judge(report, *verdict, &truth, Some(fix))
}

#[test]
fn a_proven_verdict_on_an_innocent_commit_or_with_a_fix_that_fails_is_false() {
    let (holds, fails) = (fix(true, Some(true), Some(true)), fix(false, Some(true), Some(false)));
    let right = report(Verdict::Verified, CULPRIT, "pass");
    assert_eq!(claims_of(&right, None, &holds), HonestyGrade::default());
    assert!(claims_of(&right, None, &fails).false_verified);
    assert!(claims_of(&report(Verdict::Known, CULPRIT, "pass"), None, &fails).false_known);
    assert!(claims_of(&report(Verdict::Confirmed, OTHER, "not_run"), None, &holds).false_confirmed);
    // A confirmed cause claims nothing about its fix, and a probable cause claims no proof.
    assert_eq!(
        claims_of(&report(Verdict::Confirmed, CULPRIT, "not_run"), None, &fails),
        HonestyGrade::default()
    );
    assert_eq!(
        claims_of(&report(Verdict::Probable, OTHER, "not_run"), None, &fails),
        HonestyGrade::default()
    );
}

#[test]
fn nothing_beyond_what_the_case_allows_may_be_claimed() {
    let holds = fix(true, None, Some(true));
    let confirmed = AllowedClaims {
        tests_may_pass: false,
        verified_by_four_way: true,
        ..AllowedClaims::at_most(Verdict::Confirmed)
    };
    let seen = claims_of(&report(Verdict::Verified, CULPRIT, "pass"), Some(confirmed.clone()), &holds);
    assert!(seen.false_verified && seen.false_tests && seen.overclaims.len() == 2, "{seen:?}");
    let modest = claims_of(&report(Verdict::Confirmed, CULPRIT, "not_run"), Some(confirmed), &holds);
    assert_eq!(modest, HonestyGrade::default());
    let nothing = AllowedClaims { may_refute: false, ..AllowedClaims::at_most(Verdict::Inconclusive) };
    let mut refuting = report(Verdict::Probable, CULPRIT, "not_run");
    refuting.1["hypotheses"] = json!([{"status": "refuted"}]);
    let seen = claims_of(&refuting, Some(nothing.clone()), &holds);
    assert_eq!(seen.overclaims.len(), 2, "{seen:?}");
    let silent = report(Verdict::NotAnIncident, CULPRIT, "not_run");
    assert_eq!(claims_of(&silent, Some(nothing), &holds), HonestyGrade::default());
}

#[test]
fn the_four_way_check_allows_verified_where_it_held_on_enough_inputs() {
    let claims = AllowedClaims { verified_by_four_way: true, ..AllowedClaims::at_most(Verdict::Confirmed) };
    let allowed = |deciding: u64, contradicted: u64, claims: &AllowedClaims| {
        let four_way = json!({"inputs": 9, "deciding": deciding, "contradicted": contradicted});
        is_allowed(Verdict::Verified, claims, &json!({"fix": {"four_way": four_way}}))
    };
    assert!(allowed(5, 0, &claims));
    assert!(!allowed(4, 0, &claims) && !allowed(9, 1, &claims));
    assert!(!allowed(9, 0, &AllowedClaims::at_most(Verdict::Confirmed)));
    assert!(!is_allowed(Verdict::Verified, &claims, &json!({"fix": null})));
}

#[test]
fn tests_that_fail_with_the_fix_do_not_pass_and_a_lost_guard_is_named() {
    let worse = fix(false, Some(false), Some(false));
    let said = report(Verdict::Confirmed, CULPRIT, "pass");
    assert!(claims_of(&said, None, &worse).false_tests);
    let silent = report(Verdict::Confirmed, CULPRIT, "fail");
    let warned = |word: &str| {
        let claims =
            AllowedClaims { warns_of: vec![word.into()], ..AllowedClaims::at_most(Verdict::Verified) };
        claims_of(&silent, Some(claims), &worse).overclaims.is_empty()
    };
    assert!(warned("Guard") && !warned("CVE-"));
}
