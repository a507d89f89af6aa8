/*!
Complete changes of syntax around guilty lines.
*/

mod file;
mod needed;
mod whole;

pub use crate::pieces::LineHunk;
pub use file::ChangeLevel;
pub use needed::{CulpritFile, NameClosure, PieceId, needed_by_names};
pub use whole::{ChangeSet, whole_changes};
