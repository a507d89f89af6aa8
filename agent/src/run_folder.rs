/*!
A run's folder, where several machines work on one database. Artifacts of tools (the ledger of replays, the ranking, the
candidates) lie in the data folder of the worker that made them; before an event says that a tool has finished, they are
kept beside the events as well, so that whichever worker takes the run over finds what the events speak of. On one
machine nothing of this is needed, and nothing is done.

What is sealed stays where it is: the map of masked values is of no use to a resumed run.
*/

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use millwright_model::{Evidence, RunId};
use millwright_store::{Store, StoreError};

/// A larger file stays here; a tool that misses it elsewhere says so, and is called again.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// What the store had of each file when this folder was last in step with it.
const IN_STEP: &str = "in-step.json";

/// What tells a file that changed: its length, and when it was written.
type Look = (u64, Option<SystemTime>);

#[derive(Debug)]
pub struct RunFolder {
    store: Store,
    run: RunId,
    path: PathBuf,
    /// Name to hash, as the store has it.
    known: Mutex<HashMap<String, String>>,
    looked: Mutex<HashMap<String, Look>>,
}

impl RunFolder {
    /// The folder of a run in this data folder, with what another machine added since; `None` where the store is a file
    /// and so the folder is the only one.
    pub async fn bring(store: &Store, run: &RunId, path: &Path) -> Result<Option<Self>, StoreError> {
        if !store.is_shared() {
            return Ok(None);
        }
        std::fs::create_dir_all(path)?;
        let in_step: HashMap<String, String> = std::fs::read(path.join(IN_STEP))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let mut known = HashMap::new();
        for (name, text) in store.run_files(run).await? {
            let hash = Evidence::hash(&text);
            let here = path.join(&name);
            // What this folder added after that is newer.
            if in_step.get(&name) != Some(&hash) || !here.exists() {
                write(&here, text.as_bytes())?;
            }
            known.insert(name, hash);
        }
        let folder = Self {
            store: store.clone(),
            run: run.clone(),
            path: path.to_owned(),
            known: Mutex::new(known),
            looked: Mutex::default(),
        };
        folder.note_step()?;
        Ok(Some(folder))
    }

    /// Keeps what changed since.
    pub async fn keep(&self) -> Result<(), StoreError> {
        let changed = self.changed()?;
        if changed.is_empty() {
            return Ok(());
        }
        self.store.keep_run_files(&self.run, &changed).await?;
        let hashed = changed.into_iter().map(|(name, text)| (name, Evidence::hash(&text)));
        self.known.lock().unwrap_or_else(PoisonError::into_inner).extend(hashed);
        Ok(self.note_step()?)
    }

    fn changed(&self) -> io::Result<Vec<(String, String)>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
            let Ok(name) = name.into_string() else { continue };
            let plain = [".json", ".jsonl"].iter().any(|end| name.ends_with(end)) && name != IN_STEP;
            let meta = std::fs::metadata(&entry)?;
            let look = (meta.len(), meta.modified().ok());
            if !plain || meta.len() > MAX_FILE_BYTES || looked.get(&name) == Some(&look) {
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&entry) else { continue };
            looked.insert(name.clone(), look);
            if known.get(&name) != Some(&Evidence::hash(&text)) {
                changed.push((name, text));
            }
        }
        Ok(changed)
    }

    fn note_step(&self) -> io::Result<()> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        write(&self.path.join(IN_STEP), &serde_json::to_vec(&known).map_err(io::Error::other)?)
    }
}

/// Whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path)
}
