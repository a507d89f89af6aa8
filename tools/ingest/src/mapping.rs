/*!
Maps frames to files of the repository. A frame's path may be relative to anything: a build machine, a container, a
package root, a bundle. Only the end of the path is reliable. So files are looked up by name, and the one that
shares the longest path suffix with the frame is chosen. An ambiguous frame stays unmapped, because blaming the
wrong file is worse than blaming none.
*/

use std::collections::HashMap;

use millwright_model::{FailingTest, Frame, Language, MappedFrame, ParsedTicket};

use super::fingerprint::fingerprint;
use super::path_forms::{PathForm, forms};
use super::test_path::is_test_path;

/// Maximum number of files with the same name that are compared.
const MAX_CANDIDATES: usize = 20_000;

/// Extensions of the JVM's source files.
const JVM_EXTENSIONS: [&str; 4] = ["java", "kt", "scala", "groovy"];

/// The files of a repository at one revision, indexed by name.
pub struct RepoFiles {
    /// Sorted.
    paths: Vec<String>,
    by_name: HashMap<String, Vec<u32>>,
}

impl RepoFiles {
    /// `paths` are relative to the repository's root, with `/` between folders.
    pub fn new(paths: impl Iterator<Item = String>) -> Self {
        let mut paths: Vec<String> = paths.collect();
        paths.sort_unstable();
        let mut by_name: HashMap<String, Vec<u32>> = HashMap::new();
        for (index, path) in (0_u32..).zip(&paths) {
            by_name.entry(file_name(path).to_ascii_lowercase()).or_default().push(index);
        }
        Self { paths, by_name }
    }

    pub fn contains(&self, path: &str) -> bool {
        self.paths.binary_search_by(|candidate| candidate.as_str().cmp(path)).is_ok()
    }

    /// The file that a printed path refers to, if it is unambiguous.
    pub fn locate(&self, printed: &str, language: Language) -> Option<&str> {
        let frame = Frame { path: Some(printed.to_owned()), in_app: true, ..Frame::default() };
        self.find(&frame, language)
    }

