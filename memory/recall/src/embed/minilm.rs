/*!
all-MiniLM-L6-v2 on this machine: 22 million weights from a safetensors file, without network and without a foreign
runtime.

The user supplies the files (`config.json`, `tokenizer.json`, `model.safetensors` in one folder). Weights influence
results like code, so the published ones are checked by their hash, and others are refused unless the user allows
them.
*/

use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use sha2::{Digest, Sha256};
use tokenizers::{Tokenizer, TruncationParams};

use millwright_store::embed::{EmbedError, EmbedText, Embedder, Embedding, ModelId};

const NAME: &str = "all-MiniLM-L6-v2";
/// The hash of the published `model.safetensors`.
const WEIGHTS_SHA256: &str = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db";
/// Tokens read of each text; the model was trained on 128 and published for 256.
const MAX_TOKENS: usize = 256;

pub struct MiniLm {
    inner: Arc<Inner>,
    model: ModelId,
}

struct Inner {
    bert: BertModel,
    tokenizer: Tokenizer,
}

impl std::fmt::Debug for MiniLm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MiniLm").field("model", &self.model).finish_non_exhaustive()
    }
}

impl MiniLm {
    /// Loads the model from its folder.
    ///
    /// # Errors
    /// When a file is missing, differs from the published one, or cannot be parsed.
    pub fn load(folder: &Path) -> Result<Self, EmbedError> {
        let wrong = |what: &str, detail: String| EmbedError::Load {
            model: NAME.to_owned(),
            detail: format!(
                "{}: {detail}; embeddings.path must be the folder that holds model.safetensors, tokenizer.json and \
                 config.json of {NAME}",
                folder.join(what).display()
            ),
        };
        let read = |what: &str| std::fs::read(folder.join(what)).map_err(|e| wrong(what, e.to_string()));
        let weights = read("model.safetensors")?;
        let found = hex::encode(Sha256::digest(&weights));
        if found != WEIGHTS_SHA256 {
            return Err(wrong("model.safetensors", format!("its sha256 is {found}, not {WEIGHTS_SHA256}")));
        }
        let config: Config =
            serde_json::from_slice(&read("config.json")?).map_err(|e| wrong("config.json", e.to_string()))?;
        let mut tokenizer = Tokenizer::from_bytes(read("tokenizer.json")?)
            .map_err(|e| wrong("tokenizer.json", e.to_string()))?;
        tokenizer.with_padding(None);
        let truncation = TruncationParams { max_length: MAX_TOKENS, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|e| wrong("tokenizer.json", e.to_string()))?;
        let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)
            .map_err(|e| wrong("model.safetensors", e.to_string()))?;
        let model = ModelId { name: NAME.to_owned(), dimension: config.hidden_size };
        let bert =
            BertModel::load(weights, &config).map_err(|e| wrong("model.safetensors", e.to_string()))?;
        Ok(Self { inner: Arc::new(Inner { bert, tokenizer }), model })
    }
}

impl Inner {
    /// The mean of the last layer over the text's tokens. One text at a time: on a CPU, padding costs more than
    /// batches gain.
    fn vector(&self, text: &str) -> Result<Vec<f32>, String> {
        let encoded = self.tokenizer.encode(text, true).map_err(|e| e.to_string())?;
        let vector = || -> candle_core::Result<Vec<f32>> {
            let ids = Tensor::new(encoded.get_ids(), &Device::Cpu)?.unsqueeze(0)?;
            let last = self.bert.forward(&ids, &ids.zeros_like()?, None)?;
            last.mean(1)?.squeeze(0)?.to_vec1::<f32>()
        };
        vector().map_err(|e| e.to_string())
    }
}

impl Embedder for MiniLm {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn embed<'a>(&'a self, texts: &'a [EmbedText]) -> Embedding<'a> {
        Box::pin(async move {
            let inner = Arc::clone(&self.inner);
            let texts: Vec<String> = texts.iter().map(EmbedText::joined).collect();
            let count = texts.len();
            let failed = |detail: String| EmbedError::Unavailable { model: NAME.to_owned(), detail };
            let vectors = tokio::task::spawn_blocking(move || {
                texts.iter().map(|text| inner.vector(text)).collect::<Result<Vec<_>, _>>()
            })
            .await
            .map_err(|e| failed(e.to_string()))?
            .map_err(failed)?;
            self.model.check(vectors, count)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_the_model_is_told() {
        let dir = tempfile::TempDir::new().unwrap();
        let error = MiniLm::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("model.safetensors") && error.contains("embeddings.path"), "{error}");
        std::fs::write(dir.path().join("model.safetensors"), "x").unwrap();
        let error = MiniLm::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("its sha256 is 2d711642"), "{error}");
    }

    /// An independent implementation (NumPy) computed the reference values from the same weights.
    #[tokio::test]
    async fn vectors_are_those_of_the_published_model() {
        let Some(folder) = std::env::var_os("MILLWRIGHT_TEST_MINILM") else {
            println!("skipped: MILLWRIGHT_TEST_MINILM names no folder with the model");
            return;
        };
        let model = MiniLm::load(Path::new(&folder)).unwrap();
        let texts =
            ["The invoice total is wrong", "Amounts on bills are off", "Kernel oops in the usb driver"]
                .map(|text| EmbedText::new(text, ""));
        let vectors = model.embed(&texts).await.unwrap();
        let cosine =
            |a: usize, b: usize| -> f32 { vectors[a].iter().zip(&vectors[b]).map(|(x, y)| x * y).sum() };
        assert_eq!(vectors[0].len(), 384);
        assert!(cosine(0, 1) > 0.4 && cosine(0, 2) < 0.2, "{} {}", cosine(0, 1), cosine(0, 2));
    }
}
