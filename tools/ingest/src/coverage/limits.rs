/*!
Bounds of what is read of a coverage report: it comes from outside, and may lie about everything.
*/

/// Maximum number of files of a report.
pub(super) const MAX_FILES: usize = 100_000;
/// Maximum number of lines and functions over all files of a report.
pub(super) const MAX_LINES: usize = 20_000_000;
/// The highest line number that is believed.
pub(super) const MAX_LINE: u32 = 5_000_000;
/// Maximum size of a report in bytes; what lies behind it is not read.
pub(super) const MAX_BYTES: usize = 512 << 20;
/// Maximum number of lines that one range of a report may cover.
pub(super) const MAX_RANGE: u64 = 200_000;
/// Maximum nesting of XML elements.
pub(super) const MAX_DEPTH: usize = 200;
