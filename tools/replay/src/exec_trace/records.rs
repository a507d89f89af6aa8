/*!
The records that our own hooks write inside of a run, one a line: path below the checkout, `I` (bodies of modules and
classes) or `F` (functions), lines, qualified name. The run can write there as well, so nothing in them is trusted.
*/

use std::collections::BTreeMap;
use std::path::Path;

use millwright_ingest::RepoFiles;

use super::folder::read_files;
use super::{ExecutedFile, ExecutionTrace, TracePrecision};

/// Longer names of functions are left out.
const MAX_NAME_BYTES: usize = 1_024;

/// Reads the records of all files in a folder, as far as they are about files of the repository.
pub(super) fn collect(out: &Path, repository: &RepoFiles) -> Option<ExecutionTrace> {
    let mut files: BTreeMap<String, ExecutedFile> = BTreeMap::new();
    for content in read_files(out) {
        for record in String::from_utf8_lossy(&content).lines() {
            take_in(record, repository, &mut files);
        }
    }
    let has_lines = files.values().any(|file| !file.lines.is_empty() || !file.import_lines.is_empty());
    let precision = if has_lines { TracePrecision::Lines } else { TracePrecision::Files };
    (!files.is_empty()).then_some(ExecutionTrace { precision, files })
}

fn take_in(record: &str, repository: &RepoFiles, files: &mut BTreeMap<String, ExecutedFile>) -> Option<()> {
    let mut fields = record.splitn(4, '\t');
    let (path, kind) = (fields.next()?, fields.next()?);
    let (lines, name) = (fields.next()?, fields.next()?);
    if !repository.contains(path) || name.len() > MAX_NAME_BYTES {
        return None;
    }
    let file = files.entry(path.to_owned()).or_default();
    let lines = lines.split(',').filter_map(|line| line.parse::<u32>().ok());
    if kind == "F" {
        file.lines.extend(lines);
        let name = name.replace(".<locals>", "");
        let last = name.rsplit('.').next().unwrap_or_default();
        if !last.is_empty() && !last.starts_with('<') {
            file.functions.insert(name);
        }
    } else {
        file.import_lines.extend(lines);
    }
    Some(())
}
