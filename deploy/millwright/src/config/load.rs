/*!
Finds and reads the file, applies the environment, and checks what types alone cannot express.
*/

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use toml::Table;
use toml::de::DeTable;

use super::check::ConfigSchema;
use super::env;
use super::renamed;
use super::{ConfigFile, ModelSection, NetworkOption, RedactionSection, RepositorySection};

const FILE: &str = "millwright.toml";
/// Largest configuration file in bytes; people write it by hand, so a larger file is something else.
const MAX_BYTES: u64 = 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("no configuration at {path}: {source}; check --config and MILLWRIGHT_CONFIG")]
    Missing { path: PathBuf, source: io::Error },
    #[error("{path} is larger than a configuration can be (1 MiB)")]
    TooLarge { path: PathBuf },
    #[error("{path}:{line}:{column}: {what}")]
    At { path: PathBuf, line: usize, column: usize, what: String },
    #[error("{name}: {what}")]
    Variable { name: String, what: String },
    #[error("{what}")]
    Value { what: String },
    #[error(
        "{path} was found in or above the repository, so {option} is not read from it (a clone must not \
         weaken protection); if the file is yours, name it: --config {path}"
    )]
    NotFromARepository { path: PathBuf, option: String },
    #[error(
        "{path} belongs to another user, or others may write it; take ownership of it, or name it: --config {path}"
    )]
    NotOurs { path: PathBuf },
}

/// Where a configuration came from. The author of a repository, or of a folder above it, must not gain anything by a file
/// there: it may say how the repository is tested, and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConfigOrigin {
    /// The operator's own file: named by `--config` or `MILLWRIGHT_CONFIG`, or in the configuration folder of the user or
    /// the system.
    pub(crate) own: Option<PathBuf>,
    /// The file in the repository or in a folder above it, if anything was taken from it. Not searched for if a file is
    /// named.
    pub(crate) found: Option<PathBuf>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    pub(crate) options: ConfigFile,
    pub(crate) origin: ConfigOrigin,
    /// Warnings for its author: keys that have a new name.
    pub(crate) warnings: Vec<String>,
}

impl Config {
    /// Loads the configuration for a repository at `start` (any folder in it).
    ///
    /// `named` is `--config`; `vars` the environment, `MILLWRIGHT_CONFIG` included.
    pub(crate) fn load(
        named: Option<&Path>,
        start: Option<&Path>,
        vars: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let vars: Vec<(String, String)> = vars.into_iter().collect();
        let value = |name: &str| {
            let found = vars.iter().find(|(key, value)| key == name && !value.is_empty());
            found.map(|(_, value)| PathBuf::from(value))
        };
        let named = named.map(Path::to_owned).or_else(|| value("MILLWRIGHT_CONFIG"));
        let is_named = named.is_some();
        let own = named.or_else(|| configuration_file(value("XDG_CONFIG_HOME"), value("HOME")));
        let found = if is_named { None } else { start.and_then(find) };
        // The user's own file may be in a folder above a repository, and is still the user's own.
        let found = found.filter(|found| own.as_ref() != Some(found));
        let shape = ConfigSchema::of_options();
        if let (Some(path), false) = (&own, is_named)
            && !is_ours(path)
        {
            return Err(ConfigError::NotOurs { path: path.clone() });
        }
        let mut table = own.as_deref().map_or_else(|| Ok(Table::new()), |path| read(path, &shape))?;
        let mut is_laid = false;
        if let Some(path) = &found {
            let mut repositories = read(path, &shape)?;
            refuse_weakening(&repositories, path)?;
            with_whole_paths(&mut repositories, path);
            is_laid = lay_under(&mut table, own.as_deref().and_then(Path::parent), repositories);
        }
        let found = found.filter(|_| is_laid);
        refuse_passwords(&table)?;
        let mut warnings = renamed::rename(&mut table);
        warnings.extend(env::overlay(&mut table, &shape, vars)?);
        let mut options: ConfigFile = table.try_into().map_err(|error: toml::de::Error| {
            ConfigError::Value { what: format!("the configuration is inconsistent: {}", error.message()) }
        })?;
        let origin = ConfigOrigin { own, found };
        let mut config = Self { options: ConfigFile::default(), origin, warnings };
        settle(&mut options, config.folder().as_deref())?;
        config.options = options;
        Ok(config)
    }

