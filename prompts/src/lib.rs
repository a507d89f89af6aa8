/*!
What a model is told. Every prompt is a file under `templates/`, with a typed context, an id and the hash of its
content, so that a run can record which words it was made with. Rendering is strict: a name that the context does
not have is an error, never an empty string. This crate knows no model, no tool and no run.
*/

mod contexts;
mod fence;

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;
use sha2::{Digest, Sha256};

pub use contexts::{
    BriefFinding, BriefPrompt, ChatPrompt, ChatTopic, CompactedPrompt, EvidenceLine, NudgeKind, NudgePrompt,
    ProseCase, ProseJudgePrompt, RepairPrompt, ReviewCase, ReviewClaim, ReviewPrompt, SteeredPrompt,
    SystemPrompt, ToolLine, ToolResult,
};
pub use fence::DataFence;

/// A template with the context it takes.
pub trait Prompt: Serialize {
    const ID: &'static str;
    const SOURCE: &'static str;

    /// The prompt in words.
    ///
    /// # Errors
    /// When the template names what the context does not have; a test renders every template.
    fn render(&self) -> Result<String, PromptError> {
        let failed = |error: minijinja::Error| PromptError { id: Self::ID, why: format!("{error:#}") };
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_syntax(
            SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(failed)?,
        );
        let rendered = environment.render_named_str(Self::ID, Self::SOURCE, Value::from(Serde(self)));
        rendered.map(|text| text.trim_end().to_owned()).map_err(failed)
    }

    /// Hex SHA-256 of the template.
    fn hash() -> String {
        hex::encode(Sha256::digest(Self::SOURCE.as_bytes()))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the prompt {id} cannot be rendered: {why}")]
pub struct PromptError {
    pub id: &'static str,
    pub why: String,
}

/// Id and hash of the prompts an investigation is planned with.
pub fn planning() -> BTreeMap<String, String> {
    [
        entry::<SystemPrompt>(),
        entry::<BriefPrompt>(),
        entry::<ToolResult>(),
        entry::<NudgePrompt>(),
        entry::<RepairPrompt>(),
        entry::<CompactedPrompt>(),
        entry::<SteeredPrompt>(),
    ]
    .into()
}

/// Id and hash of the prompts a finding is reviewed with.
pub fn reviewing() -> BTreeMap<String, String> {
    [entry::<ReviewPrompt>(), entry::<ReviewCase>()].into()
}

fn entry<P: Prompt>() -> (String, String) {
    (P::ID.to_owned(), P::hash())
}

#[cfg(test)]
#[path = "prompts_tests.rs"]
mod tests;
