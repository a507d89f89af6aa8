/*!
Bounds of what is read of a coverage report: it comes from outside, and may lie about everything.
*/

/// Maximum number of files of a report.
pub(super) const MAX_FILES: usize = 100_000;
/// Maximum number of lines and functions over all files of a report.
pub(super) const MAX_LINES: usize = 2_000_000;
/// The highest line number that is believed.
pub(super) const MAX_LINE: u32 = 5_000_000;
/// Maximum size of a report in bytes.
pub const MAX_REPORT_BYTES: usize = 256 << 20;
/// Maximum size of a JSON report, which takes many times its size while it is read.
pub(super) const MAX_JSON_BYTES: usize = 64 << 20;
/// Maximum length of a path, and of the name of a function or a context.
pub(super) const MAX_PATH_BYTES: usize = 4_096;
pub(super) const MAX_NAME_BYTES: usize = 1_024;
/// Maximum number of lines that one range of a report may cover.
pub(super) const MAX_RANGE: u64 = 200_000;
