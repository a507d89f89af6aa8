use millwright_testkit::repository::TestRepo;

use super::*;
use crate::fixes::propose;

/// The result for a whole revert of the second of three commits.
fn check(subject: &str, culprit: &[(&str, &str)], later: &[(&str, &str)]) -> TakesAway {
    let repo = TestRepo::new();
    repo.commit(
        "Add the shop",
        &[("shop.py", "def total(cart):\n    return sum(cart)\n"), ("tests/test_a.py", "\n")],
    );
    let commit = repo.commit(subject, culprit);
    let bad = repo.commit("Later", later);
    let opened = Repo::open(&repo.work(), &repo.data()).unwrap();
    let proposal = propose(&opened, &commit, &[], &bad).unwrap();
    let revert = proposal.candidates.iter().find(|candidate| candidate.kind == FixKind::Revert).unwrap();
    takes_away(&opened, revert, &commit, &bad).unwrap()
}

#[test]
fn a_revert_lists_feature_tests_users_and_later_commits() {
    let culprit =
        "def total(cart):\n    return sum(cart) - discount(cart)\n\n\ndef discount(cart):\n    return 1\n";
    let test = "def test_discount():\n    assert discount([1]) == 1\n";
    let found = check(
        "Give a discount",
        &[("shop.py", culprit), ("tests/test_shop.py", test)],
        &[("report.py", "import shop\n\nprint(shop.discount([1]))\n")],
    );
    assert!(!found.security, "{found:?}");
    let said = found.items.join("\n");
    for expected in [
        "the whole change “Give a discount”",
        "the tests in tests/test_shop.py",
        "`discount`, which report.py:3 still uses",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn what_speaks_of_security_comes_first_and_makes_a_stopgap() {
    let guarded =
        "def total(cart):\n    return sum(cart)\n\n\ndef name(text):\n    return escape_html(text)\n";
    let found = check("Print names", &[("shop.py", guarded)], &[("x", "x\n")]);
    assert!(found.security);
    assert!(found.items[0].starts_with("SECURITY: shop.py:6"), "{found:?}");
    let found = check(
        "Avoid ReDoS in names (CVE-2024-1)",
        &[("shop.py", "def total(cart):\n    return 2\n")],
        &[("x", "x\n")],
    );
    assert!(found.security && found.items[0].contains("CVE-2"), "{found:?}");
}

#[test]
fn words_that_only_look_like_security_do_not_count() {
    for text in ["the author of the cart", "secured_by = 1", "authority", "landscape", "injected"] {
        assert_eq!(speaks_of_security(text), None, "{text}");
    }
    for text in [
        "CVE-2021-1234",
        "escape(x)",
        "htmlEscape",
        "un_escaped",
        "sanitize",
        "auth check",
        "authenticate()",
        "XSS",
    ] {
        assert!(speaks_of_security(text).is_some(), "{text}");
    }
}