    /// The folder of the operator's own file, if there is one.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.origin.own.as_deref().and_then(Path::parent).map(Path::to_owned)
    }

    /// The entry for the repository at `path`: the one with this `path`, or the only one without a `path`.
    pub(crate) fn repository(&self, path: &Path) -> Option<(&str, &RepositorySection)> {
        let canonical = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let wanted = canonical(path);
        let mut entries = self.options.repositories.iter();
        let found = entries.find(|(_, entry)| entry.path.as_deref().is_some_and(|p| canonical(p) == wanted));
        let mut pathless =
            self.options.repositories.iter().filter(|(_, entry)| entry.path.is_none() && entry.url.is_none());
        let only = match (pathless.next(), pathless.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        };
        found.or(only).map(|(name, entry)| (name.as_str(), entry))
    }
}

/// The file in the user's configuration folder, or else in the system's.
fn configuration_file(config_home: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |folder: &PathBuf| folder.is_absolute();
    let of_user = config_home.filter(absolute).or_else(|| Some(home.filter(absolute)?.join(".config")));
    let folders = of_user.into_iter().chain([PathBuf::from("/etc")]);
    folders.map(|folder| folder.join("millwright").join(FILE)).find(|file| file.is_file())
}

/// Searches from `start` upwards.
fn find(start: &Path) -> Option<PathBuf> {
    let start = fs::canonicalize(start).unwrap_or_else(|_| start.to_owned());
    start.ancestors().map(|folder| folder.join(FILE)).find(|file| file.is_file())
}

/// Whether the user or the administrator owns a file, and nobody else can write it.
fn is_ours(path: &Path) -> bool {
    const OTHERS_WRITE: u32 = 0o022;
    let us = fs::metadata("/proc/self").map(|process| process.uid()).ok();
    fs::metadata(path)
        .is_ok_and(|file| (file.uid() == 0 || Some(file.uid()) == us) && file.mode() & OTHERS_WRITE == 0)
}

/// Makes paths of repositories absolute. They are relative to the folder of the file that names them, which is also the
/// default.
fn with_whole_paths(table: &mut Table, file: &Path) {
    let folder = file.parent().unwrap_or(Path::new("."));
    let repositories = table.get_mut("repositories").and_then(toml::Value::as_table_mut);
    for entry in repositories.into_iter().flat_map(|entries| entries.iter_mut().map(|(_, entry)| entry)) {
        let Some(entry) = entry.as_table_mut() else { continue };
        let path = entry.get("path").and_then(toml::Value::as_str).unwrap_or(".");
        let whole = folder.join(path).to_string_lossy().into_owned();
        entry.insert("path".to_owned(), toml::Value::String(whole));
    }
}

/// Adds the repositories that the operator's own file in `folder` does not have, by name or by path; returns whether any was
/// added.
fn lay_under(own: &mut Table, folder: Option<&Path>, found: Table) -> bool {
    let canonical = |entry: &toml::Value| {
        let path = folder.unwrap_or(Path::new("")).join(entry.get("path")?.as_str()?);
        Some(fs::canonicalize(&path).unwrap_or(path))
    };
    let Some(toml::Value::Table(found)) = found.get("repositories").cloned() else { return false };
    let repositories = own.entry("repositories").or_insert_with(|| toml::Value::Table(Table::new()));
    let Some(repositories) = repositories.as_table_mut() else { return false };
    // An entry without a path or a url applies to any repository.
    if repositories.iter().any(|(_, entry)| entry.get("path").is_none() && entry.get("url").is_none()) {
        return false;
    }
    let known: Vec<PathBuf> = repositories.iter().filter_map(|(_, entry)| canonical(entry)).collect();
    let before = repositories.len();
    for (name, entry) in found {
        if !canonical(&entry).is_some_and(|path| known.contains(&path)) {
            repositories.entry(name).or_insert(entry);
        }
    }
    repositories.len() > before
}

