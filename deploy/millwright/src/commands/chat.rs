/*!
`millwright chat`: the conversation in a terminal, line by line. This module only reads, prints and handles signals;
`millwright_agent::conversation` decides what to say. Lines may also come from a pipe: each is answered before the next is
read, and only `/stop` and `/steer` reach a running investigation.
*/

use std::collections::VecDeque;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use millwright_agent::conversation::{
    Conversation, ConversationContext, ConversationListener, FeedbackFuture, FeedbackTaker, RunMessenger,
    SlashCommand, command, steering,
};
use millwright_agent::planner::PLAYBOOK;
use millwright_agent::planner::openai::ModelSpeaker;
use millwright_agent::report::plain;
use millwright_agent::run::{Run, RunEvent};
use millwright_agent::sink::EventSink;
use millwright_model::terminal_code::escaped_but_colours;
use millwright_model::{Approval, IncidentId, ReplayOutcome};
use millwright_store::{Actor, FeedbackAuthor, FeedbackRights};
use millwright_tools::{ProgressEvent, ProgressSink};
use millwright_usecases::UseCases;
use tokio::sync::mpsc;

use super::investigate::{self, TicketInput};
use crate::cli::ChatArguments;
use crate::wiring;

/// The conventional status of a process ended by an interrupt.
const INTERRUPTED: u8 = 130;
/// Longest line read, in bytes; the rest of a longer line is dropped.
const LINE_BYTES: usize = 64 << 10;
/// Most lines that wait while an answer is made.
const AHEAD: usize = 1_000;

pub(super) async fn run(arguments: ChatArguments) -> Result<ExitCode> {
    let what = &arguments.what;
    let config = wiring::config(what.config.as_deref(), Some(&what.repo))?;
    let planner = wiring::planner(what.planner.as_deref(), &config, wiring::ConsentAvailability::Attended)?;
    let speaker = match planner.name() {
        PLAYBOOK => None,
        name => Some(ModelSpeaker::new(wiring::model(name, &config)?)?),
    };
    let (ticket, incident) = subject(arguments.ticket.as_deref())?;
    let options = investigate::options(what, ticket, true, &config)?;
    let store = wiring::open_store(&options.data_dir, &config).await?;
    let to_terminal = std::io::stdout().is_terminal();
    let by = wiring::person();
    let conversation = Conversation::begin(ConversationContext {
        options,
        incident,
        store: store.clone(),
        redactor: Arc::new(wiring::redactor(&config)?),
        planner,
        speaker,
        feedback: Arc::new(OwnersFeedback {
            use_cases: super::memory::use_cases(&store, &config)?,
            by: by.clone(),
        }),
        by,
        width: investigate::terminal_width(to_terminal),
        color: to_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    })
    .await?;
    let code = Terminal::new().talk(conversation).await;
    store.close().await;
    Ok(code)
}

/// Anyone who may read this machine's memory may judge its answers.
struct OwnersFeedback {
    use_cases: UseCases,
    by: String,
}

impl FeedbackTaker for OwnersFeedback {
    fn take<'a>(&'a self, incident: &'a IncidentId, said: Approval, note: &'a str) -> FeedbackFuture<'a> {
        let judge = FeedbackAuthor::new(Actor { who: &self.by, why: note }, FeedbackRights::OWNER);
        Box::pin(async move { Ok(self.use_cases.judge_in_words(judge, incident, said).await?) })
    }
}

/// The subject of the conversation: the file of a ticket, or a remembered incident.
fn subject(name: Option<&str>) -> Result<(TicketInput, Option<String>)> {
    let Some(name) = name else { return Ok((TicketInput::default(), None)) };
    anyhow::ensure!(
        name != "-",
        "the conversation itself comes from standard input; give the ticket as a file, or the id of an incident"
    );
    if name.starts_with("inc_") && !Path::new(name).exists() {
        return Ok((TicketInput::default(), Some(name.to_owned())));
    }
    Ok((TicketInput { text: wiring::read_input(name)?, name: Some(name.to_owned()) }, None))
}

struct Terminal {
    lines: mpsc::Receiver<String>,
    /// A person types the input, so a message during a run is meant for the run.
    typed: bool,
    waiting: VecDeque<String>,
    open: bool,
    screen: Arc<Screen>,
}

impl Terminal {
    fn new() -> Self {
        let typed = std::io::stdin().is_terminal();
        Self { lines: read_lines(), typed, waiting: VecDeque::new(), open: true, screen: Arc::default() }
    }

    async fn talk(mut self, mut conversation: Conversation) -> ExitCode {
        let ears = ConversationListener { sinks: vec![self.screen.clone()], progress: self.screen.clone() };
        let voice = conversation.voice();
        say(&conversation.greeting());
        loop {
            let Some(line) = self.next().await else { return ExitCode::from(INTERRUPTED) };
            let Some(line) = line else { return ExitCode::SUCCESS };
            if !self.typed {
                let shown: String = line.chars().take(200).collect();
                say(&format!("> {}\n", plain(&shown)));
            }
            self.screen.begin();
            let hearing = conversation.hear(&line, &ears);
            tokio::pin!(hearing);
            let answer = loop {
                tokio::select! {
                    biased;
                    answer = &mut hearing => break answer,
                    _ = tokio::signal::ctrl_c() => {
                        if !voice.stop() {
                            return ExitCode::from(INTERRUPTED);
                        }
                    }
                    line = self.lines.recv(), if self.open && self.waiting.len() < AHEAD => match line {
                        Some(line) => self.meanwhile(line, &voice),
                        None => self.open = false,
                    },
                }
            };
            self.screen.end();
            if answer.ends {
                return ExitCode::SUCCESS;
            }
            if !answer.text.is_empty() {
                say(&format!("{}\n", answer.text.trim_end()));
            }
            say("\n");
        }
    }

