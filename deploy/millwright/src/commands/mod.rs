/*!
One file per subcommand. Each turns arguments into a call of the crates below, and the result into output and an exit
status. Standard output contains the result and nothing else.
*/

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{CliArguments, CliCommand, SchemaOf};
use crate::wiring;

mod chat;
mod demo;
mod deployment;
mod doctor;
mod eval;
mod eval_history;
mod eval_import;
mod history;
mod index;
mod init;
mod investigate;
mod memory;
mod recipe_trial;
mod schema;
mod serve;
mod service_settings;
mod token;

pub(crate) async fn run(arguments: CliArguments) -> Result<ExitCode> {
    match arguments.command {
        CliCommand::Demo(arguments) => demo::run(arguments).await,
        CliCommand::Init(arguments) => init::run(arguments).await,
        CliCommand::Investigate(arguments) => investigate::run(*arguments).await,
        CliCommand::Chat(arguments) => chat::run(*arguments).await,
        CliCommand::Serve(arguments) => serve::run(arguments).await,
        CliCommand::Token(arguments) => token::run(arguments).await,
        CliCommand::History(arguments) => history::run(arguments).await,
        CliCommand::Index(arguments) => index::run(arguments).await,
        CliCommand::Deployment(arguments) => deployment::run(arguments).await,
        CliCommand::Memory(arguments) => memory::run(arguments).await,
        CliCommand::Eval(arguments) => eval::run(arguments).await,
        CliCommand::Doctor(arguments) => doctor::run(arguments).await,
        CliCommand::Schema { of } => print_schema(of),
    }
}

fn print_schema(of: SchemaOf) -> Result<ExitCode> {
    wiring::emit(&schema::schema(of), None)?;
    Ok(ExitCode::SUCCESS)
}
