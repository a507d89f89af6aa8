/*!
The questions of `doctor` to a model server: does it answer, and in which action modes?
*/

use millwright_tools::{Effect, ToolSpec};
use serde_json::json;

use crate::context::{ModelMessage, ModelRequest};
use crate::run::{ActionMode, AllowedAnswer, AskPurpose, FailureKind, ModelAsk, ModelFailure, TokenCounts};

use super::client::{ChatClient, SetupError};
use super::settings::ModelSettings;
use super::{interpret, system, wire};

/// What a model server can do.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerProbe {
    /// Whether the server makes native tool calls; the error says why not.
    pub tools: Result<(), String>,
    /// Whether the server keeps to a schema; the error says why not.
    pub constrained: Result<(), String>,
    /// Set when nothing answered at all.
    pub unreachable: Option<String>,
}

/// Asks one small question in each action mode.
///
/// # Errors
/// When an option of the connection is wrong.
pub async fn probe(settings: &ModelSettings) -> Result<ServerProbe, SetupError> {
    let client = ChatClient::new(&settings.connection)?;
    let tools = [ToolSpec {
        name: "report_number".to_owned(),
        description: "Reports a number.".to_owned(),
        schema: json!({
            "type": "object",
            "properties": { "number": { "type": "integer", "description": "The number." } },
            "required": ["number"],
            "additionalProperties": false,
        }),
        effect: Effect::ReadMemory,
    }];
    let ask = async |mode: ActionMode| -> Result<(), ModelFailure> {
        let system = system(mode, &tools)
            .map_err(|error| ModelFailure::new(FailureKind::Garbled, error.to_string()))?;
        let request = ModelRequest {
            ask: ModelAsk {
                purpose: AskPurpose::Plan,
                mode,
                choice: AllowedAnswer::Any,
                stage: 0,
                remarks: Vec::new(),
                reserved: TokenCounts::default(),
                max_output: 200,
                request_sha256: String::new(),
            },
            messages: vec![
                ModelMessage::System(system),
                ModelMessage::User("Report the number 7 with report_number.".to_owned()),
            ],
            again: false,
        };
        let mut answer = client.ask(&wire::body(&settings.connection, &tools, &request), &|_| {}).await?;
        let calls = answer.calls();
        let native = !calls.is_empty();
        let turn = crate::run::ModelTurn { text: answer.text, calls, ..Default::default() };
        let acts =
            interpret::actions(&turn, AllowedAnswer::Any).iter().any(|(name, _)| name == "report_number");
        match (acts, mode, native) {
            (true, ActionMode::Tools, true) | (true, ActionMode::Constrained, _) => Ok(()),
            (_, ActionMode::Tools, _) => {
                Err(ModelFailure::new(FailureKind::UnsupportedMode, "it answers in text instead of calls"))
            }
            _ => Err(ModelFailure::new(FailureKind::UnsupportedMode, "it does not follow the schema")),
        }
    };
    let (native, constrained) = (ask(ActionMode::Tools).await, ask(ActionMode::Constrained).await);
    let lost = |answer: &Result<(), ModelFailure>| {
        answer.as_ref().err().filter(|failure| failure.kind != FailureKind::UnsupportedMode).cloned()
    };
    let unreachable = lost(&native).and(lost(&constrained)).map(|failure| failure.message);
    let told = |answer: Result<(), ModelFailure>| answer.map_err(|failure| failure.message);
    Ok(ServerProbe { tools: told(native), constrained: told(constrained), unreachable })
}
