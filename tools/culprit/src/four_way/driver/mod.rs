/*!
Decides which input runs next on which side, and when to stop.

Every candidate first runs on the parent, the culprit and the fix (the first two are cached for the next fix of the
same incident). If the fix does not behave like the parent, the failing revision runs at once; of the other
candidates, those that differ most use the remaining inputs. An input that holds needs no repetition, because its
observations agree in pairs of different revisions. A contradiction is repeated on all four sides before it counts,
and an output that differs from its own repetition decides nothing.
*/

mod settle;

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::SystemTime;

use super::normalise::{ComparableObservation, Normaliser};
use super::observe::{ObservationMode, observe};
use super::rules::{FourSides, FourWayRuling, is_broken, rule};
use super::types::{
    CheckedFixKind, FourWayObservation, FourWayOutcome, FourWaySide, InputChange, InputSource, InputVariant,
};
use super::variants::input_variants;

/// Runs an input on a side. Blocks.
pub(crate) trait SideRunner {
    /// # Errors
    /// Says why the input cannot run on this side; it then decides nothing.
    fn run(&mut self, side: FourWaySide, input: &InputVariant) -> Result<FourWayObservation, String>;

    /// Paths of the checkouts, which outputs may mention.
    fn roots(&self) -> Vec<String> {
        Vec::new()
    }

    /// False ends the check early: time is up, or the investigation was interrupted.
    fn may_continue(&mut self) -> bool {
        true
    }
}

#[derive(Debug, Clone)]
pub(crate) struct FourWayOptions {
    pub(crate) kind: CheckedFixKind,
    /// Maximum number of inputs that run on all four sides.
    pub(crate) max_inputs: usize,
    /// Deciding inputs that count as proof.
    pub(crate) enough: usize,
    /// Maximum number of candidates that run on the parent, the culprit and the fix.
    pub(crate) max_probes: usize,
    /// Maximum number of executions, cached answers not counted.
    pub(crate) max_runs: usize,
}

impl FourWayOptions {
    pub(crate) fn new(kind: CheckedFixKind) -> Self {
        Self { kind, max_inputs: 12, enough: 5, max_probes: 40, max_runs: 160 }
    }
}

/// Observations of the parent, the culprit and the failing revision, for the next fix of the same incident. Keep one
/// cache per incident.
#[derive(Debug, Default)]
pub(crate) struct ObservationCache {
    seen: HashMap<(FourWaySide, u64), FourWayObservation>,
}

const MAX_CACHED: usize = 2_000;

pub(crate) struct FourWayDriver<'a> {
    source: &'a InputSource,
    options: FourWayOptions,
    cache: &'a mut ObservationCache,
    runner: &'a mut dyn SideRunner,
    normaliser: Normaliser,
    outcome: FourWayOutcome,
    settled: Vec<SettledInput>,
    /// Observations of the fixed code in this check.
    fixed: HashMap<u64, ComparableObservation>,
    errors: usize,
}

/// An input that ran on all four sides.
struct SettledInput {
    input: InputVariant,
    sides: FourSides,
    ruling: FourWayRuling,
}

/// An input that ran on the parent and the culprit.
struct Probe {
    input: InputVariant,
    parent: ComparableObservation,
    culprit: ComparableObservation,
}

impl<'a> FourWayDriver<'a> {
    pub(crate) fn new(
        source: &'a InputSource,
        options: FourWayOptions,
        cache: &'a mut ObservationCache,
        runner: &'a mut dyn SideRunner,
    ) -> Self {
        let normaliser = Normaliser::new(runner.roots(), SystemTime::now());
        let outcome = FourWayOutcome::default();
        Self {
            source,
            options,
            cache,
            runner,
            normaliser,
            outcome,
            settled: Vec::new(),
            fixed: HashMap::new(),
            errors: 0,
        }
    }

    /// Runs the check to its end.
    pub(crate) fn check(mut self) -> FourWayOutcome {
        let (mode, original) = self.choose_mode();
        let own = original.as_ref().map(|probe| (probe.parent.clone(), probe.culprit.clone()));
        let mut contradicted = false;
        if let Some(original) = original {
            contradicted = self.decide(original);
        }
        if !contradicted {
            let candidates = input_variants(self.source, mode, self.options.max_probes * 3 + 1);
            self.explore(candidates, own.as_ref());
        }
        self.finish()
    }

    fn may_run(&mut self, executions: usize) -> bool {
        self.errors < 4
            && self.outcome.runs + executions <= self.options.max_runs
            && self.runner.may_continue()
    }

