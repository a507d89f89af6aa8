/*!
LCOV tracefiles, as geninfo, llvm-cov, Istanbul, PHPUnit converters and many others write them. Records of the same
file add up.
*/

use super::report::{CoverageFormat, CoverageReport};

pub(super) fn is_tracefile(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|line| line.starts_with("TN:") || line.starts_with("SF:"))
}

pub(super) fn read(text: &str) -> CoverageReport {
    let mut report = CoverageReport::new(CoverageFormat::Lcov);
    let mut path: Option<&str> = None;
    for line in text.lines() {
        let line = line.trim_end();
        if line == "end_of_record" {
            path = None;
            continue;
        }
        let Some((field, value)) = line.split_once(':') else { continue };
        match (field, path) {
            ("SF", _) => path = Some(value).filter(|path| !path.is_empty()),
            ("DA", Some(path)) => {
                let mut parts = value.split(',');
                let number = parts.next().and_then(|part| part.trim().parse::<u64>().ok());
                let hits = parts.next().map(str::trim);
                match (number, hits.and_then(count)) {
                    (Some(number), Some(hits)) => report.line(path, number, hits),
                    _ => report.note("records that cannot be parsed are left out".to_owned()),
                }
            }
            // `FNDA:hits,name`; in the newer form `FNA:index,hits,name`.
            ("FNDA" | "FNA", Some(path)) => {
                let value =
                    if field == "FNA" { value.split_once(',').map_or("", |(_, rest)| rest) } else { value };
                if let Some((hits, name)) = value.split_once(',')
                    && count(hits.trim()).is_some_and(|hits| hits > 0)
                {
                    report.function(path, name);
                }
            }
            _ => {}
        }
    }
    report
}

/// A count, which some writers print as a decimal or in scientific notation, and gcov may print as negative after an
/// overflow: then it ran.
fn count(text: &str) -> Option<u64> {
    if let Ok(hits) = text.parse::<u64>() {
        return Some(hits);
    }
    let hits: f64 = text.parse().ok()?;
    hits.is_finite().then_some(u64::from(hits != 0.0))
}
