/*!
The versions of a file, read one after the other. A version is parsed starting from the tree of an earlier one, so
that only what differs is parsed again, and the last few versions are kept, because branches alternate.
*/

use std::collections::VecDeque;
use std::sync::Arc;

use tree_sitter::Tree;

use super::outline::{FileOutline, outline_of};
use crate::languages::SourceLanguage;
use crate::parse;

/// Versions kept: two branches and the sides of a merge.
const KEPT: usize = 8;

/// One version of a source file.
#[derive(Debug)]
pub(crate) struct FileVersion {
    pub(crate) text: String,
    pub(crate) lang: SourceLanguage,
    /// `None` when the text is too large or takes too long to parse; it then has no units.
    pub(crate) tree: Option<Tree>,
    pub(crate) outline: FileOutline,
}

impl FileVersion {
    pub(crate) fn new(text: String, lang: SourceLanguage, earlier: Option<&FileVersion>) -> Self {
        let start = earlier.filter(|earlier| earlier.lang == lang);
        // How a parser recovers from an error depends on where it started, and the index must not depend on which
        // version was read before.
        let start = start.and_then(|earlier| Some((earlier.text.as_str(), earlier.tree.as_ref()?)));
        let start = start.filter(|(_, tree)| !tree.root_node().has_error());
        let mut tree = parse::parse_after(&text, lang, start);
        if start.is_some() && tree.as_ref().is_some_and(|tree| tree.root_node().has_error()) {
            tree = parse::parse(&text, lang);
        }
        let outline = tree.as_ref().map_or_else(FileOutline::default, |tree| outline_of(tree, &text, lang));
        Self { text, lang, tree, outline }
    }
}

/// A content as a source of one language: the object id (hexadecimal) and the language.
pub(crate) type VersionKey = (String, SourceLanguage);

/// The last few values used.
#[derive(Debug)]
pub(crate) struct VersionCache<T> {
    values: VecDeque<(VersionKey, T)>,
}

impl<T> Default for VersionCache<T> {
    fn default() -> Self {
        Self { values: VecDeque::with_capacity(KEPT + 1) }
    }
}

impl<T> VersionCache<T> {
    /// Makes a value the most recent one; false when it is not here.
    pub(crate) fn touch(&mut self, key: &VersionKey) -> bool {
        let at = self.values.iter().position(|(known, _)| known == key);
        let found = at.and_then(|at| self.values.remove(at));
        let known = found.is_some();
        self.values.extend(found);
        known
    }

    pub(crate) fn get(&self, key: &VersionKey) -> Option<&T> {
        self.values.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(crate) fn newest(&self) -> Option<&T> {
        self.values.back().map(|(_, value)| value)
    }

    pub(crate) fn put(&mut self, key: VersionKey, value: T) {
        self.values.push_back((key, value));
        if self.values.len() > KEPT {
            self.values.pop_front();
        }
    }
}

/// Versions of the files that are being read; `None` for a content that could not be read.
pub(crate) type ParsedVersions = VersionCache<Option<Arc<FileVersion>>>;
