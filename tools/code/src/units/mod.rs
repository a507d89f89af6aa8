/*!
Code units and their lineage. A unit is a function, a method or a type, or a file as far as its text belongs to
none of them. It has a name at a revision (`path::Qualified.name`), and it stays itself when it is renamed or moved:
for each commit the index records which units it changed, and which new unit continues which old one.

- [`mod@outline`] lists the units of one version of a file.
- [`versions`] reads the versions of a file one after the other and parses only what is new.
- [`file_changes`] compares the outlines before and after a commit; [`parts`] says what of a unit changed.
- [`pairing`] decides which unit that a commit added continues one that it removed.
- [`record`] is what the index keeps of a commit; [`commit_record`] makes it, and [`index`] reads the versions and keeps it.
- [`history`] is the history of one unit, found by a [`walk`] back from a revision; [`merges`] says from which side of
  a merge it came. [`line_history`] narrows it to a range of lines.
- [`question`] is what people and tools ask: the history with the hunks, whose texts [`step_texts`] reads. [`view`] is the answer as every channel shows it.
*/

mod commit_record;
mod file_changes;
mod history;
mod index;
mod line_history;
mod merges;
mod outline;
mod pairing;
mod parts;
mod question;
mod record;
mod step_texts;
mod versions;
mod view;
mod walk;

pub use history::{FollowedUnit, HistoryEnd, UnitStep};
pub use index::{UnitIndex, UnitIndexError};
pub use outline::{CodeUnit, FileOutline, outline};
pub use parts::ChangedParts;
pub use question::{AnsweredStep, HistoryAnswer, HistoryQuestionError, HistoryTarget, ask_history};
pub use record::{CommitUnits, FileUnits, OriginKind, UnitChange, UnitOrigin};
pub use view::{CodeHistory, HistoryChange, HistoryCommit, HistoryPlace};
