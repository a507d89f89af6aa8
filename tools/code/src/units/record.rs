/*!
What the index keeps of a commit: the units it changed in each file. Lines are 1-based, both included, and begin
with the comments that belong to a unit.
*/

use millwright_model::LineSpan;
use serde::{Deserialize, Serialize};

use super::parts::ChangedParts;
use crate::languages::SymbolKind;

/// How a unit that a commit added descends from one that was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginKind {
    /// It is the same unit under another name or in another place.
    Continues,
    /// It was part of a unit that lives on without it.
    SplitFrom,
}

/// The earlier unit that an added one descends from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitOrigin {
    pub path: String,
    pub unit: String,
    pub kind: OriginKind,
    /// Share of the text that is the same, in percent.
    pub similarity: u8,
}

/// One unit that a commit added, changed, moved or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitChange {
    /// Its key in the file ([`super::CodeUnit::key`]): after the change, or before it when it was removed. Empty for
    /// what of the file belongs to no unit.
    pub unit: String,
    /// `None` for the file.
    pub kind: Option<SymbolKind>,
    pub before: Option<LineSpan>,
    pub after: Option<LineSpan>,
    /// Of a unit that was there before.
    pub parts: ChangedParts,
    /// Of a unit that is new under this name.
    pub origin: Option<UnitOrigin>,
    /// For a removed unit: the path and the key of the surviving unit that took over its text.
    pub merged_into: Option<(String, String)>,
}

/// The units that a commit changed in one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileUnits {
    /// After the change; before it, when the file was deleted.
    pub path: String,
    /// Before a rename: all units went along.
    pub old_path: Option<String>,
    /// Whether all of its units belong to something else since: the file names another package.
    pub namespace_changed: bool,
    pub is_new: bool,
    pub is_deleted: bool,
    pub changes: Vec<UnitChange>,
    /// Whether a version of the file could not be read: it is missing (a partial clone), too large or binary.
    pub unread: bool,
}

/// The units that a commit changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitUnits {
    pub files: Vec<FileUnits>,
    /// Whether files or units were left out because there are too many.
    pub truncated: bool,
}

impl CommitUnits {
    /// The file that has this path after the commit.
    pub fn file(&self, path: &str) -> Option<&FileUnits> {
        self.files.iter().find(|file| file.path == path && !file.is_deleted)
    }
}
