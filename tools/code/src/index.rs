/*!
Syntax over a complete revision. Parsed files are cached by object id, so the same content is parsed once,
regardless of revision and path. Definitions and references are found by `git grep` first, and by parsing its hits
second.
*/

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use millwright_git::{self as git, GrepQuery, PatternKind, Repo, RepoError};
use millwright_sandbox::CancelFlag;
use serde::{Deserialize, Serialize};

use super::languages::SourceLanguage;
use super::references::{Reference, references};
use super::symbols::{Symbol, innermost, symbols};

/// Symbols kept before the cache is emptied: about 200 MB.
const MAX_CACHED_SYMBOLS: usize = 500_000;
/// Maximum number of files parsed per query.
const MAX_FILES: usize = 400;
const MAX_GREP_HITS: usize = 20_000;

/// A cache of parsed files. Share it through an `Arc`; it is safe to use from several threads.
#[derive(Debug, Default)]
pub struct CodeIndex {
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    files: HashMap<(String, SourceLanguage), Arc<Vec<Symbol>>>,
    symbols: usize,
}

/// Where a name is defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionsFound {
    /// Path and symbol.
    pub found: Vec<(String, Symbol)>,
    /// Files that contain the name but were not parsed, because there are too many or their language has no
    /// grammar.
    pub files_left_out: usize,
}

/// Where a name is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferencesFound {
    /// Path and reference, by path and line.
    pub found: Vec<(String, Reference)>,
    pub files_left_out: usize,
}

impl CodeIndex {
    pub fn new() -> Self {
        Self::default()
    }

    /// Symbols of a file at a revision (full id). Empty for languages that are not parsed and for binary files.
    pub fn symbols(&self, repo: &Repo, revision: &str, path: &str) -> Result<Arc<Vec<Symbol>>, RepoError> {
        self.symbols_of(&git::RevisionReader::open(repo, revision)?, path)
    }

    fn symbols_of(
        &self,
        revision: &git::RevisionReader<'_>,
        path: &str,
    ) -> Result<Arc<Vec<Symbol>>, RepoError> {
        let Some(lang) = SourceLanguage::from_path(path) else { return Ok(Arc::default()) };
        let blob = revision.blob(path)?;
        match blob.text() {
            Ok(text) => Ok(self.parsed(&blob.oid, lang, &text)),
            Err(RepoError::Binary { .. }) => Ok(Arc::default()),
            Err(error) => Err(error),
        }
    }

    /// The innermost definition around a line (1-based) of a file at a revision.
    pub fn enclosing(
        &self,
        repo: &Repo,
        revision: &str,
        path: &str,
        line: u32,
    ) -> Result<Option<Symbol>, RepoError> {
        Ok(innermost(&self.symbols(repo, revision, path)?, line).cloned())
    }

    /// Symbols of a text with a known object id.
    pub fn parsed(&self, oid: &str, lang: SourceLanguage, source: &str) -> Arc<Vec<Symbol>> {
        let key = (oid.to_owned(), lang);
        if let Some(known) = self.lock().files.get(&key) {
            return known.clone();
        }
        let parsed = Arc::new(symbols(source, lang));
        let mut cache = self.lock();
        if cache.symbols + parsed.len() > MAX_CACHED_SYMBOLS {
            *cache = Cache::default();
        }
        // A file without symbols takes memory, too.
        cache.symbols += parsed.len() + 1;
        cache.files.insert(key, parsed.clone());
        parsed
    }

    /// Definitions of `name` at a revision. `name` is a bare name, or the end of a qualified one (`Outer.inner`).
    pub fn definitions(
        &self,
        repo: &Repo,
        revision: &str,
        name: &str,
        paths: &[String],
        cancel: &CancelFlag,
    ) -> Result<DefinitionsFound, RepoError> {
        let wanted = name.replace("::", ".").replace('#', ".");
        let bare = wanted.rsplit('.').next().unwrap_or(&wanted);
        let (files, mut files_left_out) = candidates(repo, revision, bare, paths, cancel)?;
        let reader = git::RevisionReader::open(repo, revision)?;
        let mut found = Vec::new();
        for path in files {
            if cancel.is_cancelled() {
                return Err(RepoError::Cancelled);
            }
            match self.symbols_of(&reader, &path) {
                Ok(symbols) => found.extend(
                    symbols
                        .iter()
                        .filter(|symbol| symbol.name == bare && ends_with_name(&symbol.qualified, &wanted))
                        .map(|symbol| (path.clone(), symbol.clone())),
                ),
                Err(RepoError::TooLarge { .. } | RepoError::NotAFile { .. }) => files_left_out += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(DefinitionsFound { found, files_left_out })
    }

    /// Uses of `name` (of its last part, if it is qualified) at a revision.
    pub fn references(
        &self,
        repo: &Repo,
        revision: &str,
        name: &str,
        paths: &[String],
        cancel: &CancelFlag,
    ) -> Result<ReferencesFound, RepoError> {
        let bare = name.rsplit(['.', ':', '#']).next().unwrap_or(name);
        let (files, mut files_left_out) = candidates(repo, revision, bare, paths, cancel)?;
        let reader = git::RevisionReader::open(repo, revision)?;
        let mut found = Vec::new();
        for path in files {
            if cancel.is_cancelled() {
                return Err(RepoError::Cancelled);
            }
            let Some(lang) = SourceLanguage::from_path(&path) else { continue };
            let text = reader.blob(&path).and_then(|blob| Ok((blob.text()?, blob.oid)));
            match text {
                Ok((text, oid)) => {
                    let symbols = self.parsed(&oid, lang, &text);
                    let here = references(&text, lang, bare, &symbols);
                    found.extend(here.into_iter().map(|reference| (path.clone(), reference)));
                }
                Err(RepoError::TooLarge { .. } | RepoError::NotAFile { .. } | RepoError::Binary { .. }) => {
                    files_left_out += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(ReferencesFound { found, files_left_out })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `qualified` is `wanted` or ends in `.wanted`.
fn ends_with_name(qualified: &str, wanted: &str) -> bool {
    qualified.strip_suffix(wanted).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Files in a supported language that contain `name` as a word, those with most hits first, and the number of
/// files beyond the limit.
fn candidates(
    repo: &Repo,
    revision: &str,
    name: &str,
    paths: &[String],
    cancel: &CancelFlag,
) -> Result<(Vec<String>, usize), RepoError> {
    let query = GrepQuery {
        revision: revision.to_owned(),
        pattern: name.to_owned(),
        kind: PatternKind::Word,
        ignore_case: false,
        paths: paths.to_vec(),
        skip: 0,
        limit: MAX_GREP_HITS,
    };
    let mut hits: HashMap<String, usize> = HashMap::new();
    for hit in git::grep(repo, &query, cancel)?.hits {
        *hits.entry(hit.path).or_default() += 1;
    }
    let all = hits.len();
    let mut files: Vec<(String, usize)> =
        hits.into_iter().filter(|(path, _)| SourceLanguage::from_path(path).is_some()).collect();
    files.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    files.truncate(MAX_FILES);
    let left_out = all - files.len();
    let mut files: Vec<String> = files.into_iter().map(|(path, _)| path).collect();
    files.sort();
    Ok((files, left_out))
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
