/*!
Code that changes together with the failing test: source files that were changed in the same commits as the test's
file or folder, and the class that a test class is named after.
*/

use std::collections::{HashMap, HashSet};

use millwright_git::history::PathKind;

use super::super::context::SignalContext;
use super::super::tree::file_name;
use super::SignalColumn;

/// Commits that touch more files than this are moves or mass edits; they would connect every file with every other.
const MAX_FILES: usize = 50;

pub(super) fn columns<'c>(context: &'c SignalContext<'_>) -> Vec<SignalColumn<'c>> {
    let files: HashSet<&str> = context.tests.files.iter().map(String::as_str).collect();
    let folders: HashSet<&str> = files.iter().filter_map(|path| Some(path.rsplit_once('/')?.0)).collect();
    let with_file = together(context, |path| files.contains(path));
    let with_folder =
        together(context, |path| path.rsplit_once('/').is_some_and(|(folder, _)| folders.contains(folder)));
    let score = |ties: &HashMap<&str, f64>| -> Vec<f64> {
        let sum = |candidate: &super::super::candidates::SuspectCandidate| {
            let found: f64 = candidate.source_files().filter_map(|file| ties.get(file.path.as_str())).sum();
            found / (1.0 + candidate.source_files().count() as f64).sqrt()
        };
        context.candidates.list.iter().map(sum).collect()
    };
    let (by_file, by_folder) = (score(&with_file), score(&with_folder));
    vec![
        SignalColumn::relative("test_cochange", by_file, |_| {
            "changes source that used to change together with the failing test".into()
        }),
        SignalColumn::relative("test_folder_cochange", by_folder, |_| {
            "changes source that used to change together with the failing test's neighbours".into()
        }),
        class_under_test(context),
        touches_test(context),
        owns_class(context),
    ]
}

/// For every source file, the share of the test's commits that touched it too, times how rare that is.
fn together<'c>(context: &'c SignalContext<'_>, is_test: impl Fn(&str) -> bool) -> HashMap<&'c str, f64> {
    let structure = &context.history.structure;
    let Some(bad) = structure.position(context.request.bad) else {
        return HashMap::new();
    };
    let mut numbers: Vec<Option<bool>> = Vec::new();
    let mut is_test = |number: u32| {
        let at = number as usize;
        if numbers.len() <= at {
            numbers.resize(at + 1, None);
        }
        *numbers[at].get_or_insert_with(|| is_test(structure.path(number)))
    };
    let reached = structure.ancestors(bad);
    let mut common: HashMap<u32, u32> = HashMap::new();
    let mut times = 0u32;
    for (position, _) in reached.iter().enumerate().filter(|(_, reached)| **reached) {
        let files = &structure.commit(position as u32).files;
        if files.len() > MAX_FILES || !files.iter().any(|(_, path)| is_test(*path)) {
            continue;
        }
        times += 1;
        for (_, path) in files.iter().filter(|(_, path)| structure.kind(*path) == PathKind::Source) {
            *common.entry(*path).or_default() += 1;
        }
    }
    let share = |count: u32| f64::from(count) / (f64::from(times) + 2.0);
    common.into_iter().map(|(path, count)| (structure.path(path), share(count))).collect()
}

/// 1 for the class that a test is named after (`FooTest` → `Foo`), less for a class whose name is only a prefix of
/// the test's.
fn class_under_test<'c>(context: &'c SignalContext<'_>) -> SignalColumn<'c> {
    let mut targets: Vec<&str> = context.tests.classes.iter().map(String::as_str).collect();
    targets.extend(context.tests.files.iter().map(|path| stem(path)));
    let targets: Vec<&str> = targets.into_iter().map(strip_test).filter(|name| name.len() > 2).collect();
    // Of the files whose names are prefixes of the test's name, the longest is the tested one.
    let longest = |target: &str| {
        let stems =
            context.tree.paths().filter(|path| millwright_git::history::path_kind(path) == PathKind::Source);
        stems.map(stem).filter(|stem| stem.len() > 3 && begins(target, stem)).map(str::len).max().unwrap_or(0)
    };
    let lengths: Vec<usize> = targets.iter().map(|target| longest(target)).collect();
    let value = |path: &str| {
        let stem = stem(path);
        let values = targets.iter().zip(&lengths).map(|(target, longest)| {
            if same(target, stem) {
                1.0
            } else if *longest > 0 && stem.len() == *longest && begins(target, stem) {
                0.7
            } else {
                0.0
            }
        });
        values.fold(0.0, f64::max)
    };
    let values = context.candidates.list.iter().map(|candidate| {
        let best = candidate.source_files().map(|file| value(&file.path)).fold(0.0, f64::max);
        best / (1.0 + candidate.source_files().count().saturating_sub(1) as f64).powf(0.25)
    });
    SignalColumn::plain("class_under_test", values.collect(), |_| {
        "changes what the failing test is named after".into()
    })
}

/// Changes to the very file of the failing test; a file that many candidates touch says little.
fn touches_test<'c>(context: &'c SignalContext<'_>) -> SignalColumn<'c> {
    let mut values = vec![0.0; context.candidates.len()];
    for path in &context.tests.files {
        let touching = match context.line_history.get(path) {
            Some(history) => &history.touched_by,
            None => context.candidates.touching(path),
        };
        for at in touching {
            values[*at as usize] += context.candidates.idf(touching.len() as u32);
        }
    }
    SignalColumn::relative("touches_test", values, |_| "changed the failing test's file before".into())
}

/// The share a candidate still owns of the file that the failing test is named after.
fn owns_class<'c>(context: &'c SignalContext<'_>) -> SignalColumn<'c> {
    let mut targets: Vec<&str> = context.tests.classes.iter().map(String::as_str).collect();
    targets.extend(context.tests.files.iter().map(|path| stem(path)));
    let targets: Vec<&str> = targets.into_iter().map(strip_test).filter(|name| name.len() > 2).collect();
    let mut values = vec![0.0; context.candidates.len()];
    let sources = context.sources.iter().filter(|(path, _)| {
        millwright_git::history::path_kind(path) == PathKind::Source
            && targets.iter().any(|target| same(target, stem(path)))
    });
    for (path, source) in sources {
        let Some(history) = context.line_history.get(path) else { continue };
        for owned in &history.owned {
            values[owned.candidate as usize] += f64::from(owned.len) / f64::from(source.lines.max(1));
        }
    }
    values.iter_mut().for_each(|value| *value = value.sqrt());
    SignalColumn::relative("owns_class_under_test", values, |_| {
        "wrote part of what the failing test is named after".into()
    })
}

fn stem(path: &str) -> &str {
    let name = file_name(path);
    name.split_once('.').map_or(name, |(stem, _)| stem)
}

fn strip_test(name: &str) -> &str {
    let name = name.strip_prefix("test_").unwrap_or(name);
    let name = name.strip_prefix("Test").unwrap_or(name);
    ["TestCase", "Tests", "Test", "IT", "_tests", "_test", "Spec", "_spec"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name)
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn begins(long: &str, short: &str) -> bool {
    long.len() > short.len() && long.is_char_boundary(short.len()) && same(&long[..short.len()], short)
}