    fn execute(
        &mut self,
        side: FourWaySide,
        input: &InputVariant,
        fresh: bool,
    ) -> Option<ComparableObservation> {
        let mut hasher = DefaultHasher::new();
        (&input.command, &input.env, &input.files).hash(&mut hasher);
        let key = (side, hasher.finish());
        if !fresh && let Some(known) = self.cache.seen.get(&key) {
            self.outcome.cached += 1;
            return Some(self.normaliser.comparable(known));
        }
        self.outcome.runs += 1;
        match self.runner.run(side, input) {
            Ok(observation) => {
                self.errors = 0;
                let comparable = self.normaliser.comparable(&observation);
                if side == FourWaySide::Fixed {
                    self.fixed.insert(key.1, comparable.clone());
                } else if self.cache.seen.len() < MAX_CACHED {
                    self.cache.seen.insert(key, observation);
                }
                Some(comparable)
            }
            Err(why) => {
                self.errors += 1;
                let note = format!("an input could not run: {}", why.chars().take(200).collect::<String>());
                if self.outcome.notes.len() < 8 && !self.outcome.notes.contains(&note) {
                    self.outcome.notes.push(note);
                }
                None
            }
        }
    }

    fn probe(&mut self, input: InputVariant) -> Option<Probe> {
        let parent = self.execute(FourWaySide::Parent, &input, false)?;
        let culprit = self.execute(FourWaySide::Culprit, &input, false)?;
        Some(Probe { input, parent, culprit })
    }

    /// The first mode whose own input reliably distinguishes the parent from the culprit.
    fn choose_mode(&mut self) -> (ObservationMode, Option<Probe>) {
        let mut tried: Vec<InputVariant> = Vec::new();
        let mut fallback = None;
        for mode in ObservationMode::ALL {
            let Some(input) = observe(self.source, mode) else { continue };
            if tried.contains(&input) || !self.may_run(3) {
                continue;
            }
            tried.push(input.clone());
            let Some(probe) = self.probe(input.clone()) else { continue };
            if probe.parent == probe.culprit || is_broken(&probe.parent) {
                if mode == ObservationMode::AsIs {
                    fallback = Some(probe);
                }
                continue;
            }
            if self.execute(FourWaySide::Parent, &input, true).is_some_and(|again| again == probe.parent) {
                return (mode, Some(probe));
            }
        }
        self.outcome
            .notes
            .push("the replay's output does not tell the parent and the culprit apart".to_owned());
        (ObservationMode::AsIs, fallback)
    }

    /// Probes candidates. If the fix does not behave like the parent, the input is decided at once, because it may
    /// contradict the fix; of the others, those that differ most use the remaining inputs.
    fn explore(
        &mut self,
        candidates: Vec<InputVariant>,
        own: Option<&(ComparableObservation, ComparableObservation)>,
    ) {
        /// Number of useless probes (no change, or a broken script) after which a literal is left alone.
        const PATIENCE: usize = 4;
        let mut seen: HashMap<(ComparableObservation, ComparableObservation), usize> = HashMap::new();
        if let Some(own) = own {
            seen.insert(own.clone(), 1);
        }
        let mut idle: HashMap<usize, usize> = HashMap::new();
        let mut probes = 0;
        // Probes that the culprit changed and probes that it did not, each with the number of similar ones before it.
        let mut changed: Vec<(usize, Probe)> = Vec::new();
        let mut same: Vec<(usize, Probe)> = Vec::new();
        let mut candidates: Vec<InputVariant> =
            candidates.into_iter().filter(|input| input.change != InputChange::Original).collect();
        // Literals whose variants show new behaviour go first; the others wait.
        let mut yields: HashMap<usize, i64> = HashMap::new();
        while !candidates.is_empty() {
            let cost = |(at, input): (usize, &InputVariant)| {
                let yielded = input.site.and_then(|site| yields.get(&site)).copied().unwrap_or(0);
                (i64::try_from(at).unwrap_or(i64::MAX) - 4 * yielded.clamp(-4, 4), at)
            };
            let Some((_, next)) = candidates.iter().enumerate().map(cost).min() else { break };
            let input = candidates.remove(next);
            let site = input.site.unwrap_or(usize::MAX);
            if idle.get(&site).is_some_and(|n| *n >= PATIENCE) {
                continue;
            }
            let reserved = self.options.max_inputs.saturating_sub(self.settled.len());
            if probes >= self.options.max_probes || reserved == 0 || !self.may_run(3 + reserved) {
                break;
            }
            probes += 1;
            let Some(probe) = self.probe(input) else { continue };
            if own.is_some_and(|own| is_echo(&probe, own)) {
                // The variant changed a value that the replay compares with, not an input.
                *idle.entry(site).or_default() += 1;
                *yields.entry(site).or_default() -= 1;
                continue;
            }
            let pair = (probe.parent.clone(), probe.culprit.clone());
            let broken =
                is_broken(&probe.parent) && (probe.parent == probe.culprit || is_broken(&probe.culprit));
            if broken || own.is_some_and(|own| *own == pair) {
                *idle.entry(site).or_default() += 1;
                *yields.entry(site).or_default() -= 1;
            } else {
                *yields.entry(site).or_default() += if seen.contains_key(&pair) { 0 } else { 1 };
                idle.remove(&site);
            }
            if broken {
                continue;
            }
            let Some(fixed) = self.execute(FourWaySide::Fixed, &probe.input, false) else { continue };
            if fixed != probe.parent {
                if self.decide(probe) {
                    return;
                }
                continue;
            }
            let times = seen.entry(pair).or_default();
            *times += 1;
            if probe.parent == probe.culprit {
                same.push((*times, probe))
            } else {
                changed.push((*times, probe))
            }
        }
        changed.sort_by_key(|(times, _)| *times);
        same.sort_by_key(|(times, _)| *times);
        let (mut changed, mut same) = (changed.into_iter(), same.into_iter());
        while self.settled.len() < self.options.max_inputs && self.may_run(2) {
            let (one, other) = (changed.next(), same.next());
            if one.is_none() && other.is_none() {
                return;
            }
            for (_, probe) in one.into_iter().chain(other) {
                if self.settled.len() < self.options.max_inputs && self.decide(probe) {
                    return;
                }
            }
        }
    }

