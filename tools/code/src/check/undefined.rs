/*!
Names that the fix leaves undefined, and, as suspicions only, names that it leaves unused.
*/

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{CandidateProblem, FileVersion, LineMap, ProblemKind, Suspicion};
use crate::SourceLanguage;
use crate::names::builtins::is_builtin;
use crate::names::{FileNames, NameRole, Occurrence, decides_names};
use crate::pieces::ChangeSide;
use crate::syntax::SyntaxTable;

pub(super) fn problems(
    had: &FileNames<'_>,
    after: &FileVersion<'_>,
    origin: Option<&FileNames<'_>>,
    changed: &LineMap,
) -> Vec<CandidateProblem> {
    let (has, lang) = (&after.names, after.table.lang);
    let mut known: HashSet<&str> = had.unbound();
    known.extend(origin.iter().flat_map(|names| names.unbound()));
    // A comment can declare names from elsewhere: `/* global django, gettext */`.
    let declared = declared_globals(&after.table);
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut problems = Vec::new();
    for used in has.occurrences.iter().filter(|found| found.role == NameRole::Use) {
        let name = used.name;
        if has.is_bound(name, used.scope) || known.contains(name) || told.contains(name) {
            continue;
        }
        if is_builtin(lang, name) || declared.contains(name) {
            continue;
        }
        let path = has.path(used.scope);
        let lost = [Some(had), origin].into_iter().flatten().any(|names| {
            let bound = names.binding_path(name, path);
            // At the top level, another file may define the name now.
            bound.is_some_and(|bound| !bound.is_empty() || (decides_names(lang) && !has.is_open))
        });
        let lost = lost && lang != SourceLanguage::Bash && lang != SourceLanguage::Ruby;
        let decidable =
            decides_names(lang) && !has.is_open && (lang == SourceLanguage::Python || has.is_module);
        if lost || (decidable && changed.is_changed(used.line, ChangeSide::New)) {
            told.insert(name);
            let line = used.line;
            problems.push(CandidateProblem {
                kind: ProblemKind::UndefinedName,
                line,
                sentence: format!("`{name}` is used on line {line}, and nothing in the file defines it."),
            });
        }
    }
    problems
}

fn declared_globals<'s>(table: &SyntaxTable<'s>) -> HashSet<&'s str> {
    let comments = table.rows().filter(|row| table.is_comment(*row)).map(|row| table.text(row));
    let lists = comments.filter(|text| text.trim_start_matches(['/', '*', ' ']).starts_with("global"));
    lists.flat_map(|text| text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$')))).collect()
}

/// Names that are bound but no longer used, although another version uses them.
pub(super) fn suspicions(
    before: &FileNames<'_>,
    after: &FileNames<'_>,
    parent: Option<&FileNames<'_>>,
) -> Vec<Suspicion> {
    let (had, has) = (Uses::read(before), Uses::read(after));
    let origin = parent.map(Uses::read);
    let others: Vec<&Uses<'_, '_>> = [Some(&had), origin.as_ref()].into_iter().flatten().collect();
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut suspicions = Vec::new();
    for bound in &has.names.occurrences {
        let path = has.names.path(bound.scope);
        let (is_unused, was_used) = match bound.role {
            NameRole::Bind if bound.name.starts_with('_') || matches!(bound.name, "self" | "cls") => continue,
            // Names at the top level may be used by other files.
            NameRole::Bind if path.is_empty() => continue,
            NameRole::Bind => (
                !has.is_used(bound),
                others
                    .iter()
                    .any(|uses| uses.used_in.get(bound.name).is_some_and(|paths| paths.contains(path))),
            ),
            NameRole::MemberBind => (
                !has.members.contains(bound.name),
                others.iter().any(|uses| uses.members.contains(bound.name) && uses.set.contains(bound.name)),
            ),
            _ => continue,
        };
        if is_unused && was_used && told.insert((bound.name, path)) {
            let (name, line) = (bound.name, bound.line);
            let sentence = format!(
                "`{name}` is set on line {line}, and the code that used it is gone: it may have no effect."
            );
            suspicions.push(Suspicion { line, sentence });
        }
    }
    suspicions
}

struct Uses<'a, 's> {
    names: &'a FileNames<'s>,
    /// Paths of scopes that use a name which they or an enclosing scope binds.
    used_in: HashMap<&'s str, HashSet<&'a str>>,
    /// Members that are read.
    members: HashSet<&'s str>,
    /// Members that are assigned to.
    set: HashSet<&'s str>,
}

impl<'a, 's> Uses<'a, 's> {
    fn read(names: &'a FileNames<'s>) -> Self {
        let mut used_in: HashMap<&str, HashSet<&str>> = HashMap::new();
        let (mut members, mut set) = (HashSet::new(), HashSet::new());
        for found in &names.occurrences {
            match found.role {
                NameRole::Use | NameRole::Mention | NameRole::Type => {
                    // Every scope around the use can see the name.
                    let mut path = names.path(found.scope);
                    let paths = used_in.entry(found.name).or_default();
                    while !path.is_empty() && !paths.contains(path) {
                        paths.insert(path);
                        path = path.rsplit_once('.').map_or("", |(outer, _)| outer);
                    }
                }
                NameRole::Member => {
                    members.insert(found.name);
                }
                NameRole::MemberBind => {
                    set.insert(found.name);
                }
                NameRole::Bind | NameRole::Import => {}
            }
        }
        Self { names, used_in, members, set }
    }

    fn is_used(&self, bound: &Occurrence<'_>) -> bool {
        let path = self.names.path(bound.scope);
        self.used_in.get(bound.name).is_some_and(|paths| paths.contains(path))
    }
}
