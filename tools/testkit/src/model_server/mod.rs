/*!
A model server for tests: real HTTP with real streaming on loopback, with scripted answers. For every request it
checks that the client follows the protocol: no orphan call or result, a prefix that only grows, schemas that servers
accept, no request over the budget, no secret. It records violations, and [`ScriptedModelServer::check`] reports them.

The script is a function of the request, so that it can obey instructions in it: attack tests let it follow the
instructions that an attacker planted.
*/
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

mod protocol;

pub use protocol::ProtocolRules;

/// What the server answers.
#[derive(Debug, Clone)]
pub enum ModelReply {
    /// Native tool calls, with accompanying text.
    Calls { text: String, calls: Vec<(String, Value)> },
    /// Text only.
    Text(String),
    /// Native calls whose arguments are sent as they are.
    RawCall { name: String, arguments: String },
    /// A status with a body, and headers.
    Status { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// A stream that ends in the middle.
    Cut(String),
    /// A stream that waits for this time before each chunk.
    Slow(String, Duration),
    /// A stream whose choice is empty.
    Empty,
    /// A stream that is not JSON.
    Garbage,
    /// An error in the middle of the stream.
    StreamError(String),
    /// No bytes at all: the connection is closed.
    HangUp,
}

impl ModelReply {
    /// One native call.
    pub fn call(name: &str, arguments: Value) -> Self {
        Self::Calls { text: String::new(), calls: vec![(name.to_owned(), arguments)] }
    }

    /// An action of the constrained mode.
    pub fn act(tool: &str, arguments: Value) -> Self {
        Self::Text(json!({ "thought": "", "action": { "tool": tool, "arguments": arguments } }).to_string())
    }

    /// The answer of the second reader.
    pub fn review(judgement: &str, confidence: f64) -> Self {
        Self::Text(json!({ "objections": [], "judgement": judgement, "confidence": confidence }).to_string())
    }

    pub fn status(status: u16, message: &str) -> Self {
        let body = json!({ "error": { "message": message, "type": null, "param": null, "code": null } });
        Self::Status { status, headers: Vec::new(), body: body.to_string() }
    }
}

/// A received request and its parsed parts.
#[derive(Debug, Clone)]
pub struct ModelRequest {
    /// Number of the request, from 1, including retries of the transport.
    pub number: usize,
    pub body: Value,
    /// The bytes of the body.
    pub raw: String,
}

impl ModelRequest {
    pub fn messages(&self) -> &[Value] {
        self.body["messages"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The concatenated text of all messages.
    pub fn text(&self) -> String {
        let text = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
        self.messages().iter().map(text).collect::<Vec<_>>().join("\n")
    }

    pub fn last(&self) -> String {
        self.messages().last().and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned()
    }

    /// Whether this is the question to the second reader.
    pub fn is_review(&self) -> bool {
        self.messages().first().is_some_and(|system| {
            system["content"].as_str().is_some_and(|text| text.contains("the second reader"))
        })
    }

    /// Number of the model's answers in the conversation.
    pub fn step(&self) -> usize {
        self.messages().iter().filter(|message| message["role"] == "assistant").count()
    }

    /// The id of the first evidence whose line or label mentions `what`.
    pub fn evidence(&self, what: &str) -> String {
        let text = self.text();
        for (at, _) in text.match_indices(what) {
            // The id is on the same line: `E7 (locator …`. Folders and locators may contain an E as well.
            let line = text[..at].rsplit('\n').next().unwrap_or_default();
            for (e, _) in line.rmatch_indices('E') {
                let rest = &line[e + 1..];
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                if !digits.is_empty() && rest[digits.len()..].trim_start().starts_with('(') {
                    return format!("E{digits}");
                }
            }
        }
        panic!("no evidence mentions {what:?} in:\n{text}")
    }
}

pub type Script = Box<dyn FnMut(&ModelRequest) -> ModelReply + Send>;

struct State {
    script: Script,
    rules: ProtocolRules,
    seen: Vec<ModelRequest>,
    violations: Vec<String>,
    used: u64,
}

pub struct ScriptedModelServer {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: tokio::task::JoinHandle<()>,
}

impl ScriptedModelServer {
    pub async fn start(
        rules: ProtocolRules,
        script: impl FnMut(&ModelRequest) -> ModelReply + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state =
            State { script: Box::new(script), rules, seen: Vec::new(), violations: Vec::new(), used: 0 };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move {
                    // A client that disconnects is not an error of the server.
                    let _ = serve(stream, &shared).await;
                });
            }
        });
        Self { address, state, task }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub fn requests(&self) -> Vec<ModelRequest> {
        self.state.lock().unwrap().seen.clone()
    }

    /// Fails the test if a request violated the protocol.
    pub fn check(&self) {
        let state = self.state.lock().unwrap();
        assert!(state.violations.is_empty(), "the protocol was broken:\n{}", state.violations.join("\n"));
    }

    /// Number of conversation starts: 1 for a run without compaction or change of mode.
    pub fn prefixes(&self) -> usize {
        let requests = self.requests();
        let planning: Vec<&ModelRequest> = requests.iter().filter(|seen| !seen.is_review()).collect();
        let begins = planning.windows(2).filter(|pair| !protocol::extends(pair[0], pair[1])).count();
        begins + usize::from(!planning.is_empty())
    }
}

