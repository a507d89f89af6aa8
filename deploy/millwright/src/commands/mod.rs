/*!
One file per subcommand. Each turns arguments into a call of the crates below, and the answer into output and
an exit status. Standard output carries the answer and nothing else.
*/

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Arguments, Command};
use crate::wiring;

mod chat;
mod demo;
mod doctor;
mod eval;
mod eval_history;
mod eval_import;
mod index;
mod init;
mod investigate;
mod memory;
mod schema;
mod serve;
mod service_settings;
mod token;

pub(crate) use schema::SchemaOf;

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    match arguments.command {
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Init(arguments) => init::run(arguments).await,
        Command::Investigate(arguments) => investigate::run(*arguments).await,
        Command::Chat(arguments) => chat::run(*arguments).await,
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Token(arguments) => token::run(arguments).await,
        Command::Index(arguments) => index::run(arguments).await,
        Command::Memory(arguments) => memory::run(arguments).await,
        Command::Eval(arguments) => eval::run(arguments).await,
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::Schema { of } => print_schema(of),
    }
}

fn print_schema(of: SchemaOf) -> Result<ExitCode> {
    wiring::emit(&schema::schema(of), None)?;
    Ok(ExitCode::SUCCESS)
}
