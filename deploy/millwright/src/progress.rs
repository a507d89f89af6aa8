/*!
Progress on standard error. On a terminal: one line that is rewritten while a step runs, and one line for each finished
step. Elsewhere, in a log or a build: a line every ten seconds, so that nobody takes a long step for a hang.
*/

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use millwright_agent::run::{Run, RunEvent};
use millwright_agent::sink::EventSink;
use millwright_model::ReplayOutcome;
use millwright_model::terminal_code::{is_hidden, readable};
use millwright_tools::{ProgressEvent, ProgressSink};

/// How often progress is printed without a terminal.
const TELL_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct TerminalProgress {
    begun: Instant,
    state: Mutex<ProgressState>,
    is_terminal: bool,
}

#[derive(Debug, Default)]
struct ProgressState {
    note: String,
    detail: String,
    /// Durations of the replays so far, for an estimate of the time left.
    replays: Vec<u64>,
}

impl TerminalProgress {
    /// Starts to print progress; without a terminal, for as long as the returned value exists.
    pub(crate) fn start() -> Arc<Self> {
        let is_terminal = std::io::stderr().is_terminal();
        let progress = Arc::new(Self { begun: Instant::now(), state: Mutex::default(), is_terminal });
        if !is_terminal {
            let watched = Arc::downgrade(&progress);
            std::thread::spawn(move || tell_every(TELL_EVERY, &watched, |line| eprintln!("{line}")));
        }
        progress
    }

    fn draw(&self, state: &ProgressState) {
        if self.is_terminal {
            eprint!("\r\x1b[2K{}", self.line(state));
            let _ = std::io::stderr().flush();
        }
    }

    fn line(&self, state: &ProgressState) -> String {
        let seconds = self.begun.elapsed().as_secs();
        let line = format!("  {:>4}s  {}{}", seconds, state.note, state.detail);
        readable(&line).chars().filter(|c| !is_hidden(*c)).take(100).collect()
    }

    fn finish_line(&self, state: &mut ProgressState) {
        if !state.note.is_empty() {
            self.draw(state);
            if self.is_terminal {
                eprintln!();
            }
        }
        state.note.clear();
        state.detail.clear();
    }

    fn with_state(&self, change: impl FnOnce(&mut ProgressState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Prints the current step at intervals, whether or not it has changed, until nobody holds the progress any more.
fn tell_every(every: Duration, watched: &Weak<TerminalProgress>, mut tell: impl FnMut(&str)) {
    loop {
        std::thread::sleep(every);
        let Some(progress) = watched.upgrade() else { return };
        let line = {
            let state = progress.state.lock().unwrap_or_else(PoisonError::into_inner);
            (!state.note.is_empty()).then(|| progress.line(&state))
        };
        line.iter().for_each(|line| tell(line));
    }
}

impl EventSink for TerminalProgress {
    fn event(&self, event: &RunEvent) {
        self.with_state(|state| match event {
            RunEvent::Planned { note, finding: None, .. } => {
                self.finish_line(state);
                state.note.clone_from(note);
                self.draw(state);
            }
            RunEvent::FellBack { because } => {
                self.finish_line(state);
                state.note = format!("continuing with the playbook: {because}");
                self.draw(state);
            }
            RunEvent::Finished { .. } => self.finish_line(state),
            _ => {}
        });
    }

    /// Always printed: a person who waits should know why this run is faster, and a reader of the log why steps are missing.
    fn resumed(&self, run: &Run) {
        let Some(request) = run.request() else { return };
        let done = (0..).map_while(|position| run.call_at(position)).filter(|(_, outcome)| outcome.is_some());
        let done = match done.count() {
            1 => "1 step was".to_owned(),
            count => format!("{count} steps were"),
        };
        eprintln!("millwright: resuming {}, which was interrupted; {done} done before", request.run_id);
    }
}

impl ProgressSink for TerminalProgress {
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
                        ReplayOutcome::OtherFailure => "fails differently",
                        ReplayOutcome::CannotTest => "cannot be tested",
                    };
                    let commit = commit.short();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_told_of_without_a_terminal() {
        let progress =
            Arc::new(TerminalProgress { begun: Instant::now(), state: Mutex::default(), is_terminal: false });
        progress.with_state(|state| state.note = "running \u{1b}]0;title\u{7}the replay\u{202e}".into());
        progress.note(ProgressEvent::Step { text: "at bad".into() });
        let (told, watched) = (Mutex::new(Vec::new()), Arc::downgrade(&progress));
        let mut held = Some(progress);
        tell_every(Duration::from_millis(1), &watched, |line| {
            let mut told = told.lock().unwrap();
            told.push(line.to_owned());
            if told.len() == 3 {
                held.take();
            }
        });
        let told = told.into_inner().unwrap();
        assert_eq!(told.len(), 3, "the same work is told of again");
        assert!(told.iter().all(|line| line.ends_with("s  running the replay\u{fffd}: at bad")), "{told:?}");
    }
}