    /// The source file of a class of the JVM, `com.acme.Till$Rate`: that of its outermost class. The whole package must
    /// match, because a class of a library may have the same simple name.
    pub fn source_of_class(&self, class: &str) -> Option<&str> {
        let stem = class.split('$').next()?.replace('.', "/");
        // Kotlin puts what stands outside of classes into one that is named after its file.
        let kotlin = stem.strip_suffix("Kt").map(|stem| format!("{stem}.kt"));
        let named = JVM_EXTENSIONS.iter().map(|extension| format!("{stem}.{extension}"));
        named.chain(kotlin).find_map(|path| {
            let found = self.locate(&path, Language::Unknown)?;
            (found == path || found.ends_with(&format!("/{path}"))).then_some(found)
        })
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &str> {
        let indices = self.by_name.get(&name.to_ascii_lowercase()).map(Vec::as_slice).unwrap_or_default();
        indices
            .iter()
            .take(MAX_CANDIDATES)
            .filter_map(|index| self.paths.get(usize::try_from(*index).ok()?))
            .map(String::as_str)
    }

    fn find(&self, frame: &Frame, language: Language) -> Option<&str> {
        forms(frame, language).iter().find_map(|form| self.best(form))
    }

    fn best(&self, form: &PathForm) -> Option<&str> {
        let want: Vec<&str> = form.path.split('/').filter(|part| !part.is_empty()).collect();
        let name = want.last()?;
        let mut ranked: Vec<(Rank, &str)> =
            self.named(name).filter_map(|path| Some((rank(&want, path, form)?, path))).collect();
        ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        match ranked.as_slice() {
            [] => None,
            [(_, only)] => Some(only),
            [(first, path), (second, _), ..] if first > second => Some(path),
            _ => None,
        }
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Greater is better: shared suffix, agreement with the module, product before test, then the shorter path.
type Rank = (usize, usize, std::cmp::Reverse<usize>);

fn rank(want: &[&str], path: &str, form: &PathForm) -> Option<Rank> {
    let have: Vec<&str> = path.split('/').collect();
    let shared = want.iter().rev().zip(have.iter().rev()).take_while(|(a, b)| same_part(a, b)).count();
    let whole_repository_path = shared == have.len();
    let whole_printed_path = shared == want.len();
    let acceptable = if form.is_library {
        // A dependency's file is ours only if its complete path inside the package matches.
        let behind_source_root = have.len() == shared + 1 && is_source_root(have.first());
        whole_printed_path && (have.len() == shared || shared >= 3 || behind_source_root)
    } else {
        shared >= form.least && (whole_repository_path || whole_printed_path || shared >= 2)
    };
    if !acceptable {
        return None;
    }
    let hint = form
        .hints
        .iter()
        .filter(|hint| have.iter().any(|part| same_part(&part.replace('-', "_"), hint)))
        .count();
    // If only one part is shared, that is too little to prefer the shorter path.
    let length = if shared >= 2 || whole_repository_path { have.len() } else { 0 };
    Some((shared, hint, std::cmp::Reverse(length)))
}

/// Windows does not preserve the case of paths.
fn same_part(a: &str, b: &str) -> bool {
    a == b || a.eq_ignore_ascii_case(b)
}

fn is_source_root(part: Option<&&str>) -> bool {
    part.is_some_and(|part| matches!(part.to_ascii_lowercase().as_str(), "src" | "lib" | "python" | "source"))
}

/// Maps frames and failing tests to repository files, sets `is_test`, and refines `in_app` and the fingerprint.
pub fn map_frames(ticket: &mut ParsedTicket, files: &RepoFiles) {
    for trace in &mut ticket.traces {
        let language = trace.language;
        for frame in trace.exceptions.iter_mut().flat_map(|e| &mut e.frames) {
            frame.mapped = files.find(frame, language).map(|path| MappedFrame {
                path: path.to_owned(),
                symbol: None,
                is_test: is_test_path(path),
            });
            frame.in_app |= frame.mapped.is_some();
        }
    }
    for test in &mut ticket.failing_tests {
        if let Some(path) = test_file(test, files) {
            test.file = Some(path.to_owned());
        }
    }
    ticket.fingerprint = fingerprint(ticket);
}

/// Names the enclosing definition of every mapped frame; `symbol_at` takes a repository path and a 1-based line.
pub fn name_symbols(ticket: &mut ParsedTicket, mut symbol_at: impl FnMut(&str, u32) -> Option<String>) {
    for frame in ticket.traces.iter_mut().flat_map(|t| &mut t.exceptions).flat_map(|e| &mut e.frames) {
        if let (Some(mapped), Some(line)) = (&mut frame.mapped, frame.line) {
            mapped.symbol = symbol_at(&mapped.path, line);
        }
    }
}

/// The file of a failing test: as printed, or found by its module or class.
fn test_file<'f>(test: &FailingTest, files: &'f RepoFiles) -> Option<&'f str> {
    use millwright_model::TestFramework as T;
    let printed = test.file.as_deref().and_then(|file| files.locate(file, Language::Unknown));
    let module = test.module.as_deref();
    printed.or_else(|| match test.framework {
        T::Unittest | T::Pytest => {
            let path = module?.replace('.', "/");
            let of = |path: String| files.locate(&path, Language::Python);
            of(format!("{path}.py")).or_else(|| of(format!("{path}/__init__.py")))
        }
        T::JUnit => {
            let class = test.class.as_deref()?.split('$').next()?;
            let frame = |extension: &str| Frame {
                path: Some(format!("{}.{extension}", class.rsplit('.').next().unwrap_or(class))),
                module: Some(class.to_owned()),
                ..Frame::default()
            };
            JVM_EXTENSIONS.iter().find_map(|extension| files.find(&frame(extension), Language::Jvm))
        }
        _ => None,
    })
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