    /// The next line; the inner `None` is the end of the input, the outer one an interrupt.
    async fn next(&mut self) -> Option<Option<String>> {
        if let Some(line) = self.waiting.pop_front() {
            return Some(Some(line));
        }
        if !self.open {
            return Some(None);
        }
        if self.typed {
            say("> ");
        }
        tokio::select! {
            line = self.lines.recv() => Some(line),
            _ = tokio::signal::ctrl_c() => None,
        }
    }

    /// Handles a line that arrives while an answer is made.
    fn meanwhile(&mut self, line: String, voice: &RunMessenger) {
        if !self.waiting.is_empty() && !self.typed {
            self.waiting.push_back(line);
            return;
        }
        let taken = match (command(&line), steering(&line)) {
            (_, Some(text)) => voice.steer(text),
            (Some(SlashCommand::Stop), _) => voice.stop(),
            (None, _) if self.typed && !line.trim().is_empty() => voice.steer(&line),
            _ => false,
        };
        if !taken {
            self.waiting.push_back(line);
        }
    }
}

/// Reads lines on a separate thread, each bounded, with any bytes in them.
fn read_lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        while let Some(line) = read_line(&mut input) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn read_line(input: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    let mut any = false;
    loop {
        let part = match input.fill_buf() {
            Ok(part) => part,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
        if part.is_empty() {
            return any.then(|| String::from_utf8_lossy(&line).into_owned());
        }
        any = true;
        let end = part.iter().position(|byte| *byte == b'\n');
        let text = &part[..end.unwrap_or(part.len())];
        let room = LINE_BYTES.saturating_sub(line.len()).min(text.len());
        line.extend_from_slice(&text[..room]);
        let used = end.map_or(part.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Some(String::from_utf8_lossy(&line).into_owned());
        }
    }
}

/// Prints `text`; it is not an error when the reader of the output is gone.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(escaped_but_colours(text).as_bytes()).and_then(|()| out.flush());
}

/// Shows what happens while an answer is made: the steps of a run, or the text of a model as it arrives.
#[derive(Debug, Default)]
struct Screen {
    /// A run is in progress; the text of its model is not for the person.
    in_run: AtomicBool,
    /// The current line is not empty.
    mid_line: AtomicBool,
}

impl Screen {
    fn begin(&self) {
        self.in_run.store(false, Ordering::Relaxed);
    }

    fn end(&self) {
        if self.mid_line.swap(false, Ordering::Relaxed) {
            say("\n");
        }
    }

    fn step(&self, text: &str) {
        let line: String =
            plain(text).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(160).collect();
        say(&format!("  … {line}\n"));
    }
}

impl EventSink for Screen {
    fn event(&self, event: &RunEvent) {
        self.in_run.store(true, Ordering::Relaxed);
        match event {
            RunEvent::Planned { note, finding: None, .. } if !note.is_empty() => self.step(note),
            RunEvent::Steered { text, .. } => self.step(&format!("noted: {text}")),
            RunEvent::FellBack { because } => self.step(&format!("continuing with the playbook: {because}")),
            RunEvent::ApprovalDecided { call, approved, .. } => {
                self.step(&format!("{call} {}", if *approved { "approved" } else { "denied" }));
            }
            _ => {}
        }
    }

    fn resumed(&self, run: &Run) {
        if let Some(request) = run.request() {
            self.step(&format!("resuming {}, which was interrupted", request.run_id));
        }
    }

    fn words(&self, words: &str) {
        if !self.in_run.load(Ordering::Relaxed) && !words.is_empty() {
            self.mid_line.store(!words.ends_with('\n'), Ordering::Relaxed);
            say(&plain(words));
        }
    }
}

impl ProgressSink for Screen {
    fn note(&self, event: ProgressEvent) {
        if let ProgressEvent::Replay { commit, outcome, number, .. } = event {
            let seen = match outcome {
                ReplayOutcome::Passes => "passes",
                ReplayOutcome::Reproduces => "fails",
                ReplayOutcome::OtherFailure => "fails differently",
                ReplayOutcome::CannotTest => "cannot be tested",
            };
            self.step(&format!("replay {number} {seen} at {}", commit.short()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_may_hold_any_bytes() {
        let long = [b"x".repeat(LINE_BYTES * 3), b"\nnext\n\n\xff\xfe!".to_vec()].concat();
        let mut input = std::io::BufReader::with_capacity(1_000, long.as_slice());
        assert_eq!(read_line(&mut input).map(|line| line.len()), Some(LINE_BYTES));
        assert_eq!(read_line(&mut input).as_deref(), Some("next"));
        assert_eq!(read_line(&mut input).as_deref(), Some(""));
        assert_eq!(read_line(&mut input).as_deref(), Some("\u{fffd}\u{fffd}!"));
        assert_eq!(read_line(&mut input), None);
    }
}
