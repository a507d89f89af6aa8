/*!
A message as every chat endpoint knows it, independent of the wire format.
*/

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelMessage {
    System(String),
    User(String),
    Assistant {
        text: String,
        calls: Vec<SaidCall>,
    },
    /// The answer to a call.
    Tool {
        call: String,
        text: String,
    },
}

/// A call as the model made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidCall {
    pub id: String,
    pub name: String,
    /// The arguments as JSON.
    pub arguments: String,
}

impl ModelMessage {
    fn bytes(&self) -> usize {
        match self {
            ModelMessage::System(text) | ModelMessage::User(text) | ModelMessage::Tool { text, .. } => {
                text.len()
            }
            ModelMessage::Assistant { text, calls } => {
                text.len() + calls.iter().map(|call| call.name.len() + call.arguments.len()).sum::<usize>()
            }
        }
    }
}

/// The id of a call on the wire: nine letters and digits, the form that the strictest servers accept.
pub fn wire_id(call: &str) -> String {
    let digits: String = call.chars().filter(char::is_ascii_digit).collect();
    format!("call{digits:0>5}")
}

/// The name of a tool in a form that servers accept in a history: a model may have invented any name.
pub fn wire_name(name: &str) -> String {
    let plain =
        |char: char| if char.is_ascii_alphanumeric() || char == '_' || char == '-' { char } else { '_' };
    let name: String = name.chars().map(plain).take(64).collect();
    if name.is_empty() { "_".to_owned() } else { name }
}

/// An upper estimate of a conversation's tokens: code and logs take about three bytes per token.
pub fn estimate(messages: &[ModelMessage], beside: usize) -> u64 {
    /// Tokens for the role and separators of each message.
    const EACH: u64 = 8;
    let bytes = messages.iter().map(ModelMessage::bytes).sum::<usize>() + beside;
    (bytes as u64).div_ceil(3) + EACH * messages.len() as u64
}
