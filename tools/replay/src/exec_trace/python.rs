/*!
Traces Python from the inside, with a `sitecustomize` module that every interpreter of the run imports.

Setting `PYTHONPATH` is not enough, because recipes set it themselves. Wrappers for the interpreters therefore put our
folder in front of the current `PYTHONPATH`: one wrapper for each usual name, first in `PATH`, and one for each
environment variable of the recipe that names an interpreter (`PYTHON=/venv/bin/python`).
*/

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{ExecutedFile, ExecutionTrace, TracePrecision};

const HOOK: &str = include_str!("python_hook.py");
const NAMES: [&str; 10] = [
    "python",
    "python3",
    "python3.8",
    "python3.9",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "pypy3",
];
/// The run can write anything to our folder; this is the maximum that is read.
const LARGEST_TRACE: u64 = 64 << 20;
const MOST_FILES: usize = 512;

/// Writes hook and wrappers into `folder`; returns the environment changes.
pub(super) fn install(folder: &Path, env: &BTreeMap<String, String>) -> io::Result<BTreeMap<String, String>> {
    let (hook, bin) = (folder.join("hook"), folder.join("bin"));
    fs::create_dir(&hook)?;
    fs::create_dir(&bin)?;
    fs::write(hook.join("sitecustomize.py"), HOOK)?;
    let (Some(hook), Some(bin_path)) = (hook.to_str(), bin.to_str()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the data folder's name is not valid UTF-8"));
    };
    let set_path = format!("PYTHONPATH={}\"${{PYTHONPATH:+:$PYTHONPATH}}\"; export PYTHONPATH", quoted(hook));
    for name in NAMES {
        // The wrapper removes itself from PATH, so that the next interpreter of that name is the real one.
        let script = format!(
            "#!/bin/sh\n{set_path}\nPATH=${{PATH#{}:}}; export PATH\nexec {name} \"$@\"\n",
            quoted(bin_path)
        );
        wrapper(&bin.join(name), &script)?;
    }
    let mut changes = BTreeMap::new();
    for (key, value) in env {
        if is_interpreter(value) {
            let path = bin.join(format!("env-{}", changes.len()));
            wrapper(&path, &format!("#!/bin/sh\n{set_path}\nexec {} \"$@\"\n", quoted(value)))?;
            changes.insert(key.clone(), path.to_string_lossy().into_owned());
        }
    }
    let own = env.get("PYTHONPATH").map(|own| format!(":{own}")).unwrap_or_default();
    changes.insert("PYTHONPATH".into(), format!("{hook}{own}"));
    Ok(changes)
}

/// Shell lines that put the wrappers first in `PATH`.
pub(super) fn prelude(folder: &Path) -> String {
    format!("PATH={}:\"$PATH\"; export PATH\n", quoted(&folder.join("bin").to_string_lossy()))
}

/// Reads what the interpreters wrote. The run can write there as well, so nothing in it is trusted.
pub(super) fn collect(out: &Path) -> Option<ExecutionTrace> {
    let mut files: BTreeMap<String, ExecutedFile> = BTreeMap::new();
    let mut budget = LARGEST_TRACE;
    for entry in fs::read_dir(out).ok()?.flatten().take(MOST_FILES) {
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let mut content = Vec::new();
        let Ok(file) = fs::File::open(entry.path()) else { continue };
        let Ok(read) = file.take(budget).read_to_end(&mut content) else { continue };
        budget = budget.saturating_sub(read as u64);
        for record in String::from_utf8_lossy(&content).lines() {
            take_in(record, &mut files);
        }
    }
    (!files.is_empty()).then_some(ExecutionTrace { precision: TracePrecision::Lines, files })
}

fn take_in(record: &str, files: &mut BTreeMap<String, ExecutedFile>) -> Option<()> {
    let mut fields = record.splitn(4, '\t');
    let (path, kind) = (fields.next()?, fields.next()?);
    let (lines, name) = (fields.next()?, fields.next()?);
    if path.is_empty() || path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return None;
    }
    let file = files.entry(path.to_owned()).or_default();
    let lines = lines.split(',').filter_map(|line| line.parse::<u32>().ok());
    if kind == "F" {
        file.lines.extend(lines);
        let name = name.replace(".<locals>", "");
        if !name.rsplit('.').next().unwrap_or_default().starts_with('<') {
            file.functions.insert(name);
        }
    } else {
        file.import_lines.extend(lines);
    }
    Some(())
}

fn wrapper(path: &Path, script: &str) -> io::Result<()> {
    fs::write(path, script)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

fn is_interpreter(value: &str) -> bool {
    let path = PathBuf::from(value);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    path.is_absolute()
        && name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.') == "python"
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
