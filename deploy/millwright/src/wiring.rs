/*!
What several commands need alike: configuration, data folder, store, and how an answer leaves the process.
*/

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use millwright_memory::redaction::{CustomPattern, RedactionConfig, Redactor};
use millwright_memory::store::Store;
use millwright_tools::process::{Limits, Weaker};
use millwright_tools::replay::ReplayOptions;

use crate::cli::DataDir;
use crate::config::{Config, Network};

/// The configuration: the file named, or the one found upward from `start`, and the environment over it.
pub(crate) fn config(named: Option<&Path>, start: Option<&Path>) -> Result<Config> {
    let vars = std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
    Ok(Config::load(named, start, vars)?)
}

pub(crate) fn redactor(config: &Config) -> Result<Redactor> {
    let options = &config.options.redaction;
    let patterns = options
        .patterns
        .iter()
        .map(|custom| CustomPattern { name: custom.name.clone(), pattern: custom.pattern.clone() });
    Ok(Redactor::new(RedactionConfig {
        enabled: options.enabled,
        personal_data: options.personal_data,
        patterns: patterns.collect(),
        allow: options.allow.clone(),
    })?)
}

pub(crate) fn sandbox(config: &Config) -> ReplayOptions {
    let options = &config.options.sandbox;
    let seconds = std::time::Duration::from_secs;
    ReplayOptions {
        limits: Limits {
            wall: seconds(options.wall_s),
            cpu: seconds(options.cpu_s),
            memory_bytes: options.memory_mb << 20,
            processes: options.processes,
            file_size_bytes: options.file_mb << 20,
            disk_bytes: options.disk_mb << 20,
            output_bytes: options.output_mb << 20,
            ..Limits::default()
        },
        weaker: if options.allow_weaker { Weaker::Allow } else { Weaker::Refuse },
    }
}

pub(crate) fn loopback(config: &Config) -> bool {
    config.options.sandbox.network == Network::Loopback
}

/// The data folder: as asked, as configured, else `$XDG_DATA_HOME/millwright`, else `~/.local/share/millwright`.
pub(crate) fn data_dir(asked: &DataDir, config: &Config) -> Result<PathBuf> {
    if let Some(dir) = asked.data_dir.as_ref().or(config.options.store.data_dir.as_ref()) {
        return Ok(std::path::absolute(dir)?);
    }
    let home = || std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let base = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
        .or_else(|| home().map(|home| home.join(".local/share")));
    Ok(base.context("no home folder to keep data in; give --data-dir DIR")?.join("millwright"))
}

pub(crate) async fn open_store(data_dir: &std::path::Path) -> Result<Store> {
    std::fs::create_dir_all(data_dir).with_context(|| {
        format!("the data folder {} cannot be made; give another one with --data-dir", data_dir.display())
    })?;
    Ok(Store::open(&data_dir.to_string_lossy()).await?)
}

/// Writes an answer to a file or to standard output. A reader that went away (`| head`) is no error.
pub(crate) fn emit(text: &str, out: Option<&std::path::Path>) -> Result<()> {
    use std::io::Write;
    match out {
        Some(path) => std::fs::write(path, text).with_context(|| {
            format!("{} cannot be written; give a path in an existing folder", path.display())
        }),
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
pub(crate) fn read_input(name: &str) -> Result<Vec<u8>> {
    use std::io::Read;
    /// Intake keeps the head and the tail of less than this.
    const LIMIT: u64 = 256 << 20;
    let mut bytes = Vec::new();
    if name == "-" {
        std::io::stdin().lock().take(LIMIT).read_to_end(&mut bytes).context("reading standard input")?;
    } else {
        let file = std::fs::File::open(name).with_context(|| {
            format!("the ticket {name} cannot be opened; give a file that exists, or - for standard input")
        })?;
        file.take(LIMIT).read_to_end(&mut bytes).with_context(|| {
            format!("the ticket {name} cannot be read; give a file, or - for standard input")
        })?;
    }
    Ok(bytes)
}
