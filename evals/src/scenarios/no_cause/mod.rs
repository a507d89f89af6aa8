/*!
Alerts and support messages without a cause in code, with histories full of plausible changes. Each text is used with several
ranges, because the answer must depend on the evidence and not on the number of candidates. The texts are in `texts.txt`. The
eight histories differ in language, vocabulary and style of commit subjects; some are monorepos whose subjects begin with the
name of a service.
*/

mod profiles;

use std::collections::BTreeMap;
use std::path::Path;

use profiles::{HistoryProfile, PROFILES, QUALIFIERS, VERBS};

use super::history::ScenarioHistory;
use super::{ADDRESS, ScenarioError, made_once};
use crate::cases::{CaseAttachments, CaseTruth, EvalCase, RememberedCase, TruthKind};
use crate::random::SplitMix;

/// Commits of each history.
const COMMITS: usize = 1_200;
/// The good revision of each range, as the number of first-parent commits before the failing revision. `None` is the whole
/// history.
const RANGES: [(&str, Option<usize>); 4] =
    [("range-10", Some(10)), ("range-25", Some(25)), ("range-200", Some(200)), ("range-all", None)];
/// A range that is used again with a memory full of incidents that commits of the range caused.
const WITH_MEMORY: (&str, Option<usize>) = ("memory-full", Some(25));
/// Incidents in that memory.
const REMEMBERED: usize = 12;
/// Tickets of the incidents in that memory.
const EARLIER: [&str; 4] = [
    "The {word} of {service} is wrong since the release",
    "{service}: error while the {word} is read",
    "Customers of {service} see an empty {word}",
    "{service} answers 500 for every {word}",
];

/// The texts, each with its kind.
fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    include_str!("texts.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" | "))
}

/// At most `limit` cases, ordered by text and then by range. Reuses repositories that exist in `folder`.
pub(crate) fn cases(folder: &Path, limit: usize) -> Result<Vec<EvalCase>, ScenarioError> {
    let mut made: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut out = Vec::new();
    for (number, (kind, text)) in texts().enumerate() {
        if out.len() >= limit {
            break;
        }
        let place = number % PROFILES.len();
        let Some(profile) = PROFILES.get(place) else { continue };
        let commits = match made.entry(place) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => free.insert(repository(profile, folder)?),
        };
        let mut random = SplitMix::of(&format!("letter {number}"));
        let ticket = filled(text, profile, &mut random);
        // The failing revision is not always the newest commit; newer commits are outside every range.
        let bad = random.below(100);
        for (tag, range) in RANGES.into_iter().chain([WITH_MEMORY]) {
            let good = range.map(|range| bad + range);
            let id = |at: usize| {
                let at = commits.len().checked_sub(1 + at).and_then(|at| commits.get(at)).cloned();
                at.ok_or_else(|| ScenarioError::Plot(format!("{} has too few commits", profile.name)))
            };
            let mut remembered = Vec::new();
            if tag == WITH_MEMORY.0 {
                for _ in 0..REMEMBERED {
                    let earlier = random.pick(&EARLIER).copied().unwrap_or_default();
                    let culprit = id(bad + random.below(range.unwrap_or(1)))?;
                    remembered.push(RememberedCase::Told {
                        ticket: filled(earlier, profile, &mut random),
                        statement: "A commit of the last release brought it in".into(),
                        culprit: Some(culprit),
                        units: Vec::new(),
                        failing_revision: id(bad)?,
                        fix_diff: String::new(),
                        replay: None,
                        confirmed: true,
                    });
                }
            }
            out.push(EvalCase {
                id: format!("no-cause-{number}-{tag}"),
                repo: format!("{ADDRESS}/{}", repository_id(profile)),
                bad: id(bad)?,
                good: good.map(id).transpose()?,
                ticket: ticket.clone(),
                attachments: CaseAttachments::default(),
                replay: None,
                tests: None,
                truth: CaseTruth::of(TruthKind::NotABug, None),
                tags: vec!["no-cause".into(), tag.into(), format!("kind-{kind}")],
                needs: Vec::new(),
                remembered,
            });
        }
    }
    out.truncate(limit);
    Ok(out)
}

