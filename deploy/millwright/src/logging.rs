/*!
Logs go to standard error: as text for people, or as one JSON object per line for a log collector. The service writes JSON
if standard error is not a terminal, and logs what it did (`info`); other commands log warnings. `MILLWRIGHT_LOG` sets
what is logged, as in `warn,millwright=debug`.

A log line contains ids, names of tokens, counts and times, and never the text of a ticket.
*/

use std::io::IsTerminal;
use std::sync::OnceLock;

use millwright_agent::planner::openai::LOG_TARGET;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// The format of this process, once logging has begun.
static STARTED: OnceLock<LogFormat> = OnceLock::new();

/// For a command that a person waits for: text, and only warnings.
pub(crate) fn start_for_command() {
    start(LogFormat::Text, "warn");
}

/// For the service: the format asked for, else JSON unless standard error is a terminal; and every report, run, answer and
/// note as a line.
pub(crate) fn start_for_service(format: Option<LogFormat>) {
    let by_itself = if std::io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json };
    if start(format.unwrap_or(by_itself), "warn,millwright=info") == LogFormat::Json {
        // The message of a panic may quote the text that was being read; its location is enough to find the cause.
        std::panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string).unwrap_or_default();
            let thread = std::thread::current().name().unwrap_or_default().to_owned();
            tracing::error!(event = "panic", location, thread, "panicked");
        }));
    }
}

/// Says what an operator should know of the process itself.
pub(crate) fn say(what: &str) {
    match STARTED.get() {
        Some(LogFormat::Json) => tracing::info!("{what}"),
        _ => eprintln!("millwright: {what}"),
    }
}

/// Says why the process ends.
pub(crate) fn say_failure(why: &str) {
    match STARTED.get() {
        Some(LogFormat::Json) => tracing::error!("{why}"),
        _ => eprintln!("millwright: {why}"),
    }
}

/// What is logged: as asked for, else the default; what a model said never, whatever is asked for.
fn filter(asked: Option<&str>, default: &str) -> (EnvFilter, Option<String>) {
    let (asked, fault) = match asked.map(EnvFilter::try_new) {
        None => (None, None),
        Some(Ok(_)) => (asked, None),
        Some(Err(fault)) => (None, Some(fault.to_string())),
    };
    (EnvFilter::new(format!("{},{LOG_TARGET}=off", asked.unwrap_or(default))), fault)
}

/// The first call decides.
fn start(format: LogFormat, default: &str) -> LogFormat {
    *STARTED.get_or_init(|| {
        let (filter, fault) = filter(std::env::var("MILLWRIGHT_LOG").ok().as_deref(), default);
        let colors =
            std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        match format {
            LogFormat::Text => lines.with_ansi(colors).init(),
            LogFormat::Json => {
                lines.with_ansi(false).json().flatten_event(true).with_current_span(false).init()
            }
        }
        if let Some(fault) = fault {
            tracing::warn!(%fault, "MILLWRIGHT_LOG cannot be parsed and is ignored; write it like \
                                    `warn,millwright=debug`");
        }
        format
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_model_said_is_never_logged_and_a_filter_that_is_none_is_named() {
        for asked in [None, Some("debug"), Some("trace,async_openai=trace")] {
            let (filter, fault) = filter(asked, "warn");
            assert!(filter.to_string().contains(&format!("{LOG_TARGET}=off")) && fault.is_none(), "{filter}");
        }
        let (filter, fault) = filter(Some("millwright=loud"), "warn");
        assert!(fault.is_some() && filter.to_string().contains("warn"), "{filter}");
    }
}
