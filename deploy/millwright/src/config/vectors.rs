/*!
Options of the vector search in memory: which model embeds, and which engine stores the vectors.
*/

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where vectors of incidents are stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct VectorsSection {
    /// `embedded` (beside everything else, in the data folder), or the gRPC address of a Qdrant server:
    /// `http://qdrant:6334`, `https://…` for TLS. `MILLWRIGHT__VECTORS__URL`
    pub(crate) url: String,
    /// Name of the alias in the server; each model gets a collection of its own behind it.
    /// `MILLWRIGHT__VECTORS__COLLECTION`
    pub(crate) collection: String,
    /// The variable that holds the server's API key. Default: `QDRANT_API_KEY`. `MILLWRIGHT__VECTORS__API_KEY_ENV`
    pub(crate) api_key_env: Option<String>,
    /// Longest time for one answer of the server. `MILLWRIGHT__VECTORS__TIMEOUT_S`
    pub(crate) timeout_s: u64,
}

impl Default for VectorsSection {
    fn default() -> Self {
        Self { url: "embedded".into(), collection: "millwright".into(), api_key_env: None, timeout_s: 5 }
    }
}

/// Which model turns incidents into vectors. After a change, remembered incidents are embedded again in the background.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EmbeddingsSection {
    /// `built-in` (no weights; knows spelling only), `all-MiniLM-L6-v2` (needs `path`), or the name of a model at
    /// `base_url`. `MILLWRIGHT__EMBEDDINGS__MODEL`
    pub(crate) model: String,
    /// Folder with the files of all-MiniLM-L6-v2. `MILLWRIGHT__EMBEDDINGS__PATH`
    pub(crate) path: Option<PathBuf>,
    /// An OpenAI-compatible endpoint, with the version. Default: `OPENAI_BASE_URL`, else OpenAI's own.
    /// `MILLWRIGHT__EMBEDDINGS__BASE_URL`
    pub(crate) base_url: Option<String>,
    /// Dimensions of the vectors of a model at `base_url`. `MILLWRIGHT__EMBEDDINGS__DIMENSION`
    pub(crate) dimension: Option<usize>,
    /// The variable that holds the key. Default: `OPENAI_API_KEY`. `MILLWRIGHT__EMBEDDINGS__API_KEY_ENV`
    pub(crate) api_key_env: Option<String>,
    /// Longest time for one answer of the endpoint. `MILLWRIGHT__EMBEDDINGS__TIMEOUT_S`
    pub(crate) timeout_s: u64,
}

pub(crate) const BUILT_IN: &str = "built-in";
pub(crate) const MINILM: &str = "all-MiniLM-L6-v2";

impl Default for EmbeddingsSection {
    fn default() -> Self {
        Self {
            model: BUILT_IN.into(),
            path: None,
            base_url: None,
            dimension: None,
            api_key_env: None,
            timeout_s: 60,
        }
    }
}

impl VectorsSection {
    pub(super) fn settle(&self) -> Result<(), String> {
        let known =
            self.url == "embedded" || self.url.starts_with("http://") || self.url.starts_with("https://");
        if !known {
            return Err(format!(
                "vectors.url {:?} must be \"embedded\" or the address of a Qdrant server",
                self.url
            ));
        }
        if self.timeout_s == 0 {
            return Err("vectors.timeout_s must be at least 1; leave it out for the default".into());
        }
        Ok(())
    }
}

impl EmbeddingsSection {
    pub(super) fn settle(&mut self, folder: Option<&Path>) -> Result<(), String> {
        if let (Some(path), Some(folder)) = (&mut self.path, folder) {
            *path = folder.join(&*path);
        }
        match (self.model.as_str(), &self.path, self.dimension) {
            (MINILM, None, _) => {
                Err(format!("embeddings.path must name the folder with the files of {MINILM}"))
            }
            (BUILT_IN | MINILM, _, _) => Ok(()),
            (model, _, None | Some(0)) => Err(format!(
                "embeddings.dimension must say how many dimensions the vectors of {model} have, as in dimension = 1536"
            )),
            _ if self.timeout_s == 0 => {
                Err("embeddings.timeout_s must be at least 1; leave it out for the default".into())
            }
            _ => Ok(()),
        }
    }
}
