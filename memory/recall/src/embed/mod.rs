/*!
Models that turn texts into vectors, in addition to the built-in one: a local transformer (cargo feature `minilm`) and
any OpenAI-compatible endpoint (cargo feature `openai-embeddings`).
*/

#[cfg(feature = "minilm")]
mod minilm;
#[cfg(feature = "openai-embeddings")]
mod openai;

#[cfg(feature = "minilm")]
pub use minilm::MiniLm;
#[cfg(feature = "openai-embeddings")]
pub use openai::{OpenAiEmbeddings, OpenAiOptions};
