use std::collections::BTreeSet;
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

fn hunk(at: u32) -> CulpritHunk {
    CulpritHunk {
        path: format!("f{at}"),
        kind: HunkKind::Lines,
        old_start: 1,
        old_lines: 1,
        new_start: 1,
        new_lines: 1,
        heading: String::new(),
    }
}

/// Minimises where a set counts as the cause exactly when it contains all of `guilty`.
fn check(total: u32, guilty: &[u32], favourite: Option<u32>, max_runs: u32) -> MinimisedHunks {
    let wanted: BTreeSet<String> = guilty.iter().map(|at| format!("f{at}")).collect();
    let weight =
        |h: &CulpritHunk| if favourite.is_some_and(|at| h.path == format!("f{at}")) { 3.0 } else { 1.0 };
    minimise((0..total).map(hunk).collect(), weight, max_runs, |set| {
        let have: BTreeSet<String> = set.iter().map(|h| h.path.clone()).collect();
        Ok::<_, Infallible>(wanted.is_subset(&have))
    })
    .unwrap()
}

#[test]
fn the_suspected_hunk_costs_one_run() {
    let done = check(20, &[13], Some(13), 50);
    assert_eq!((done.guilty, done.runs), (vec![hunk(13)], 1));
}

#[test]
fn a_single_hunk_costs_nothing() {
    assert_eq!(check(1, &[0], None, 50).runs, 0);
}

#[test]
fn a_spent_budget_still_answers_with_a_guilty_set() {
    let done = check(64, &[3, 40], None, 3);
    assert!(done.guilty.contains(&hunk(3)) && done.guilty.contains(&hunk(40)));
    assert!(!done.is_minimal);
}

proptest! {
    #[test]
    fn finds_exactly_the_guilty_set(
        total in 1u32..24,
        picks in prop::collection::btree_set(0u32..24, 1..4),
        favourite in prop::option::of(0u32..24),
    ) {
        let guilty: Vec<u32> = picks.into_iter().map(|at| at % total).collect::<BTreeSet<_>>().into_iter().collect();
        let done = check(total, &guilty, favourite, 10_000);
        let found: BTreeSet<String> = done.guilty.iter().map(|h| h.path.clone()).collect();
        let wanted: BTreeSet<String> = guilty.iter().map(|at| format!("f{at}")).collect();
        prop_assert_eq!(found, wanted);
        prop_assert!(done.is_minimal);
    }
}