    /// Runs a probed input on the remaining sides; returns whether it contradicts the fix beyond doubt.
    fn decide(&mut self, probe: Probe) -> bool {
        let Probe { input, parent, culprit } = probe;
        let Some(bad) = self.execute(FourWaySide::Bad, &input, false) else { return false };
        let is_original = input.change == InputChange::Original;
        let Some(fixed) = self.execute(FourWaySide::Fixed, &input, false) else { return false };
        let mut sides = FourSides { parent, culprit, bad, fixed };
        let mut ruling = rule(&sides, self.options.kind, is_original);
        if matches!(ruling, FourWayRuling::Contradicts(_) | FourWayRuling::Suspect) {
            match self.repeat(&input) {
                Some(again) if same_sides(&again, &sides) => sides = again,
                _ => ruling = FourWayRuling::Undecided,
            }
        }
        let stop = matches!(ruling, FourWayRuling::Contradicts(_));
        let open = |ruling: FourWayRuling| {
            matches!(ruling, FourWayRuling::Keeps | FourWayRuling::Undecided | FourWayRuling::Suspect)
        };
        let undecided = |settled: &&SettledInput| open(settled.ruling);
        if open(ruling)
            && self.settled.iter().filter(undecided).count()
                >= self.options.max_inputs.saturating_sub(self.options.enough + 2)
        {
            return false;
        }
        self.settled.push(SettledInput { input, sides, ruling });
        stop
    }

    fn repeat(&mut self, input: &InputVariant) -> Option<FourSides> {
        Some(FourSides {
            fixed: self.execute(FourWaySide::Fixed, input, true)?,
            bad: self.execute(FourWaySide::Bad, input, true)?,
            parent: self.execute(FourWaySide::Parent, input, true)?,
            culprit: self.execute(FourWaySide::Culprit, input, true)?,
        })
    }
}

/// Whether the output differs only by the changed literal itself, on both sides.
fn is_echo(probe: &Probe, own: &(ComparableObservation, ComparableObservation)) -> bool {
    let Some((from, to)) = &probe.input.replaced else { return false };
    let alike = |seen: &ComparableObservation, own: &ComparableObservation| {
        let (mut lines, mut own_lines) = (seen.output.lines(), own.output.lines());
        seen.ending == own.ending
            && seen.files == own.files
            && loop {
                match (lines.next(), own_lines.next()) {
                    (None, None) => break true,
                    (Some(line), Some(own)) if line == own || line == own.replace(from.as_str(), to) => {}
                    _ => break false,
                }
            }
    };
    !from.is_empty() && alike(&probe.parent, &own.0) && alike(&probe.culprit, &own.1)
}

fn same_sides(a: &FourSides, b: &FourSides) -> bool {
    a.parent == b.parent && a.culprit == b.culprit && a.bad == b.bad && a.fixed == b.fixed
}
