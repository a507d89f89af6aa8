/*!
Progress on a terminal: one line that is rewritten while a step works, and one line for each step that ended.
Quiet when standard error is not a terminal.
*/

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Instant;

use millwright_agent::run::Event;
use millwright_agent::sink::Sink;
use millwright_memory::types::ReplayOutcome;
use millwright_tools::tool::{Progress, ProgressEvent};

#[derive(Debug)]
pub(crate) struct TerminalProgress {
    begun: Instant,
    state: Mutex<State>,
    enabled: bool,
}

#[derive(Debug, Default)]
struct State {
    note: String,
    detail: String,
    /// Durations of the replays so far, for an estimate of the time left.
    replays: Vec<u64>,
}

impl TerminalProgress {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), state: Mutex::default(), enabled: std::io::stderr().is_terminal() }
    }

    fn draw(&self, state: &State) {
        let seconds = self.begun.elapsed().as_secs();
        let line = format!("  {:>4}s  {}{}", seconds, state.note, state.detail);
        let line: String = line.chars().filter(|c| !c.is_control()).take(100).collect();
        eprint!("\r\x1b[2K{line}");
        let _ = std::io::stderr().flush();
    }

    fn finish_line(&self, state: &mut State) {
        if !state.note.is_empty() {
            self.draw(state);
            eprintln!();
        }
        state.note.clear();
        state.detail.clear();
    }

    fn with_state(&self, change: impl FnOnce(&mut State)) {
        if self.enabled {
            let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            change(&mut state);
        }
    }
}

impl Sink for TerminalProgress {
    fn event(&self, event: &Event) {
        self.with_state(|state| match event {
            Event::Planned { note, finding: None, .. } => {
                self.finish_line(state);
                state.note.clone_from(note);
                self.draw(state);
            }
            Event::FellBack { because } => {
                self.finish_line(state);
                state.note = format!("going on by the playbook: {because}");
                self.draw(state);
            }
            Event::Finished { .. } => self.finish_line(state),
            _ => {}
        });
    }
}

impl Progress for TerminalProgress {
    fn note(&self, event: ProgressEvent) {
        self.with_state(|state| {
            state.detail = match event {
                ProgressEvent::Step { text } => format!(": {text}"),
                ProgressEvent::Count { what, done, total: Some(total) } => {
                    format!(": {done} of {total} {what}")
                }
                ProgressEvent::Count { what, done, total: None } => format!(": {done} {what}"),
                ProgressEvent::Replay { commit, outcome, number, left, duration_ms } => {
                    state.replays.push(duration_ms);
                    let seen = match outcome {
                        ReplayOutcome::Passes => "passes",
                        ReplayOutcome::Reproduces => "fails",
                        ReplayOutcome::OtherFailure => "fails otherwise",
                        ReplayOutcome::CannotTest => "cannot be tested",
                    };
                    let commit = commit.get(..10).unwrap_or(&commit);
                    let mean = state.replays.iter().sum::<u64>() / state.replays.len().max(1) as u64;
                    let left = left.map_or_else(String::new, |left| {
                        format!(", about {} s left", (left * mean).div_ceil(1000))
                    });
                    format!(": replay {number} {seen} at {commit}{left}")
                }
            };
            self.draw(state);
        });
    }
}
