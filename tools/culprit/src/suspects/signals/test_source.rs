/*!
The failing test's source, if the repository has it at the failing revision: the text of its class and the imports of
its file. In an assertion failure without a frame in the product, this is often the only link to the code. The failing
test itself is often newer than that revision, but its class and its neighbours exist.
*/

use std::collections::{HashMap, HashSet};

use millwright_git::history::{PathKind, for_each_token, path_kind};

use super::super::bm25::{ALL_FIELDS, weighted_scores};
use super::super::context::SignalContext;
use super::super::tree::SourceText;
use super::SignalColumn;

pub(super) fn columns<'c>(context: &'c SignalContext<'_>) -> Vec<SignalColumn<'c>> {
    vec![imports(context), functions(context), classes(context)]
}

/// Text of the definitions called `name` in the test files.
fn bodies<'c>(context: &'c SignalContext<'_>, is_wanted: &dyn Fn(&str) -> bool) -> String {
    let mut text = String::new();
    for source in context.tests.files.iter().filter_map(|path| context.sources.get(path)) {
        for definition in source.definitions.iter().filter(|definition| is_wanted(&definition.name)) {
            let lines = (definition.end - definition.start + 1) as usize;
            for line in source.content.lines().skip(definition.start as usize - 1).take(lines) {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

fn functions<'c>(context: &'c SignalContext<'_>) -> SignalColumn<'c> {
    let tests = &context.ticket.failing_tests;
    let names: HashSet<&str> = tests.iter().filter_map(|test| test.function.as_deref()).collect();
    column(context, "test_function_text", &bodies(context, &|name| names.contains(name)))
}

fn classes<'c>(context: &'c SignalContext<'_>) -> SignalColumn<'c> {
    let classes = &context.tests.classes;
    column(context, "test_source_text", &bodies(context, &|name| classes.iter().any(|class| class == name)))
}

/// Scores words that the query knows already: words that ticket and test share count as in the ticket; the others are
/// not in the candidates' reduced records.
fn column<'c>(context: &'c SignalContext<'_>, name: &'static str, text: &str) -> SignalColumn<'c> {
    let mut counts: HashMap<String, f64> = HashMap::new();
    for_each_token(text.as_bytes(), |token| {
        *counts.entry(String::from_utf8_lossy(token).to_lowercase()).or_default() += 1.0;
    });
    let weights: Vec<f64> = context
        .query
        .vocabulary
        .iter()
        .map(|word| counts.get(word).map_or(0.0, |count| count / (count + 1.0)))
        .collect();
    SignalColumn::relative(name, weighted_scores(&context.candidates, &weights, &ALL_FIELDS), |_| {
        "shares words with the failing test's source".into()
    })
}

/// Source files that the test files import, and those that define a name they import.
fn imports<'c>(context: &'c SignalContext<'_>) -> SignalColumn<'c> {
    let mut modules: HashSet<String> = HashSet::new();
    let mut names: HashSet<String> = HashSet::new();
    for source in context.tests.files.iter().filter_map(|path| context.sources.get(path)) {
        read_imports(&source.content, &mut modules, &mut names);
    }
    let value = |path: &str, source: &SourceText| {
        let trimmed = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        let trimmed = trimmed.strip_suffix("/__init__").unwrap_or(trimmed);
        let dotted = trimmed.replace('/', ".");
        let is_module =
            modules.iter().any(|module| dotted == *module || dotted.ends_with(&format!(".{module}")));
        let in_package = || modules.iter().any(|module| dotted.starts_with(module.as_str()));
        if is_module {
            1.0
        } else if source.definitions.iter().any(|d| names.contains(&d.name)) && in_package() {
            0.8
        } else {
            0.0
        }
    };
    let mut values = vec![0.0f64; context.candidates.len()];
    for (path, source) in context.sources.iter().filter(|(path, _)| path_kind(path) == PathKind::Source) {
        let value = value(path, source);
        if value > 0.0 {
            let touching = context.candidates.touching(path);
            for at in touching {
                let old = &mut values[*at as usize];
                *old = old.max(value * context.candidates.idf(touching.len() as u32));
            }
        }
    }
    SignalColumn::relative("imported_by_test", values, |_| {
        "changes a file that the failing test imports".into()
    })
}

/// Modules and names of `import a.b`, `from a.b import C, D`, `import a.b.C;`, `use a::b::C;`.
fn read_imports(content: &str, modules: &mut HashSet<String>, names: &mut HashSet<String>) {
    let mut open = false;
    for line in content.lines().take(400) {
        let line = line.trim();
        let words: Vec<&str> = line
            .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.' || c == ':'))
            .filter(|word| !word.is_empty())
            .collect();
        if open {
            names.extend(words.iter().map(|word| (*word).to_owned()));
            open = !line.contains(')');
            continue;
        }
        match words.as_slice() {
            ["from", module, "import", rest @ ..] => {
                modules.insert((*module).to_owned());
                names.extend(rest.iter().map(|word| (*word).to_owned()));
                open = line.ends_with('(');
            }
            ["import", "static", module] | ["import" | "use", module, ..] => {
                let module = module.replace("::", ".");
                if let Some((_, name)) = module.rsplit_once('.') {
                    names.insert(name.to_owned());
                }
                modules.insert(module);
            }
            _ => {}
        }
    }
}
