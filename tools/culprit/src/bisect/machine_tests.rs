use millwright_model::CommitId;
use proptest::prelude::*;

use super::*;

/// A planted fault in a history, and the bisect that looks for it.
#[derive(Debug)]
pub(super) struct Hunt {
    pub(super) graph: CommitGraph,
    pub(super) culprit: u32,
}

impl Hunt {
    fn outcome(&self, commit: &CommitId) -> BisectOutcome {
        let red = self.graph.number(commit).is_some_and(|at| self.graph.ancestors(at)[self.culprit as usize]);
        if red { BisectOutcome::Reproduces } else { BisectOutcome::Passes }
    }

    pub(super) fn run(
        &self,
        bisect: &mut BisectState,
        mut outcome: impl FnMut(&CommitId, BisectOutcome) -> BisectOutcome,
    ) -> BisectVerdict {
        for _ in 0..10_000 {
            match bisect.next_step() {
                BisectStep::Done(verdict) => return verdict,
                BisectStep::Test(commit) => {
                    let shown = outcome(&commit, self.outcome(&commit));
                    bisect.report(&commit, shown).unwrap();
                }
            }
        }
        panic!("the bisect does not end");
    }

    pub(super) fn culprit_id(&self) -> CommitId {
        self.graph.id(self.culprit).unwrap().clone()
    }
}

/// A commit whose id is a name chosen by the test.
pub(super) fn named(name: &str) -> CommitId {
    let mut bytes = [0; 20];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    CommitId::from_bytes(&bytes)
}

pub(super) fn linear(count: usize) -> CommitGraph {
    let parent = |at: usize| if at == 0 { named("good") } else { named(&format!("c{}", at - 1)) };
    let commits = (0..count).map(|at| (named(&format!("c{at}")), vec![parent(at)])).collect();
    CommitGraph::new(commits, &named(&format!("c{}", count - 1))).unwrap()
}

/// A random history: each commit has one parent, or two, among the few before it.
fn history() -> impl Strategy<Value = Hunt> {
    let commit =
        (any::<prop::sample::Index>(), proptest::option::weighted(0.3, any::<prop::sample::Index>()));
    (prop::collection::vec(commit, 1..60), any::<prop::sample::Index>()).prop_map(|(picks, planted)| {
        let mut commits: Vec<(CommitId, Vec<CommitId>)> = Vec::new();
        for (at, (first, second)) in picks.iter().enumerate() {
            let window = at.min(6);
            let name = |index: &prop::sample::Index| match window {
                0 => named("good"),
                _ => named(&format!("c{}", at - 1 - index.index(window))),
            };
            let mut parents = vec![name(first)];
            if let Some(second) = second {
                parents.push(name(second));
            }
            parents.dedup();
            commits.push((named(&format!("c{at}")), parents));
        }
        let bad = commits.last().unwrap().0.clone();
        let graph = CommitGraph::new(commits, &bad).unwrap();
        let culprit = planted.index(graph.len()) as u32;
        Hunt { graph, culprit }
    })
}

pub(super) fn bisect_of(hunt: &Hunt, prior: &[f64], policy: BisectPolicy) -> BisectState {
    BisectState::new(hunt.graph.clone(), prior, policy).unwrap()
}