fn read(path: &Path, shape: &ConfigSchema) -> Result<Table, ConfigError> {
    let missing = |source| ConfigError::Missing { path: path.to_owned(), source };
    if fs::metadata(path).map_err(missing)?.len() > MAX_BYTES {
        return Err(ConfigError::TooLarge { path: path.to_owned() });
    }
    let bytes = fs::read(path).map_err(missing)?;
    let text = String::from_utf8_lossy(&bytes);
    let at = |offset: usize, what: String| {
        let before = text.get(..offset).unwrap_or(&text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        ConfigError::At { path: path.to_owned(), line, column, what }
    };
    let broken = |error: toml::de::Error| {
        at(error.span().map_or(0, |span| span.start), error.message().trim().to_owned())
    };
    let spanned = DeTable::parse(&text).map_err(broken)?;
    if let Some(problem) = shape.check(&spanned).into_iter().next() {
        return Err(at(problem.at, problem.what));
    }
    toml::from_str(&text).map_err(broken)
}

/// Refuses passwords in a url: secrets come only from the environment.
fn refuse_passwords(table: &Table) -> Result<(), ConfigError> {
    let url = table.get("store").and_then(|store| store.get("url")).and_then(toml::Value::as_str);
    let user = url.and_then(|url| url.split_once("://")).and_then(|(_, rest)| {
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        authority.rsplit_once('@').map(|(user, _)| user)
    });
    let asks = |name| {
        url.is_some_and(|url| url.contains(&format!("?{name}=")) || url.contains(&format!("&{name}=")))
    };
    if user.is_some_and(|user| user.contains(':')) || asks("password") {
        return Err(ConfigError::Value {
            what: "store.url contains a password; remove it there and set PGPASSWORD, or the variable that \
                   store.password_env names"
                .into(),
        });
    }
    Ok(())
}

/// Whether a path relative to the folder of the file is below that folder, after following every link. A path that does not
/// exist, such as `REV:PATH`, cannot come from another place.
fn is_below(folder: &Path, path: &str) -> bool {
    let parts = Path::new(path).components();
    let plain = parts.into_iter().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let real = |path: &Path| fs::canonicalize(path).ok();
    plain
        && match (real(folder), real(&folder.join(path))) {
            (Some(folder), Some(path)) => path.starts_with(folder),
            _ => true,
        }
}

/// Refuses settings that a file from a repository may not contain.
fn refuse_weakening(table: &Table, path: &Path) -> Result<(), ConfigError> {
    let not_here = |option: String| ConfigError::NotFromARepository { path: path.to_owned(), option };
    if let Some(section) = table.keys().find(|key| *key != "repositories") {
        return Err(not_here(format!("[{section}]")));
    }
    let repositories = table.get("repositories").and_then(toml::Value::as_table);
    for (name, entry) in repositories.into_iter().flatten() {
        let reads = entry.get("allow_read").and_then(toml::Value::as_array);
        if reads.is_some_and(|reads| !reads.is_empty()) {
            return Err(not_here(format!("repositories.{name}.allow_read")));
        }
        let remotes = entry.get("remotes").and_then(toml::Value::as_table);
        if remotes.is_some_and(|remotes| !remotes.is_empty()) {
            return Err(not_here(format!("repositories.{name}.remotes")));
        }
        if let Some(key) = ["url", "username", "token_env"].into_iter().find(|key| entry.get(*key).is_some())
        {
            return Err(not_here(format!("repositories.{name}.{key}")));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        let place = entry.get("path").and_then(toml::Value::as_str).unwrap_or(".");
        if !is_below(folder, place) {
            return Err(not_here(format!("repositories.{name}.path outside of the repository")));
        }
        // The repository's own commands can read the overlay of a checkout.
        let overlay = entry.get("overlay").and_then(toml::Value::as_array);
        for laid in overlay.into_iter().flatten().filter_map(toml::Value::as_str) {
            let source = laid.rsplit_once('=').map_or(laid, |(source, _)| source);
            if !is_below(&folder.join(place), source) {
                return Err(not_here(format!(
                    "repositories.{name}.overlay {laid:?} outside of the repository"
                )));
            }
        }
    }
    Ok(())
}

fn settle(options: &mut ConfigFile, folder: Option<&Path>) -> Result<(), ConfigError> {
    let wrong = |what: String| Err(ConfigError::Value { what });
    for (name, entry) in &mut options.repositories {
        if let Some(test_one) = &entry.test_one
            && !test_one.contains("{test}")
        {
            return wrong(format!(
                "repositories.{name}.test_one must contain {{test}} where the test's name goes; \
                 write for instance test_one = \"{test_one} {{test}}\""
            ));
        }
        if entry.timeout_s == Some(0) {
            return wrong(format!("repositories.{name}.timeout_s must be at least 1"));
        }
        match (&entry.url, &entry.path) {
            (Some(url), None) => {
                if let Err(why) = millwright_git::check_url(url) {
                    return wrong(format!("repositories.{name}.url: {why}"));
                }
            }
            (Some(_), Some(_)) => {
                return wrong(format!(
                    "repositories.{name} has both a path and a url; give only one of them"
                ));
            }
            (None, _) if entry.token_env.is_some() || entry.username.is_some() => {
                return wrong(format!("repositories.{name}: token_env and username belong to a url"));
            }
            (None, _) => {}
        }
        if let (Some(path), Some(folder)) = (&mut entry.path, folder) {
            *path = folder.join(&*path);
        }
        for (remote, url) in &entry.remotes {
            if let Err(why) = millwright_git::check_remote(url) {
                return wrong(format!("repositories.{name}.remotes.{remote}: {why}"));
            }
        }
        if let Some(key) = entry.env.keys().find(|key| key.is_empty() || key.contains(['=', '\0'])) {
            return wrong(format!("repositories.{name}.env: {key:?} is not a valid variable name"));
        }
    }
    let sandbox = &options.sandbox;
    let bounds = [
        ("wall_s", sandbox.wall_s),
        ("cpu_s", sandbox.cpu_s),
        ("memory_mb", sandbox.memory_mb),
        ("processes", u64::from(sandbox.processes)),
        ("file_mb", sandbox.file_mb),
        ("disk_mb", sandbox.disk_mb),
        ("output_mb", sandbox.output_mb),
    ];
    if let Some((key, _)) = bounds.iter().find(|(_, value)| *value == 0) {
        return wrong(format!("sandbox.{key} must be at least 1; leave it out for the default"));
    }
    if let Some((key, _)) = bounds.iter().find(|(_, value)| *value > u64::from(u32::MAX)) {
        return wrong(format!("sandbox.{key} is larger than any machine provides"));
    }
    if sandbox.network == NetworkOption::Loopback && sandbox.allow_weaker {
        return wrong(
            "sandbox.network = \"loopback\" needs the full sandbox; it cannot be combined with allow_weaker = true"
                .into(),
        );
    }
    patterns(&options.redaction)?;
    model(&mut options.model, folder)?;
    options.vectors.settle().or_else(wrong)?;
    options.embeddings.settle(folder).or_else(wrong)?;
    options.server.settle().or_else(wrong)?;
    options.connectors.settle().or_else(wrong)?;
    options.channels.settle().or_else(wrong)?;
    options.telemetry.settle().or_else(wrong)?;
    let schemes = ["sqlite://", "postgres://", "postgresql://"];
    if let Some(url) = &options.store.url
        && !schemes.iter().any(|scheme| url.starts_with(scheme))
    {
        return wrong(
            "store.url must be sqlite://PATH or postgres://USER@HOST:5432/DATABASE; leave it out for a file in the \
             data folder"
                .into(),
        );
    }
    Ok(())
}

fn model(model: &mut ModelSection, folder: Option<&Path>) -> Result<(), ConfigError> {
    let wrong = |what: &str| Err(ConfigError::Value { what: what.to_owned() });
    let zero = [
        ("timeout_s", model.timeout_s),
        ("context_tokens", model.context_tokens),
        ("max_output_tokens", model.max_output_tokens),
        ("budgets.steps", model.budgets.steps.map(u64::from)),
        ("budgets.deadline_s", model.budgets.deadline_s),
    ];
    if let Some((key, _)) = zero.iter().find(|(_, value)| *value == Some(0)) {
        return Err(ConfigError::Value {
            what: format!("model.{key} must be at least 1; leave it out for the default"),
        });
    }
    let money = [model.prices.input, model.prices.output, model.prices.cached_input.unwrap_or(0.0)];
    if money.iter().chain(&model.budgets.usd).any(|usd| !usd.is_finite() || *usd < 0.0) {
        return wrong("prices and budgets in [model] are US dollars, at least 0");
    }
    if model.budgets.usd.is_some() && model.prices.input == 0.0 && model.prices.output == 0.0 {
        return wrong(
            "model.budgets.usd needs model.prices (input and output, US dollars per million tokens)",
        );
    }
    if model.temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
        return wrong("model.temperature must be between 0 and 2");
    }
    if let (Some(path), Some(folder)) = (&mut model.ca_file, folder) {
        *path = folder.join(&*path);
    }
    Ok(())
}

fn patterns(redaction: &RedactionSection) -> Result<(), ConfigError> {
    let named = redaction.patterns.iter().map(|rule| (format!("pattern {:?}", rule.name), &rule.pattern));
    let allowed = redaction.allow.iter().map(|pattern| ("allow".to_owned(), pattern));
    for (name, pattern) in named.chain(allowed) {
        if let Err(error) = regex::Regex::new(pattern) {
            // The last line is the message; the lines before it draw the pattern.
            let text = error.to_string();
            let why = text.lines().last().unwrap_or_default().trim();
            return Err(ConfigError::Value {
                what: format!("redaction.{name} is not a regular expression: {why}"),
            });
        }
    }
    Ok(())
}