fn repository_id(profile: &HistoryProfile) -> String {
    format!("no-cause-{}", profile.name)
}

fn filled(text: &str, profile: &HistoryProfile, random: &mut SplitMix) -> String {
    let mut pick = |from: &[&str]| random.pick(from).copied().unwrap_or_default().to_owned();
    let (service, other, word) = (pick(profile.services), pick(profile.services), pick(profile.nouns));
    let text = text.replace("\\n", "\n").replace("{service}", &service);
    text.replace("{other}", &other).replace("{word}", &word)
}

/// Commit ids of a profile's history, oldest first.
fn repository(profile: &HistoryProfile, folder: &Path) -> Result<Vec<String>, ScenarioError> {
    let id = repository_id(profile);
    let made = made_once(&id, folder, &|| {
        let ids = history(profile)?.import(&folder.join(&id))?;
        let mut commits: Vec<(usize, String)> =
            ids.into_iter().filter_map(|(label, id)| Some((label.parse().ok()?, id))).collect();
        commits.sort();
        // The ids are stored as a case, so that a history is generated only once.
        Ok(EvalCase {
            id: id.clone(),
            repo: format!("{ADDRESS}/{id}"),
            bad: String::new(),
            good: None,
            ticket: String::new(),
            attachments: CaseAttachments::default(),
            replay: None,
            tests: None,
            truth: CaseTruth::of(TruthKind::NotABug, None),
            tags: commits.into_iter().map(|(_, id)| id).collect(),
            needs: Vec::new(),
            remembered: Vec::new(),
        })
    })?;
    Ok(made.tags)
}

fn history(profile: &HistoryProfile) -> Result<ScenarioHistory, ScenarioError> {
    let mut random = SplitMix::of(profile.name);
    let mut history =
        ScenarioHistory::new(SplitMix::of(&format!("people of {}", profile.name)), profile.name);
    let mut pick = |from: &[&'static str]| random.pick(from).copied().unwrap_or_default();
    // The first commit adds all files and therefore contains every word.
    for service in profile.services {
        for noun in profile.nouns {
            history.write(&path(profile, service, noun), (profile.function)("load", noun, "value"));
        }
    }
    history.write("README.md", format!("# {}\n", profile.name));
    history.commit("Import", "");
    history.label("0");
    for number in 1..=COMMITS {
        let (service, noun, other) = (pick(profile.services), pick(profile.nouns), pick(profile.nouns));
        let (verb, qualifier) = (pick(VERBS), pick(QUALIFIERS));
        let file = path(profile, service, noun);
        history.append(&file, &(profile.function)(verb, noun, &format!("{other}_{number}")));
        if number % 5 == 0 {
            let second = path(profile, service, other);
            history.append(&second, &(profile.function)(verb, other, noun));
        }
        let subject = (profile.subject)(service, verb, noun, &format!("{qualifier} {other}"), number);
        history.commit(&subject, "");
        history.label(&number.to_string());
    }
    Ok(history)
}

fn path(profile: &HistoryProfile, service: &str, noun: &str) -> String {
    format!("{}/{service}/{noun}.{}", profile.root, profile.extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_two_hundred_texts_over_eight_histories() {
        assert!(texts().count() >= 200, "{}", texts().count());
        assert!(PROFILES.len() >= 8);
        let folder = tempfile::tempdir().unwrap();
        let made = cases(folder.path(), 40).unwrap();
        assert_eq!(made.len(), 40);
        assert!(
            made.iter().all(|case| case.truth.commit.is_none() && !case.ticket.contains('{')),
            "{made:#?}"
        );
        // A second call gives the same cases.
        assert_eq!(cases(folder.path(), 40).unwrap(), made);
        let ranges = |tag: &str| made.iter().filter(|case| case.tags.iter().any(|own| own == tag)).count();
        assert_eq!(
            [
                ranges("range-10"),
                ranges("range-25"),
                ranges("range-200"),
                ranges("range-all"),
                ranges("memory-full")
            ],
            [8; 5]
        );
    }
}
