/*!
Shared by several commands: configuration, data folder, store, and the output of results.
*/

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use millwright_agent::context::ContextBudget;
use millwright_agent::investigation::tool_specs;
use millwright_agent::planner::openai::{
    AllowedActionModes, ModelConnection, ModelPrices, ModelSettings, OpenAi,
};
use millwright_agent::planner::playbook::Playbook;
use millwright_agent::planner::{PLAYBOOK, Planner};
use millwright_agent::run::{ActionMode, RunBudget};
use millwright_model::{Scope, terminal_code};
use millwright_redaction::{CustomPattern, RedactionConfig, Redactor};
use millwright_replay::{ReplayOptions, TestRecipes};
use millwright_sandbox::{NoSandboxPolicy, SandboxLimits};
use millwright_store::private::{make_private_folder, tighten};
use millwright_store::{Database, Store};

use crate::cli::DataDir;
use crate::config::{self, Config, NetworkOption};

/// The configuration: the named file, or the one found upward from `start`, overridden by the environment.
pub(crate) fn config(named: Option<&Path>, start: Option<&Path>) -> Result<Config> {
    let vars = std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
    let config = Config::load(named, start, vars)?;
    for warning in &config.warnings {
        eprintln!("millwright: {}", terminal_code::readable(warning));
    }
    Ok(config)
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
        limits: SandboxLimits {
            wall: seconds(options.wall_s),
            cpu: seconds(options.cpu_s),
            memory_bytes: options.memory_mb << 20,
            processes: options.processes,
            file_size_bytes: options.file_mb << 20,
            disk_bytes: options.disk_mb << 20,
            output_bytes: options.output_mb << 20,
            ..SandboxLimits::default()
        },
        weaker: if options.allow_weaker { NoSandboxPolicy::Allow } else { NoSandboxPolicy::Refuse },
    }
}

/// The test recipes of a repository, from its entry in the configuration.
pub(crate) fn recipes(entry: &config::RepositorySection, config: &Config) -> TestRecipes {
    TestRecipes {
        setup: entry.setup.clone(),
        test_one: entry.test_one.clone(),
        env: entry.env.clone(),
        allow_read: entry.allow_read.clone(),
        timeout_s: entry.timeout_s,
        loopback: config.options.sandbox.network == NetworkOption::Loopback,
        overlay: entry.overlay.clone(),
        test_report: entry.test_report.clone(),
        coverage: entry.coverage.clone(),
        accept_failure: false,
    }
}

/// Whether a person is present who can consent to the actions for which a planner needs consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConsentAvailability {
    Attended,
    Unattended,
}

/// The planner: the requested one, or the model of the configuration, or the playbook.
pub(crate) fn planner(
    asked: Option<&str>,
    config: &Config,
    attendance: ConsentAvailability,
) -> Result<Box<dyn Planner>> {
    let specs = || tool_specs(attendance == ConsentAvailability::Attended);
    match asked.or(config.options.model.name.as_deref()) {
        None | Some(PLAYBOOK) => Ok(Box::new(Playbook)),
        Some(name) => Ok(Box::new(OpenAi::new(model(name, config)?, specs())?)),
    }
}

/// The model without our planner around it and without anyone to give consent, for comparison in evals.
pub(crate) fn bare_planner(name: &str, config: &Config) -> Result<Box<dyn Planner>> {
    Ok(Box::new(OpenAi::bare(model(name, config)?, tool_specs(false))?))
}

/// The connection to a model, from the configuration and the environment.
pub(crate) fn model(name: &str, config: &Config) -> Result<ModelSettings> {
    let options = &config.options.model;
    let var = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    anyhow::ensure!(!name.trim().is_empty(), "--planner needs `playbook` or the name of a model");
    let base_url = options.base_url.clone().or_else(|| var("OPENAI_BASE_URL"));
    let key_env = options.api_key_env.as_deref().unwrap_or("OPENAI_API_KEY");
    let key = var(key_env);
    if key.is_none() && (base_url.is_none() || options.api_key_env.is_some()) {
        anyhow::bail!(
            "the model {name} needs a key: set {key_env}; for a server of your own, set OPENAI_BASE_URL or \
             [model] base_url"
        );
    }
    let context_tokens = options.context_tokens.unwrap_or(ModelSettings::CONTEXT_TOKENS);
    let max_output_tokens =
        options.max_output_tokens.unwrap_or(ModelSettings::MAX_OUTPUT_TOKENS.min(context_tokens / 4));
    anyhow::ensure!(
        max_output_tokens < context_tokens,
        "model.max_output_tokens must be smaller than model.context_tokens"
    );
    Ok(ModelSettings {
        connection: ModelConnection {
            base_url: base_url.unwrap_or_else(|| "https://api.openai.com/v1".to_owned()),
            model: name.to_owned(),
            api_key: key.map(|key| key.trim().to_owned().into()),
            ca_file: options.ca_file.clone(),
            proxy: options.proxy.clone(),
            timeout: options.timeout_s.map_or(ModelSettings::TIMEOUT, std::time::Duration::from_secs),
            temperature: options.temperature,
        },
        modes: match options.action_mode {
            config::ActionModeOption::Auto => AllowedActionModes::Auto,
            config::ActionModeOption::Tools => AllowedActionModes::Only(ActionMode::Tools),
            config::ActionModeOption::Constrained => AllowedActionModes::Only(ActionMode::Constrained),
        },
        room: ContextBudget { context_tokens, max_output_tokens },
        prices: ModelPrices {
            input: options.prices.input,
            cached_input: options.prices.cached_input.unwrap_or(options.prices.input),
            output: options.prices.output,
        },
        steps: options.budgets.steps.unwrap_or(ModelSettings::STEPS),
    })
}

