/*!
Sets up the vector search of memory from the configuration: which model embeds, and which engine stores the vectors.
*/

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use millwright_store::embed::{Embedder, LexicalEmbedder};
use millwright_store::vectors::{VectorStore, catch_up};
use millwright_store::{Database, Store};

use crate::config::{BUILT_IN, Config, MINILM};

/// The model of `[embeddings]`.
pub(crate) fn embedder(config: &Config) -> Result<Arc<dyn Embedder>> {
    let options = &config.options.embeddings;
    match options.model.as_str() {
        BUILT_IN => Ok(Arc::new(LexicalEmbedder::default())),
        MINILM => minilm(options.path.as_deref().unwrap_or(std::path::Path::new("."))),
        model => {
            let base_url = options.base_url.clone().or_else(|| variable("OPENAI_BASE_URL"));
            openai(OpenAi {
                base_url: base_url.unwrap_or_else(|| "https://api.openai.com/v1".into()),
                api_key: variable(options.api_key_env.as_deref().unwrap_or("OPENAI_API_KEY")),
                model: model.to_owned(),
                dimension: options.dimension.unwrap_or_default(),
                timeout: Duration::from_secs(options.timeout_s),
            })
        }
    }
}

#[cfg(feature = "minilm")]
fn minilm(path: &std::path::Path) -> Result<Arc<dyn Embedder>> {
    Ok(Arc::new(millwright_recall::embed::MiniLm::load(path)?))
}

#[cfg(not(feature = "minilm"))]
fn minilm(_: &std::path::Path) -> Result<Arc<dyn Embedder>> {
    anyhow::bail!(
        "this millwright was built without {MINILM}; build it with `cargo build --release --features minilm`"
    )
}

#[cfg(feature = "openai-embeddings")]
use millwright_recall::embed::OpenAiOptions as OpenAi;

#[cfg(feature = "openai-embeddings")]
fn openai(options: OpenAi) -> Result<Arc<dyn Embedder>> {
    Ok(Arc::new(millwright_recall::embed::OpenAiEmbeddings::new(&options)?))
}

#[cfg(not(feature = "openai-embeddings"))]
struct OpenAi {
    base_url: String,
    api_key: Option<String>,
    model: String,
    dimension: usize,
    timeout: Duration,
}

#[cfg(not(feature = "openai-embeddings"))]
fn openai(options: OpenAi) -> Result<Arc<dyn Embedder>> {
    let OpenAi { base_url, api_key: _, model, dimension, timeout: _ } = options;
    anyhow::bail!(
        "this millwright was built without embeddings from an endpoint ({model}, {dimension} dimensions, at \
         {base_url}); build it with the feature openai-embeddings"
    )
}

/// The engine at a url of `[vectors]`; `None` is the embedded one.
pub(crate) fn engine(url: &str, config: &Config) -> Result<Option<Arc<dyn VectorStore>>> {
    match url {
        "embedded" => Ok(None),
        url => server(url, config).map(Some),
    }
}

#[cfg(feature = "qdrant")]
fn server(url: &str, config: &Config) -> Result<Arc<dyn VectorStore>> {
    let options = &config.options.vectors;
    Ok(Arc::new(millwright_recall::vectors::Qdrant::new(&millwright_recall::vectors::QdrantOptions {
        url: url.to_owned(),
        collection: options.collection.clone(),
        api_key: variable(options.api_key_env.as_deref().unwrap_or("QDRANT_API_KEY")),
        timeout: Duration::from_secs(options.timeout_s),
    })?))
}

#[cfg(not(feature = "qdrant"))]
fn server(url: &str, _: &Config) -> Result<Arc<dyn VectorStore>> {
    anyhow::bail!(
        "this millwright was built without vector servers ({url}); build it with the feature qdrant"
    )
}

/// The store with the configured model and engine.
pub(crate) async fn attach(store: Store, config: &Config) -> Result<Store> {
    match configured(config)? {
        None => Ok(store),
        Some((embedder, engine)) => Ok(store.with_vector_index(embedder, engine).await?),
    }
}

/// Attaches the configured model and engine to a database.
pub(crate) async fn attach_to(database: Database, config: &Config) -> Result<Database> {
    match configured(config)? {
        None => Ok(database),
        Some((embedder, engine)) => Ok(database.with_vector_index(embedder, engine).await?),
    }
}

type DenseSide = (Arc<dyn Embedder>, Option<Arc<dyn VectorStore>>);

/// The configured model and engine, unless they are the built-in ones.
fn configured(config: &Config) -> Result<Option<DenseSide>> {
    let options = &config.options;
    if options.embeddings.model == BUILT_IN && options.vectors.url == "embedded" {
        return Ok(None);
    }
    Ok(Some((embedder(config)?, engine(&options.vectors.url, config)?)))
}

/// Fills in missing vectors while the command runs. The next command continues with what is left.
pub(crate) fn fill_in_background(store: &Store) {
    let store = store.clone();
    tokio::task::spawn(async move {
        match catch_up(&store, usize::MAX).await {
            Ok(progress) if progress.embedded > 0 => {
                tracing::info!(vectors.embedded = progress.embedded, "vectors are complete");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(error = %error, "vectors could not be completed"),
        }
    });
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
