/*!
The `millwright` command. It wires and decides nothing: each subcommand has a file of its own under
`commands/`, and the work is done in the crates below.
*/

use std::process::ExitCode;

use clap::Parser;

mod cli;
mod commands;
mod config;
mod demo;
mod dense;
mod progress;
mod wiring;

fn main() -> ExitCode {
    // A re-exec of this binary as a sandbox stage never returns from here.
    millwright_tools::process::intercept();
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(told) => {
            // Help and versions were asked for; everything else is an error of usage, which is 1 in every command.
            let code = if told.use_stderr() { ExitCode::from(1) } else { ExitCode::SUCCESS };
            let _ = told.print();
            return code;
        }
    };
    init_tracing();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("millwright: the runtime could not be started: {error}");
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(commands::run(arguments)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("millwright: {}", one_line(&error));
            ExitCode::from(1)
        }
    }
}

/// An error and its causes, each told once.
fn one_line(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !told.contains(&cause) {
            let colon = if told.is_empty() { "" } else { ": " };
            told.push_str(colon);
            told.push_str(&cause);
        }
    }
    told
}

/// Logs go to standard error, and only what the operator asks for by `MILLWRIGHT_LOG` (default: warnings).
fn init_tracing() {
    use millwright_agent::planner::openai::LOG_TARGET;
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("MILLWRIGHT_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,{LOG_TARGET}=off")));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
