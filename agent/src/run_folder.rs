/*!
Shares a run's folder between machines that use one database. Artifacts of tools (the ledger of replays, the ranking,
the candidates) are in the data folder of the worker that made them. Before an event records that a tool has finished,
the artifacts are also stored beside the events, so that a worker that takes the run over finds them. On one machine
this module does nothing.

Sealed data stays in its folder: a resumed run does not need the map of masked values.
*/

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use millwright_model::{Evidence, RunId};
use millwright_store::{Store, StoreError};

/// A larger file is not shared; a tool that misses it on another machine reports that, and is called again.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// The file that records the hash of each file when this folder was last synchronised with the store.
const IN_STEP: &str = "in-step.json";

/// A file has changed if its length or modification time has changed.
type Look = (u64, Option<SystemTime>);

#[derive(Debug)]
pub struct RunFolder {
    store: Store,
    run: RunId,
    path: PathBuf,
    /// File name to hash, as in the store.
    known: Mutex<HashMap<String, String>>,
    looked: Mutex<HashMap<String, Look>>,
}

impl RunFolder {
    /// Opens the folder of a run in this data folder, and adds the files that another machine stored since. `None` if
    /// the store is a file, because then this folder is the only one.
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
            // Files that changed here after that are newer.
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

    /// Stores the files that changed since the last call.
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

/// Writes a file atomically.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path)
}
