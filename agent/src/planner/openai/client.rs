/*!
The chat client: the only file that uses the library for model servers. The library sends, retries (429 with
`Retry-After`, 5xx, no connection; three times) and reads the event stream. This file has the connection's options,
the limits on time and size, and the classification of errors.
*/

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::ReqwestService;
use async_openai::middleware::retry::OpenAIRetryLayer;
use futures::StreamExt;
use millwright_recall::answer_limit::AnswerLimit;
use secrecy::ExposeSecret;
use serde_json::Value;
use tower::ServiceBuilder;

use crate::planner::Listener;
use crate::run::{FailureKind, ModelFailure};

use super::failures::{of_status, one_line};
use super::settings::ModelConnection;
use super::wire::StreamedAnswer;

/// The target of the library's own log lines. The library logs whole answers, of any length and content, so every log
/// configuration must leave them out.
pub const LOG_TARGET: &str = "async_openai";

/// The connection cannot be set up; the error names the wrong option.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error(
        "model.base_url {0:?} is not a web address; write it with the version, as in \
         https://api.openai.com/v1"
    )]
    BaseUrl(String),
    #[error("the model's key contains characters that no key has; check the variable or file it comes from")]
    Key,
    #[error("model.ca_file {path}: {why}; give a PEM file with the certificates to trust")]
    CaFile { path: String, why: String },
    #[error("model.proxy {0:?} is not the address of a proxy; write it as http://host:port")]
    Proxy(String),
    #[error("the connection to the model cannot be set up: {0}")]
    Http(String),
    #[error(transparent)]
    Prompt(#[from] millwright_prompts::PromptError),
}

/// Maximum number of bytes read of an answer: a base for errors and for data that servers add, and an event for each
/// requested token, with the overhead that servers are known to send.
const BASE_ANSWER_BYTES: u64 = 4 << 20;
const BYTES_EACH_TOKEN: u64 = 1024;

pub(super) struct ChatClient {
    client: Client<OpenAIConfig>,
    http: reqwest::Client,
    timeout: std::time::Duration,
}

impl ChatClient {
    pub(super) fn new(connection: &ModelConnection) -> Result<Self, SetupError> {
        let base = connection.base_url.trim_end_matches('/');
        let parsed = reqwest::Url::parse(base).map_err(|_| SetupError::BaseUrl(base.to_owned()))?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
            return Err(SetupError::BaseUrl(base.to_owned()));
        }
        let key = connection.api_key.as_ref().map_or("", |key| key.expose_secret());
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SetupError::Key);
        }
        // This fails if the process has a provider already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("millwright/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(std::time::Duration::from_secs(15).min(connection.timeout))
            // A redirect would send the key and the conversation to another server.
            .redirect(reqwest::redirect::Policy::none());
        if let Some(path) = &connection.ca_file {
            let wrong = |why: String| SetupError::CaFile { path: path.display().to_string(), why };
            let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
            let certificates =
                reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))?;
            if certificates.is_empty() {
                return Err(wrong("it contains no certificate".to_owned()));
            }
            http = http.tls_certs_merge(certificates);
        }
        if let Some(proxy) = &connection.proxy {
            let proxy = reqwest::Proxy::all(proxy).map_err(|_| SetupError::Proxy(proxy.clone()))?;
            http = http.proxy(proxy);
        }
        let http = http.build().map_err(|error| SetupError::Http(with_causes(&error)))?;
        let config =
            OpenAIConfig::new().with_api_base(base).with_api_key(key).with_org_id("").with_project_id("");
        let client = Client::with_config(config).with_http_client(http.clone());
        Ok(Self { client, http, timeout: connection.timeout })
    }

    /// Sends a question and reads the whole answer.
    pub(super) async fn ask(
        &self,
        body: &Value,
        listener: Listener<'_>,
    ) -> Result<StreamedAnswer, ModelFailure> {
        let limit = AnswerLimit::new(max_answer_bytes(body));
        match tokio::time::timeout(self.timeout, self.stream(body, listener, &limit)).await {
            Ok(Err(_)) if limit.is_passed() => Err(ModelFailure::new(
                FailureKind::Garbled,
                format!("{}; check that model.base_url points to a model's server", limit.complaint()),
            )),
            Ok(answer) => answer,
            Err(_) => Err(ModelFailure::new(
                FailureKind::TimedOut,
                format!("the model took longer than {} s (model.timeout_s)", self.timeout.as_secs()),
            )),
        }
    }

    async fn stream(
        &self,
        body: &Value,
        listener: Listener<'_>,
        limit: &AnswerLimit,
    ) -> Result<StreamedAnswer, ModelFailure> {
        let bounded = limit.clone();
        // The size limit is applied below the retries, because they read the whole body of a refusal before they
        // decide.
        let service = ServiceBuilder::new()
            .layer(OpenAIRetryLayer::default())
            .map_response(move |response| bounded.bound(response))
            .service(ReqwestService::new(self.http.clone()));
        let client = self.client.clone().with_http_service(service);
        let mut stream = client.chat().create_stream_byot::<_, Value>(body).await.map_err(failure)?;
        let mut answer = StreamedAnswer::default();
        while let Some(chunk) = stream.next().await {
            let words = answer.take(&chunk.map_err(failure)?)?;
            if !words.is_empty() {
                listener(&words);
            }
        }
        answer.judge()?;
        Ok(answer)
    }
}

fn max_answer_bytes(body: &Value) -> u64 {
    let asked = ["max_completion_tokens", "max_tokens"].iter().find_map(|name| body.get(name)?.as_u64());
    asked.unwrap_or(0).saturating_mul(BYTES_EACH_TOKEN).saturating_add(BASE_ANSWER_BYTES)
}

fn failure(error: OpenAIError) -> ModelFailure {
    match error {
        OpenAIError::ApiError(refused) => of_status(
            refused.status_code.as_u16(),
            refused.api_error.code.as_deref().unwrap_or_default(),
            &refused.api_error.message,
        ),
        OpenAIError::Reqwest(error) => {
            let (kind, what) = match error.is_connect() {
                true => (FailureKind::Unavailable, "the model's server cannot be reached"),
                false => (FailureKind::Cut, "the connection to the model broke"),
            };
            // An address can contain a password.
            let why = with_causes(&error.without_url());
            ModelFailure::new(kind, format!("{what}: {}", one_line(&why)))
        }
        OpenAIError::StreamError(_) => {
            ModelFailure::new(FailureKind::Cut, "the answer broke off in the middle")
        }
        OpenAIError::JSONDeserialize(_, content) => ModelFailure::new(
            FailureKind::Garbled,
            format!("the server's answer is not a chat completion: {}", one_line(&content)),
        ),
        other => ModelFailure::new(FailureKind::Garbled, one_line(&other.to_string())),
    }
}

/// An error and its causes, each listed once.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !told.contains(&text) {
            told = format!("{told}: {text}");
        }
        cause = next.source();
    }
    told
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