/// What the configuration allows an investigation to use.
pub(crate) fn budget(config: &Config) -> RunBudget {
    let budgets = &config.options.model.budgets;
    RunBudget {
        tokens: budgets.tokens,
        usd: budgets.usd,
        deadline_ms: budgets.deadline_s.map(|seconds| seconds.saturating_mul(1000)),
        steps: budgets.steps,
        minimise_runs: None,
        four_way_inputs: None,
    }
}

/// The data folder: the requested one, or the configured one, or `$XDG_DATA_HOME/millwright`, or
/// `~/.local/share/millwright`.
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

/// Creates the data folder for its owner alone, and restricts one that others could enter.
pub(crate) fn make_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    const SHARED: u32 = 0o1000;
    make_private_folder(folder).with_context(|| {
        format!("the data folder {} cannot be created; give another one with --data-dir", folder.display())
    })?;
    // The user may have named a shared folder, such as /tmp or the current one.
    let is_shared = std::fs::metadata(folder)?.permissions().mode() & SHARED != 0;
    if !is_shared && folder.join("millwright.db").exists() {
        tighten(folder)?;
    }
    Ok(())
}

/// The configured store, or the one in the data folder. The data folder is created in any case, because it also holds data
/// that is in no store.
pub(crate) async fn open_store(data_dir: &std::path::Path, config: &Config) -> Result<Store> {
    // Anyone who can read the data folder, or has the server's password, sees everything in it.
    Ok(open_database(data_dir, config).await?.seen_by(Scope::installation(person())))
}

/// Opens the database without a scope.
pub(crate) async fn open_database(data_dir: &std::path::Path, config: &Config) -> Result<Database> {
    make_private(data_dir)?;
    let options = &config.options.store;
    let Some(url) = &options.url else { return Ok(Database::open(&data_dir.to_string_lossy()).await?) };
    let password = match &options.password_env {
        None => None,
        Some(name) => Some(std::env::var(name).with_context(|| {
            format!(
                "store.password_env names {name}, which is not set; set it to the password of the database"
            )
        })?),
    };
    Ok(Database::open_with(url, password.as_deref()).await?)
}

/// The actor for the audit log: the login name.
pub(crate) fn person() -> String {
    let mut names = ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    names.find(|name| !name.is_empty()).unwrap_or_else(|| "operator".into())
}

/// Checks that the output file can be written, so that an error comes before the work and not after it. Leaves nothing
/// behind.
pub(crate) fn require_writable(path: &Path) -> Result<()> {
    anyhow::ensure!(!path.is_dir(), "{} is a folder; give a path of a file in it", path.display());
    let told = || format!("{} cannot be written; give a path in an existing folder", path.display());
    if path.symlink_metadata().is_ok() {
        std::fs::OpenOptions::new().append(true).open(path).with_context(told)?;
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::tempfile_in(folder).with_context(told)?;
    Ok(())
}

/// Writes a result to a file or to standard output, there without terminal escape codes.
pub(crate) fn emit(text: &str, out: Option<&std::path::Path>) -> Result<()> {
    match out {
        Some(_) => emit_exactly(text, out),
        None => emit_exactly(&terminal_code::escaped(text), None),
    }
}

/// Like [`emit`], for a page that contains our own colours.
pub(crate) fn emit_page(text: &str, out: Option<&std::path::Path>) -> Result<()> {
    match out {
        Some(_) => emit_exactly(text, out),
        None => emit_exactly(&terminal_code::escaped_but_colours(text), None),
    }
}

/// Writes a result that is signed byte by byte. It is not an error when the reader is gone (`| head`).
pub(crate) fn emit_exactly(text: &str, out: Option<&std::path::Path>) -> Result<()> {
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

/// Reads a complete input that must fit in memory; intake cuts a larger one, and says so.
pub(crate) fn read_input(name: &str) -> Result<Vec<u8>> {
    use std::io::Read;
    /// Longest input read, in bytes; intake keeps the head and the tail of less than this.
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
