/*!
The `millwright` command. This crate only connects the parts: each subcommand has a file of its own under `commands/`, and
the crates below do the work.
*/

use std::process::ExitCode;

use clap::Parser;
use millwright_model::terminal_code::readable;

mod cli;
mod commands;
mod config;
mod demo;
mod dense;
mod logging;
mod progress;
mod wiring;

fn main() -> ExitCode {
    // A re-exec of this binary as a sandbox stage never returns from here.
    millwright_sandbox::intercept();
    let arguments = match cli::CliArguments::try_parse() {
        Ok(arguments) => arguments,
        Err(told) => {
            // The user asked for help or the version; everything else is a usage error, which is 1 in every command.
            let code = if told.use_stderr() { ExitCode::from(1) } else { ExitCode::SUCCESS };
            let _ = told.print();
            return code;
        }
    };
    let given: Vec<String> =
        std::env::args_os().skip(1).map(|one| one.to_string_lossy().into_owned()).collect();
    for warning in cli::warnings_of_renamed_options(&given) {
        eprintln!("millwright: {}", readable(&warning));
    }
    // The service first reads the log settings of its configuration.
    let log_format = match &arguments.command {
        cli::CliCommand::Serve(serve) => Some(serve.log_format),
        _ => {
            logging::start_for_command();
            None
        }
    };
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
            if let Some(format) = log_format {
                logging::start_for_service(format);
            }
            logging::say_failure(&readable(&one_line(&error)));
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
