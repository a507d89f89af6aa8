/*!
Go's cover profiles: blocks as `import/path/file.go:12.34,15.2 3 1` behind a line with the mode. Every line of a block
that ran counts as executed; where blocks meet in a line, one that ran decides.
*/

use super::limits::MAX_RANGE;
use super::report::{CoverageFormat, CoverageReport};

pub(super) fn read(text: &str) -> CoverageReport {
    let mut report = CoverageReport::new(CoverageFormat::GoCover);
    for line in text.lines().filter(|line| !line.starts_with("mode:") && !line.trim().is_empty()) {
        let Some(block) = parse(line) else {
            report.note("blocks that cannot be parsed are left out".to_owned());
            continue;
        };
        if block.last < block.first || block.last - block.first > MAX_RANGE {
            report.note(format!(
                "blocks that end before they begin, or cover more than {MAX_RANGE} lines, are left out"
            ));
            continue;
        }
        for number in block.first..=block.last {
            report.line(block.path, number, block.hits);
        }
    }
    report
}

struct CoverBlock<'t> {
    path: &'t str,
    first: u64,
    last: u64,
    hits: u64,
}

fn parse(line: &str) -> Option<CoverBlock<'_>> {
    // The path may contain colons and blanks, so it is read from the end.
    let (rest, hits) = line.trim_end().rsplit_once(' ')?;
    let (rest, _statements) = rest.rsplit_once(' ')?;
    let (path, range) = rest.rsplit_once(':')?;
    let (from, to) = range.split_once(',')?;
    let line_of = |position: &str| position.split_once('.')?.0.parse::<u64>().ok();
    // A block that ends in column 1 or 2 ends with the brace of that line, which runs with the block.
    Some(CoverBlock { path, first: line_of(from)?, last: line_of(to)?, hits: hits.parse().ok()? })
}
