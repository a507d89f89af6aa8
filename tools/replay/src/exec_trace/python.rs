/*!
Traces Python from the inside, with a `sitecustomize` module that every interpreter of the run imports.

Setting `PYTHONPATH` is not enough, because recipes set it themselves. Wrappers for the interpreters therefore put our
folder in front of the current `PYTHONPATH`: one wrapper for each usual name, first in `PATH`, and one for each
environment variable of the recipe that names an interpreter (`PYTHON=/venv/bin/python`).
*/

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use millwright_ingest::RepoFiles;

use super::folder::{TraceFolder, quoted, write_script};
use super::{ExecutionTrace, TraceAdapter, records};

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
pub(super) struct PythonTracer;

impl TraceAdapter for PythonTracer {
    /// Writes hook and wrappers; returns the environment changes.
    fn install(&self, folder: &TraceFolder<'_>) -> io::Result<BTreeMap<String, String>> {
        fs::write(folder.installed.join("sitecustomize.py"), HOOK)?;
        let (Some(hook), Some(bin)) = (folder.installed.to_str(), folder.bin.to_str()) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the data folder's name is not valid UTF-8",
            ));
        };
        let set_path =
            format!("PYTHONPATH={}\"${{PYTHONPATH:+:$PYTHONPATH}}\"; export PYTHONPATH", quoted(hook));
        for name in NAMES {
            // The wrapper removes itself from PATH, wherever it stands there, so that the next interpreter of that name
            // is the real one.
            let bin = quoted(bin);
            let script = format!(
                "#!/bin/sh\n{set_path}\nrest=:$PATH:\nwhile case $rest in *:{bin}:*) true ;; *) false ;; esac\ndo \
                 rest=${{rest%%:{bin}:*}}:${{rest#*:{bin}:}}\ndone\nrest=${{rest#:}}; PATH=${{rest%:}}; export PATH\n\
                 exec {name} \"$@\"\n"
            );
            write_script(&folder.bin.join(name), &script)?;
        }
        let mut changes = BTreeMap::new();
        for (key, value) in folder.env {
            if is_interpreter(value) {
                let path = folder.bin.join(format!("env-{}", changes.len()));
                write_script(&path, &format!("#!/bin/sh\n{set_path}\nexec {} \"$@\"\n", quoted(value)))?;
                changes.insert(key.clone(), path.to_string_lossy().into_owned());
            }
        }
        changes.extend([
            folder.with_own("PYTHONPATH", hook, ':'),
            ("MILLWRIGHT_TRACE_ROOT".into(), folder.checkout.to_string_lossy().into_owned()),
            ("MILLWRIGHT_TRACE_OUT".into(), folder.out.to_string_lossy().into_owned()),
        ]);
        Ok(changes)
    }

    fn takes_any_path(&self) -> bool {
        true
    }

    fn collect(&self, folder: &TraceFolder<'_>, repository: &RepoFiles) -> Option<ExecutionTrace> {
        records::collect(&folder.out, repository)
    }
}

fn is_interpreter(value: &str) -> bool {
    let path = Path::new(value);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    path.is_absolute()
        && name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.') == "python"
}