fn check_proven(hunt: &Hunt, verdict: BisectVerdict) {
    match verdict {
        BisectVerdict::Proven { culprit, .. } => assert_eq!(culprit, hunt.culprit_id()),
        other => panic!("not proven: {other:?}, culprit {}", hunt.culprit_id()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn finds_the_planted_culprit_in_any_history(hunt in history(), seed in prop::collection::vec(0.0..1.0_f64, 60)) {
        for prior in [&[][..], &seed[..hunt.graph.len()]] {
            let mut bisect = bisect_of(&hunt, prior, BisectPolicy::default());
            check_proven(&hunt, hunt.run(&mut bisect, |_, outcome| outcome));
            prop_assert!(bisect.runs() as usize <= hunt.graph.len() + 8);
        }
    }

    #[test]
    fn proof_was_really_run(hunt in history()) {
        let mut bisect = bisect_of(&hunt, &[], BisectPolicy::default());
        let mut ran = Vec::new();
        let verdict = hunt.run(&mut bisect, |commit, outcome| { ran.push((commit.clone(), outcome)); outcome });
        let BisectVerdict::Proven { culprit, parents } = verdict else { panic!("{verdict:?}") };
        let bad = hunt.graph.commits().next_back().unwrap();
        prop_assert!(culprit == *bad || ran.contains(&(culprit, BisectOutcome::Reproduces)));
        for parent in parents {
            prop_assert!(ran.contains(&(parent, BisectOutcome::Passes)));
        }
    }

    #[test]
    fn with_skips_the_answer_still_holds_the_culprit(hunt in history(), skipped in prop::collection::vec(any::<bool>(), 60)) {
        let mut bisect = bisect_of(&hunt, &[], BisectPolicy::default());
        let graph = hunt.graph.clone();
        let verdict = hunt.run(&mut bisect, |commit, outcome| match graph.number(commit) {
            Some(at) if skipped[at as usize] => BisectOutcome::Untestable,
            _ => outcome,
        });
        match verdict {
            BisectVerdict::Proven { culprit, .. } => prop_assert_eq!(culprit, hunt.culprit_id()),
            BisectVerdict::Narrowed { candidates, .. } => {
                prop_assert!(candidates.iter().any(|(id, _)| *id == hunt.culprit_id()));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_left_only_shrinks(hunt in history()) {
        let mut bisect = bisect_of(&hunt, &[], BisectPolicy::default());
        let mut before = bisect.posterior().len();
        while let BisectStep::Test(commit) = bisect.next_step() {
            bisect.report(&commit, hunt.outcome(&commit)).unwrap();
            let now = bisect.posterior();
            prop_assert!(now.len() <= before);
            prop_assert!(now.iter().any(|(id, _)| *id == hunt.culprit_id()));
            before = now.len();
        }
    }

    #[test]
    fn goes_on_from_its_json_as_if_nothing_had_happened(hunt in history(), seed in prop::collection::vec(0.0..1.0_f64, 60)) {
        let prior = &seed[..hunt.graph.len()];
        let mut through = bisect_of(&hunt, prior, BisectPolicy::default());
        let mut resumed = through.clone();
        loop {
            let text = serde_json::to_string(&resumed).unwrap();
            resumed = serde_json::from_str(&text).unwrap();
            let step = through.next_step();
            prop_assert_eq!(&step, &resumed.next_step());
            let BisectStep::Test(commit) = step else { break };
            through.report(&commit, hunt.outcome(&commit)).unwrap();
            resumed.report(&commit, hunt.outcome(&commit)).unwrap();
        }
    }

    /// A culprit near the end follows passes only, which looks like a flaky failure: repetitions tell the two apart.
    #[test]
    fn a_linear_history_takes_little_more_than_plain_bisect(count in 1_usize..1500, planted in any::<prop::sample::Index>()) {
        let hunt = Hunt { graph: linear(count), culprit: planted.index(count) as u32 };
        let mut bisect = bisect_of(&hunt, &[], BisectPolicy::default());
        check_proven(&hunt, hunt.run(&mut bisect, |_, outcome| outcome));
        let plain = (count as f64).log2().ceil() as u32;
        prop_assert!(bisect.runs() <= plain + 4, "{} runs for {count} commits", bisect.runs());
    }

    #[test]
    fn parallel_batches_find_the_same_culprit(hunt in history(), jobs in 1_usize..5) {
        let mut bisect = bisect_of(&hunt, &[], BisectPolicy::default());
        let verdict = loop {
            match bisect.next_batch(jobs, &[]) {
                Err(verdict) => break verdict,
                Ok(batch) => {
                    prop_assert!(!batch.is_empty() && batch.len() <= jobs);
                    for commit in batch {
                        bisect.report(&commit, hunt.outcome(&commit)).unwrap();
                    }
                }
            }
        };
        check_proven(&hunt, verdict);
    }
}

#[test]
fn a_good_prior_saves_most_runs() {
    let count = 1000;
    let mut total = 0;
    for culprit in (0..count).step_by(37) {
        let hunt = Hunt { graph: linear(count), culprit: culprit as u32 };
        let prior: Vec<f64> = (0..count).map(|at| if at == culprit { 0.6 } else { 0.4 / 999.0 }).collect();
        let mut bisect = bisect_of(&hunt, &prior, BisectPolicy::default());
        check_proven(&hunt, hunt.run(&mut bisect, |_, outcome| outcome));
        total += bisect.runs();
    }
    let mean = f64::from(total) / 28.0;
    assert!(mean <= 3.9, "mean {mean}");
}

#[test]
fn a_wrong_prior_costs_little() {
    let hunt = Hunt { graph: linear(1024), culprit: 700 };
    let prior: Vec<f64> = (0..1024).map(|at| if at == 100 { 1.0 } else { 0.0 }).collect();
    let mut bisect = bisect_of(&hunt, &prior, BisectPolicy::default());
    check_proven(&hunt, hunt.run(&mut bisect, |_, outcome| outcome));
    assert!(bisect.runs() <= 16, "{}", bisect.runs());
}

#[test]
fn good_is_run_only_when_the_search_ends_there() {
    let hunt = Hunt { graph: linear(100), culprit: 0 };
    let mut ran = Vec::new();
    let mut first = bisect_of(&hunt, &[], BisectPolicy::default());
    check_proven(
        &hunt,
        hunt.run(&mut first, |commit, outcome| {
            ran.push(commit.clone());
            outcome
        }),
    );
    assert_eq!(ran.last(), Some(&named("good")));

    let hunt = Hunt { graph: linear(100), culprit: 50 };
    let mut second = bisect_of(&hunt, &[], BisectPolicy::default());
    check_proven(
        &hunt,
        hunt.run(&mut second, |commit, outcome| {
            assert_ne!(*commit, named("good"));
            outcome
        }),
    );
}

#[test]
fn a_good_that_fails_is_said() {
    let hunt = Hunt { graph: linear(20), culprit: 0 };
    let mut bisect = bisect_of(&hunt, &[], BisectPolicy::default());
    let verdict = hunt.run(&mut bisect, |_, _| BisectOutcome::Reproduces);
    assert_eq!(verdict, BisectVerdict::OlderThanRange { commit: named("good") });
}

#[test]
fn the_first_commit_of_a_history_is_never_proven() {
    let graph = CommitGraph::new(vec![(named("root"), vec![])], &named("root")).unwrap();
    let bisect = BisectState::new(graph, &[], BisectPolicy::default()).unwrap();
    let BisectStep::Done(BisectVerdict::Narrowed { candidates, because }) = bisect.next_step() else {
        panic!()
    };
    assert_eq!((candidates[0].0.clone(), because), (named("root"), UnprovenReason::NoParent));
}

#[test]
fn a_broken_stretch_is_left_quickly() {
    let hunt = Hunt { graph: linear(256), culprit: 200 };
    let mut bisect = bisect_of(&hunt, &[], BisectPolicy::default());
    let graph = hunt.graph.clone();
    let verdict = hunt.run(&mut bisect, |commit, outcome| match graph.number(commit) {
        Some(100..=160) => BisectOutcome::Untestable,
        _ => outcome,
    });
    check_proven(&hunt, verdict);
    assert!(bisect.skipped() <= 5, "{} skipped", bisect.skipped());
}

#[test]
fn a_merge_can_be_the_culprit() {
    let commits =
        [("a", vec!["good"]), ("b", vec!["a"]), ("c", vec!["a"]), ("m", vec!["b", "c"]), ("t", vec!["m"])];
    let commits = commits.map(|(id, parents)| (named(id), parents.into_iter().map(named).collect()));
    let graph = CommitGraph::new(commits.to_vec(), &named("t")).unwrap();
    let culprit = graph.number(&named("m")).unwrap();
    let hunt = Hunt { graph, culprit };
    let mut bisect = bisect_of(&hunt, &[], BisectPolicy::default());
    let verdict = hunt.run(&mut bisect, |_, outcome| outcome);
    let BisectVerdict::Proven { culprit, mut parents } = verdict else { panic!("{verdict:?}") };
    parents.sort();
    assert_eq!((culprit, parents), (named("m"), vec![named("b"), named("c")]));
}

#[test]
fn unknown_commits_and_short_priors_are_refused() {
    let mut bisect = BisectState::new(linear(3), &[], BisectPolicy::default()).unwrap();
    assert_eq!(
        bisect.report(&named("nowhere"), BisectOutcome::Passes),
        Err(BisectError::UnknownCommit(named("nowhere")))
    );
    let short = BisectState::new(linear(3), &[1.0], BisectPolicy::default());
    assert_eq!(short, Err(BisectError::PriorLength { expected: 3, got: 1 }));
    let circle = vec![(named("a"), vec![named("b")]), (named("b"), vec![named("a")])];
    assert!(CommitGraph::new(circle, &named("a")).is_err());
}