impl Drop for ScriptedModelServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let Some((head, body)) = read_request(&mut stream, &mut bytes).await? else { return Ok(()) };
        let reply = {
            let mut state = state.lock().unwrap();
            let state = &mut *state;
            let number = state.seen.len() + 1;
            let parsed = serde_json::from_slice(&body).unwrap_or(Value::Null);
            let seen =
                ModelRequest { number, body: parsed, raw: String::from_utf8_lossy(&body).into_owned() };
            let wrong = protocol::judge(&head, &seen, &state.seen, &state.rules, state.used);
            state.violations.extend(wrong.into_iter().map(|wrong| format!("request {number}: {wrong}")));
            let reply = (state.script)(&seen);
            let tokens = tokens(&seen, &reply);
            state.used += tokens.0 + tokens.1;
            state.seen.push(seen.clone());
            (reply, tokens)
        };
        if !answer(&mut stream, reply.0, reply.1).await? {
            return Ok(());
        }
    }
}

/// The tokens of a request and its answer: about four bytes per token.
fn tokens(seen: &ModelRequest, reply: &ModelReply) -> (u64, u64) {
    let said = match reply {
        ModelReply::Calls { text, calls } => {
            text.len() + calls.iter().map(|(name, args)| name.len() + args.to_string().len()).sum::<usize>()
        }
        ModelReply::Text(text) | ModelReply::Cut(text) | ModelReply::Slow(text, _) => text.len(),
        ModelReply::RawCall { name, arguments } => name.len() + arguments.len(),
        _ => return (0, 0),
    };
    ((seen.raw.len() / 4) as u64, (said as u64).div_ceil(4))
}

async fn read_request(
    stream: &mut TcpStream,
    bytes: &mut Vec<u8>,
) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut part = [0; 16_384];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            let end = end + 4;
            let whole = end + length.unwrap_or(0);
            if bytes.len() >= whole {
                let body = bytes[end..whole].to_vec();
                bytes.drain(..whole);
                return Ok(Some((head, body)));
            }
        }
        match stream.read(&mut part).await? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&part[..count]),
        }
    }
}

/// Sends the reply; returns whether the connection stays open.
async fn answer(stream: &mut TcpStream, reply: ModelReply, tokens: (u64, u64)) -> std::io::Result<bool> {
    let delta = |delta: Value, finish: Value| {
        json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
        })
    };
    let usage = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [],
        "usage": {
            "prompt_tokens": tokens.0, "completion_tokens": tokens.1, "total_tokens": tokens.0 + tokens.1,
            "prompt_tokens_details": { "cached_tokens": tokens.0 / 2 },
        },
    });
    let words = |text: &str| -> Vec<Value> {
        // Send the text in pieces, as models do.
        let pieces = text.split_inclusive(' ');
        pieces.map(|piece| delta(json!({ "content": piece }), Value::Null)).collect()
    };
    let mut chunks = vec![delta(json!({ "role": "assistant", "content": "" }), Value::Null)];
    let mut pause = Duration::ZERO;
    let mut whole = true;
    match reply {
        ModelReply::Status { status, headers, body } => {
            let mut head = format!(
                "HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
                body.len()
            );
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            stream.write_all(format!("{head}\r\n{body}").as_bytes()).await?;
            return Ok(true);
        }
        ModelReply::HangUp => return Ok(false),
        ModelReply::Garbage => chunks = vec![Value::from("<html>Bad gateway</html>")],
        ModelReply::Empty => chunks.push(delta(json!({}), json!("stop"))),
        ModelReply::StreamError(message) => {
            chunks.extend(words("Let me "));
            chunks.push(json!({ "error": { "message": message } }));
        }
        ModelReply::Cut(text) => {
            chunks.extend(words(&text));
            whole = false;
        }
        ModelReply::Slow(text, wait) => {
            pause = wait;
            chunks.extend(words(&text));
            chunks.push(delta(json!({}), json!("stop")));
        }
        ModelReply::Text(text) => {
            chunks.extend(words(&text));
            chunks.push(delta(json!({}), json!("stop")));
        }
        ModelReply::RawCall { name, arguments } => {
            chunks.push(call(&delta, 0, &name, &arguments));
            chunks.push(delta(json!({}), json!("tool_calls")));
        }
        ModelReply::Calls { text, calls } => {
            chunks.extend(words(&text));
            for (at, (name, arguments)) in calls.iter().enumerate() {
                let arguments = arguments.to_string();
                let (first, rest) = arguments.split_at(arguments.floor_char_boundary(arguments.len() / 2));
                chunks.push(call(&delta, at, name, first));
                chunks.push(delta(
                    json!({ "tool_calls": [{ "index": at, "function": { "arguments": rest } }] }),
                    Value::Null,
                ));
            }
            chunks.push(delta(json!({}), json!("tool_calls")));
        }
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    if whole {
        chunks.push(usage);
    }
    for chunk in chunks {
        tokio::time::sleep(pause).await;
        let text = chunk.as_str().map_or_else(|| chunk.to_string(), str::to_owned);
        write_chunk(stream, &format!("data: {text}\n\n")).await?;
    }
    if !whole {
        return Ok(false);
    }
    write_chunk(stream, "data: [DONE]\n\n").await?;
    stream.write_all(b"0\r\n\r\n").await?;
    Ok(true)
}

fn call(delta: &dyn Fn(Value, Value) -> Value, at: usize, name: &str, arguments: &str) -> Value {
    delta(
        json!({ "tool_calls": [{
            "index": at, "id": format!("server_id_{at}"), "type": "function",
            "function": { "name": name, "arguments": arguments },
        }] }),
        Value::Null,
    )
}

async fn write_chunk(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await?;
    stream.flush().await
}

/// Names of the tools a request offers.
pub fn offered(seen: &ModelRequest) -> BTreeSet<String> {
    let tools = seen.body["tools"].as_array().into_iter().flatten();
    tools.filter_map(|tool| tool["function"]["name"].as_str()).map(str::to_owned).collect()
}
