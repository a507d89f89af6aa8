/*!
Resolves a log path to files: a file, a folder, or a pattern for rotated files, in time order.
*/

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use globset::{GlobBuilder, GlobMatcher};

use super::LogError;
use super::record::LogRecords;

/// Maximum number of files read per call.
const MAX_FILES: usize = 2_000;
const MAX_DEPTH: usize = 6;
/// How many records are read to find a file's first time.
const FIRST_RECORDS: usize = 50;

/// The files to read, oldest first, and what was skipped.
#[derive(Debug, Default)]
pub(crate) struct LogSources {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) not_searched: Vec<String>,
}

/// Expands `inputs`. A path that does not exist and contains `*` or `?` is a pattern.
pub(crate) fn expand(inputs: &[PathBuf]) -> Result<LogSources, LogError> {
    let mut sources = LogSources::default();
    for input in inputs {
        match fs::metadata(input) {
            Ok(metadata) if metadata.is_dir() => walk(input, 0, &mut sources),
            Ok(_) => sources.files.push(input.clone()),
            Err(_) if input.to_string_lossy().contains(['*', '?']) => {
                let before = sources.files.len();
                glob(input, &mut sources);
                if sources.files.len() == before {
                    return Err(LogError::NoMatch { pattern: input.clone() });
                }
            }
            Err(source) => return Err(LogError::Read { path: input.clone(), source }),
        }
    }
    if sources.files.len() > MAX_FILES {
        let over = sources.files.len() - MAX_FILES;
        sources.files.truncate(MAX_FILES);
        sources
            .not_searched
            .push(format!("{over} further files: at most {MAX_FILES} are read in one call; name fewer"));
    }
    let mut ordered: Vec<_> =
        sources.files.drain(..).map(|path| (first_time(&path), rotation(&path), path)).collect();
    ordered.sort();
    ordered.dedup_by(|a, b| a.2 == b.2);
    sources.files = ordered.into_iter().map(|(.., path)| path).collect();
    if sources.files.is_empty() {
        return Err(LogError::NoFiles { inputs: inputs.to_vec() });
    }
    Ok(sources)
}

fn first_time(path: &Path) -> i64 {
    let first = || -> io::Result<Option<i64>> {
        let mut records = LogRecords::open(path)?;
        for _ in 0..FIRST_RECORDS {
            match records.next_record()? {
                Some(record) if record.timestamp_ms.is_some() => return Ok(record.timestamp_ms),
                Some(_) => {}
                None => break,
            }
        }
        Ok(None)
    };
    let modified = || {
        let modified =
            fs::metadata(path).and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        modified
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()
            .and_then(|time| i64::try_from(time.as_millis()).ok())
    };
    first().ok().flatten().or_else(modified).unwrap_or_default()
}

/// `app.log.3.gz` is older than `app.log.1`, which is older than `app.log`.
fn rotation(path: &Path) -> std::cmp::Reverse<u64> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = name.trim_end_matches(".gz");
    let number = name.rsplit('.').next().filter(|end| end.len() < 6).and_then(|end| end.parse().ok());
    std::cmp::Reverse(number.unwrap_or_default())
}

/// Whether a name looks like a log's; other files of a folder are skipped.
fn is_log_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let stem =
        name.trim_end_matches(".gz").trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    let endings = [".log", ".json", ".jsonl", ".ndjson", ".txt", ".out", ".err", ".logs", "-log", "_log"];
    endings.iter().any(|ending| stem.ends_with(ending))
        || name.contains(".log.")
        || name.contains(".log-")
        || ["syslog", "messages", "secure", "stdout", "stderr", "access", "error"].contains(&stem)
}

fn walk(folder: &Path, depth: usize, sources: &mut LogSources) {
    let Ok(entries) = fs::read_dir(folder) else {
        sources.not_searched.push(format!("{}: the folder cannot be read", folder.display()));
        return;
    };
    let mut entries: Vec<_> = entries.flatten().take(MAX_FILES * 5).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut passed = 0;
    for entry in entries {
        // The entry's own type: links out of the named folder are not followed.
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() && depth < MAX_DEPTH {
            walk(&path, depth + 1, sources);
        } else if kind.is_file() && is_log_name(&path) && sources.files.len() <= MAX_FILES {
            sources.files.push(path);
        } else {
            passed += 1;
        }
    }
    if passed > 0 {
        let folder = folder.display();
        sources.not_searched.push(format!(
            "{folder}: {passed} entries that are links or not named like logs; name them to read them"
        ));
    }
}

/// Expands `*` and `?` within names, including names of folders.
fn glob(pattern: &Path, sources: &mut LogSources) {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let name = component.as_os_str().to_string_lossy();
        let is_wild = matches!(component, Component::Normal(_)) && name.contains(['*', '?']);
        let pattern = is_wild.then(|| name_pattern(&name));
        let mut next = Vec::new();
        for base in found {
            let Some(pattern) = &pattern else {
                next.push(base.join(component.as_os_str()));
                continue;
            };
            let folder = if base.as_os_str().is_empty() { Path::new(".") } else { base.as_path() };
            let mut names: Vec<_> =
                fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
            names.sort();
            let matching =
                names.iter().filter(|entry| pattern.as_ref().is_some_and(|pattern| pattern.is_match(entry)));
            next.extend(matching.take(MAX_FILES * 2).map(|entry| base.join(entry)));
        }
        found = next;
    }
    sources.files.extend(found.into_iter().filter(|path| path.is_file()));
}

/// A pattern for names in which only `*` and `?` are special, because logs may be called `app[1].log`. `None` if
/// the pattern is too long.
fn name_pattern(name: &str) -> Option<GlobMatcher> {
    let escaped = name.chars().fold(String::new(), |mut glob, c| {
        match c {
            '[' | ']' | '{' | '}' => glob.extend(['[', c, ']']),
            c => glob.push(c),
        }
        glob
    });
    let glob = GlobBuilder::new(&escaped).literal_separator(true).backslash_escape(false).build();
    glob.ok().map(|glob| glob.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("*.log", "a.log", true),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "a1b2", false),
            ("?.log", "ab.log", false),
            ("**.log", "a.log", true),
            (".*", "a", false),
            ("app[1]*", "app[1].log", true),
            ("app[1]*", "app1.log", false),
            ("{a,b}*", "a.log", false),
            ("{a,b}*", "{a,b}.log", true),
            ("a\\*", "a\\b", true),
            ("[!a]*", "b", false),
        ] {
            assert_eq!(name_pattern(pattern).unwrap().is_match(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn rotated_files_come_in_the_order_of_time() {
        let folder = tempfile::tempdir().unwrap();
        for (name, day) in [("app.log", 3), ("app.log.1", 2), ("app.log.2", 1), ("z.bin", 9)] {
            fs::write(folder.path().join(name), format!("2026-11-0{day} 10:00:00 INFO x\n")).unwrap();
        }
        let names = |sources: LogSources| -> Vec<String> {
            sources
                .files
                .iter()
                .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
                .collect()
        };
        let whole = expand(&[folder.path().to_owned()]).unwrap();
        assert!(whole.not_searched[0].contains("1 entries"), "{:?}", whole.not_searched);
        assert_eq!(names(whole), ["app.log.2", "app.log.1", "app.log"]);
        assert_eq!(
            names(expand(&[folder.path().join("app*")]).unwrap()),
            ["app.log.2", "app.log.1", "app.log"]
        );
        assert!(matches!(expand(&[folder.path().join("no*")]), Err(LogError::NoMatch { .. })));
        assert!(matches!(expand(&[folder.path().join("no")]), Err(LogError::Read { .. })));
    }
}
