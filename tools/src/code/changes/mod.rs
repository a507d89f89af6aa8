/*!
Whole changes of syntax around guilty lines.
*/

pub(crate) mod file;
pub(crate) mod pieces;
mod whole;

pub use file::ChangeLevel;
pub use pieces::{LineHunk, apply_pieces, line_hunks};
pub use whole::{ChangeSet, whole_changes};
