/*!
Stores each result as soon as it is known. An eval that is stopped or runs out of time continues when it is started again
with the same folder. Everything that can change an answer (the case, the options, the program itself) is part of the key, so
that an outdated result is not used.
*/

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;

use millwright_model::Evidence;
use serde::{Deserialize, Serialize};

use super::judged::JudgedCase;
use crate::cases::EvalCase;
use crate::options::EvalOptions;

#[derive(Serialize, Deserialize)]
struct Line {
    key: String,
    judged: JudgedCase,
}

pub(super) struct SuiteProgress {
    path: PathBuf,
    about: String,
    done: HashMap<String, JudgedCase>,
    file: Mutex<Option<File>>,
}

impl SuiteProgress {
    /// Opens the results of an earlier start. If the folder cannot be written, the eval runs but cannot be resumed.
    pub(super) fn open(options: &EvalOptions) -> Self {
        let path = options.out.join("progress.jsonl");
        let program = std::env::current_exe().and_then(fs::metadata).ok();
        let program = program.map(|meta| (meta.len(), meta.modified().ok()));
        let about = format!(
            "{program:?} {:?} {:?} {:?} {:?} {:?}",
            options.planner.make().map(|planner| planner.name().to_owned()).ok(),
            options.budget,
            options.memory,
            options.env,
            options.allow_read,
        );
        let text = fs::read(&path).unwrap_or_default();
        let mut done = HashMap::new();
        for line in text.split(|byte| *byte == b'\n') {
            // A line that a crash truncated does not count.
            if let Ok(line) = serde_json::from_slice::<Line>(line) {
                done.insert(line.key, line.judged);
            }
        }
        let file = File::options().create(true).append(true).open(&path);
        if let Err(error) = &file {
            tracing::warn!(%error, path = %path.display(), "this eval cannot be resumed if it is stopped");
        }
        // End a truncated line, so that the next line is separate.
        let file = file.ok().map(|mut file| {
            if !text.is_empty() && !text.ends_with(b"\n") {
                let _ = file.write_all(b"\n");
            }
            file
        });
        Self { path, about, done, file: Mutex::new(file) }
    }

    fn key(&self, case: &EvalCase) -> String {
        let case = serde_json::to_string(case).unwrap_or_default();
        Evidence::hash(&format!("{} {case}", self.about))
    }

    pub(super) fn done(&self, case: &EvalCase) -> Option<JudgedCase> {
        self.done.get(&self.key(case)).cloned()
    }

    pub(super) fn keep(&self, case: &EvalCase, judged: &JudgedCase) {
        let line = Line { key: self.key(case), judged: judged.clone() };
        let Ok(mut text) = serde_json::to_vec(&line) else { return };
        text.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(open) = file.as_mut()
            && let Err(error) = open.write_all(&text)
        {
            tracing::warn!(%error, "this eval cannot be resumed if it is stopped");
            *file = None;
        }
    }

    /// Deletes the stored results after the last case, so that the next start begins from zero.
    pub(super) fn forget(self) {
        let _ = fs::remove_file(self.path);
    }
}
