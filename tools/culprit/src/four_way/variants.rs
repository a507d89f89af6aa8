/*!
Makes inputs around the replay's own, best first: near ones before far ones, and each literal and each kind of change
gets its turn before another one repeats.
*/

use super::dictionary::{ValueDictionary, dictionary};
use super::mutate::{Mutation, number_mutations, text_mutations};
use super::observe::{ObservableReplay, ObservationMode, laid_files, observable, original};
use super::region::{Region, RegionEdit, apply_edits};
use super::sites::{LiteralSite, SiteKind, sites};
use super::token::TokenLanguage;
use super::types::{InputChange, InputSource, InputVariant};

/// Maximum number of variants, for any budget.
pub(crate) const MAX_VARIANTS: usize = 200;

/// Maximum number of ranked candidates per site.
const PER_SITE: usize = 40;

/// At most `budget` inputs around the replay's own, which comes first. Pure: the same source gives the same inputs.
pub(crate) fn input_variants(
    source: &InputSource,
    mode: ObservationMode,
    budget: usize,
) -> Vec<InputVariant> {
    let observable = observable(source, mode);
    let budget = budget.min(MAX_VARIANTS);
    let mut found = vec![original(source, &observable)];
    let dictionary = dictionary(&source.diffs, &source.programs);
    let (regions, sites) = sites(&observable);
    let mut candidates = candidates(&regions, &sites, &dictionary);
    let mut used_sites = vec![0_usize; sites.len()];
    let mut used_changes: Vec<(InputChange, usize)> = Vec::new();
    while found.len() < budget && !candidates.is_empty() {
        let cost = |candidate: &Candidate| {
            let kind =
                used_changes.iter().find(|(change, _)| *change == candidate.change).map_or(0, |(_, n)| *n);
            let site = used_sites.get(candidate.site).copied().unwrap_or(0);
            // A value that a diff mentions is the likeliest to distinguish a wrong fix from a right one.
            let (near, fresh) = match candidate.change {
                InputChange::FromDiff | InputChange::Boundary | InputChange::Sibling => (1, 1),
                _ => (2, 3),
            };
            candidate.rank * near + site * 2 + kind * fresh + candidate.priority * 3
        };
        let Some(best) = (0..candidates.len()).min_by_key(|at| candidates.get(*at).map_or(usize::MAX, cost))
        else {
            break;
        };
        let candidate = candidates.remove(best);
        if let Some(used) = used_sites.get_mut(candidate.site) {
            *used += 1;
        }
        match used_changes.iter_mut().find(|(change, _)| *change == candidate.change) {
            Some((_, n)) => *n += 1,
            None => used_changes.push((candidate.change, 1)),
        }
        let variant = candidate.variant(source, &observable);
        if !found.iter().any(|known| same_input(known, &variant)) {
            found.push(variant);
        }
    }
    found
}

fn same_input(a: &InputVariant, b: &InputVariant) -> bool {
    a.command == b.command && a.env == b.env && a.files == b.files
}

struct Candidate {
    site: usize,
    rank: usize,
    priority: usize,
    change: InputChange,
    edit: RegionEdit,
    description: String,
    singular: bool,
    replaced: Option<(String, String)>,
}

impl Candidate {
    fn variant(self, source: &InputSource, observable: &ObservableReplay) -> InputVariant {
        let (varied, _) = apply_edits(&observable.source, vec![self.edit]);
        InputVariant {
            files: laid_files(source, &varied),
            command: varied.command,
            env: varied.env,
            change: self.change,
            site: Some(self.site),
            description: self.description,
            singular: self.singular,
            replaced: self.replaced,
        }
    }
}

fn candidates(regions: &[Region], sites: &[LiteralSite], dictionary: &ValueDictionary) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (number, site) in sites.iter().enumerate() {
        let Some(region) = regions.get(site.region) else { continue };
        let others: Vec<String> = sites
            .iter()
            .filter(|other| other.kind == SiteKind::Text && other.value.len() < 200)
            .map(|other| other.value.clone())
            .collect();
        for (rank, (change, text)) in
            mutations(site, region, &others, dictionary).into_iter().take(PER_SITE).enumerate()
        {
            let Some(edit) = region.edit(&site.span, &text, site.quoting) else { continue };
            let shown = |text: &str| {
                let text: String = text.chars().take(120).collect();
                if site.kind == SiteKind::Text || text.is_empty() { format!("{text:?}") } else { text }
            };
            found.push(Candidate {
                site: number,
                rank,
                priority: site.priority,
                change,
                description: format!("{} → {}", shown(&site.value), shown(&text)),
                edit,
                singular: is_singular(site),
                replaced: matches!(site.kind, SiteKind::Text | SiteKind::Number { .. })
                    .then(|| (site.value.clone(), text.clone())),
            });
        }
    }
    found
}

fn is_singular(site: &LiteralSite) -> bool {
    match site.kind {
        SiteKind::Number { .. } => matches!(site.value.as_str(), "0" | "0.0" | "-1"),
        SiteKind::Text => site.value.trim().is_empty(),
        _ => false,
    }
}

fn mutations(
    site: &LiteralSite,
    region: &Region,
    others: &[String],
    dictionary: &ValueDictionary,
) -> Vec<Mutation> {
    match &site.kind {
        SiteKind::Text => text_mutations(&site.value, others, dictionary),
        SiteKind::Number { whole } => number_mutations(&site.value, dictionary, *whole),
        SiteKind::Choice(choices) => choices.clone(),
        SiteKind::Arguments(choices) => {
            let known = |option: &&String| !site.value.contains(option.trim_end_matches('='));
            let options = dictionary.options.iter().filter(known).take(4).flat_map(|option| {
                let values: &[&str] = if option.ends_with('=') { &["1", "3"] } else { &[""] };
                values
                    .iter()
                    .map(move |value| (InputChange::FromDiff, format!("{} {option}{value}", site.value)))
            });
            options.chain(choices.iter().cloned()).collect()
        }
        SiteKind::Call if region.language == TokenLanguage::Awk => Vec::new(),
        SiteKind::Call => {
            let known = dictionary.names.contains(&site.value);
            // Only functions of the program under test have siblings: a function that a diff names, or a member.
            let before = region.text.get(..site.span.start).unwrap_or_default();
            if !known && !before.ends_with(['.', ':', '>']) {
                return Vec::new();
            }
            let siblings = dictionary.names.iter().filter(|name| **name != site.value).take(4);
            siblings.map(|name| (InputChange::Sibling, name.clone())).collect()
        }
    }
}
