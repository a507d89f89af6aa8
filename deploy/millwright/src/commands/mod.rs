/*!
One file per subcommand. Each turns arguments into a call of the crates below, and the answer into output and
an exit status. Standard output carries the answer and nothing else.
*/

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use millwright_memory::store::Store;

use crate::cli::{Arguments, Command, DataDir};

mod demo;
mod doctor;
mod eval;
mod index;
pub(crate) mod init;
mod investigate;
mod memory;
pub(crate) mod schema;

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    match arguments.command {
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Init(arguments) => init::run(&arguments),
        Command::Investigate(arguments) => investigate::run(*arguments).await,
        Command::Index(arguments) => index::run(arguments).await,
        Command::Memory(arguments) => memory::run(arguments).await,
        Command::Eval(arguments) => eval::run(arguments).await,
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::Schema { of } => schema::run(of),
    }
}

/// The data folder: as asked, else `$XDG_DATA_HOME/millwright`, else `~/.local/share/millwright`.
fn data_dir(asked: &DataDir) -> Result<PathBuf> {
    if let Some(dir) = &asked.data_dir {
        return Ok(std::path::absolute(dir)?);
    }
    let home = || std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let base = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
        .or_else(|| home().map(|home| home.join(".local/share")));
    Ok(base.context("no home folder to keep data in; give --data-dir DIR")?.join("millwright"))
}

async fn open_store(data_dir: &std::path::Path) -> Result<Store> {
    std::fs::create_dir_all(data_dir).with_context(|| {
        format!("the data folder {} cannot be made; give another one with --data-dir", data_dir.display())
    })?;
    Ok(Store::open(&data_dir.to_string_lossy()).await?)
}

/// Writes an answer to a file or to standard output. A reader that went away (`| head`) is no error.
fn emit(text: &str, out: Option<&std::path::Path>) -> Result<()> {
    use std::io::Write;
    match out {
        Some(path) => std::fs::write(path, text).with_context(|| format!("writing {}", path.display())),
        None => {
            let mut stdout = std::io::stdout().lock();
            match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
                _ => Ok(()),
            }
        }
    }
}

/// Reads a whole input that must fit in memory; a larger one is cut by intake, which says so.
fn read_input(name: &str) -> Result<Vec<u8>> {
    use std::io::Read;
    /// Intake keeps the head and the tail of less than this.
    const LIMIT: u64 = 256 << 20;
    let mut bytes = Vec::new();
    if name == "-" {
        std::io::stdin().lock().take(LIMIT).read_to_end(&mut bytes).context("reading standard input")?;
    } else {
        let file = std::fs::File::open(name).with_context(|| format!("the ticket {name} cannot be opened"))?;
        file.take(LIMIT).read_to_end(&mut bytes).with_context(|| format!("reading {name}"))?;
    }
    Ok(bytes)
}
