/*!
Embeddings from any OpenAI-compatible endpoint, including local servers. Only this file and the chat client use the
library. Responses are read leniently, because servers differ in what they leave out, and checked strictly: count,
order and dimension.
*/

use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::middleware::ReqwestService;
use async_openai::middleware::retry::OpenAIRetryLayer;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceBuilder;

use crate::answer_limit::AnswerLimit;

use millwright_store::embed::{EmbedError, EmbedText, Embedder, Embedding, ModelId};

/// Texts sent in one request.
const BATCH: usize = 64;

/// The most that is read of a response: a base amount for errors and for what servers add, and an amount for each
/// number.
const BASE_ANSWER_BYTES: u64 = 1 << 20;
const BYTES_EACH_NUMBER: u64 = 64;

#[derive(Clone)]
pub struct OpenAiOptions {
    /// Includes the version: `https://api.openai.com/v1`.
    pub base_url: String,
    pub api_key: Option<String>,
    pub model: String,
    /// The dimension of the model's vectors.
    pub dimension: usize,
    pub timeout: Duration,
}

impl std::fmt::Debug for OpenAiOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = self.api_key.as_ref().map(|_| "…");
        f.debug_struct("OpenAiOptions")
            .field("base_url", &self.base_url)
            .field("model", &self.model)
            .field("api_key", &key)
            .finish_non_exhaustive()
    }
}

pub struct OpenAiEmbeddings {
    client: Client<OpenAIConfig>,
    http: reqwest::Client,
    model: ModelId,
    timeout: Duration,
}

impl std::fmt::Debug for OpenAiEmbeddings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAiEmbeddings").field("model", &self.model).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answered {
    data: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    #[serde(default)]
    index: Option<usize>,
    embedding: Vec<f32>,
}

impl OpenAiEmbeddings {
    /// # Errors
    /// When the connection cannot be set up.
    pub fn new(options: &OpenAiOptions) -> Result<Self, EmbedError> {
        let wrong = |detail: String| EmbedError::Load { model: options.model.clone(), detail };
        let base = options.base_url.trim_end_matches('/');
        if !base.starts_with("http://") && !base.starts_with("https://") {
            let detail = format!(
                "embeddings.base_url {base:?} is not a web address; write it with the version, as in \
                 https://api.openai.com/v1"
            );
            return Err(wrong(detail));
        }
        let key = options.api_key.as_deref().unwrap_or_default();
        if !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong(
                "the key contains characters that are not valid in a key; check embeddings.api_key_env"
                    .into(),
            ));
        }
        // Fails if the process already has a provider, which is equally good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(concat!("millwright/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.timeout.min(Duration::from_secs(15)))
            // A redirect would send the key and the tickets to another server.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let config =
            OpenAIConfig::new().with_api_base(base).with_api_key(key).with_org_id("").with_project_id("");
        Ok(Self {
            client: Client::with_config(config).with_http_client(http.clone()),
            http,
            model: ModelId { name: options.model.clone(), dimension: options.dimension },
            timeout: options.timeout,
        })
    }

    async fn ask(&self, texts: &[EmbedText]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let away = |detail: String| EmbedError::Unavailable {
            model: self.model.name.clone(),
            detail: detail.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect(),
        };
        let input: Vec<String> = texts
            .iter()
            .map(|text| Some(text.joined()).filter(|t| !t.is_empty()).unwrap_or_else(|| "-".to_owned()))
            .collect();
        let body = json!({ "model": self.model.name, "input": input, "encoding_format": "float" });
        let numbers = (texts.len() as u64).saturating_mul(self.model.dimension as u64);
        let limit =
            AnswerLimit::new(numbers.saturating_mul(BYTES_EACH_NUMBER).saturating_add(BASE_ANSWER_BYTES));
        let bounded = limit.clone();
        // The limit is applied below the retries, because they read the whole body of an error response before they
        // decide.
        let service = ServiceBuilder::new()
            .layer(OpenAIRetryLayer::default())
            .map_response(move |response| bounded.bound(response))
            .service(ReqwestService::new(self.http.clone()));
        let client = self.client.clone().with_http_service(service);
        let embeddings = client.embeddings();
        let answer = tokio::time::timeout(self.timeout, embeddings.create_byot::<Value, Answered>(body))
            .await
            .map_err(|_| {
                away(format!("it took longer than {} s (embeddings.timeout_s)", self.timeout.as_secs()))
            })?
            .map_err(|error| match limit.is_passed() {
                true => away(format!("{}; check embeddings.base_url", limit.complaint())),
                false => away(error.to_string()),
            })?;
        let mut data: Vec<(usize, Vec<f32>)> = answer
            .data
            .into_iter()
            .enumerate()
            .map(|(at, one)| (one.index.unwrap_or(at), one.embedding))
            .collect();
        data.sort_by_key(|(index, _)| *index);
        self.model.check(data.into_iter().map(|(_, vector)| vector).collect(), texts.len())
    }
}

impl Embedder for OpenAiEmbeddings {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn embed<'a>(&'a self, texts: &'a [EmbedText]) -> Embedding<'a> {
        Box::pin(async move {
            let mut vectors = Vec::with_capacity(texts.len());
            for batch in texts.chunks(BATCH) {
                vectors.extend(self.ask(batch).await?);
            }
            Ok(vectors)
        })
    }
}

#[cfg(test)]
#[path = "openai_tests.rs"]
mod tests;
