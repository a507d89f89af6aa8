/*!
Finds the file, reads it, lays the environment over it, and checks what types alone cannot say.
*/

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::Table;
use toml::de::DeTable;

use super::check::Shape;
use super::env;
use super::{Model, Network, Options, Redaction, Repository};

const FILE: &str = "millwright.toml";
/// A configuration is written by hand; anything larger is something else.
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
        "{path} lies in the repository, so {option} is not taken from it (a clone must not weaken what guards \
         against it); if the file is yours, name it: --config {path}"
    )]
    NotFromARepository { path: PathBuf, option: String },
}

/// Where a configuration came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// No file; defaults and the environment.
    #[default]
    Defaults,
    /// Named by `--config` or `MILLWRIGHT_CONFIG`, or found above the repository.
    Named(PathBuf),
    /// Found inside the repository.
    Repository(PathBuf),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    pub(crate) options: Options,
    pub(crate) origin: Origin,
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
        let by_variable = vars.iter().find(|(name, value)| name == "MILLWRIGHT_CONFIG" && !value.is_empty());
        let origin = match (named, by_variable, start) {
            (Some(path), _, _) => Origin::Named(path.to_owned()),
            (None, Some((_, path)), _) => Origin::Named(PathBuf::from(path)),
            (None, None, Some(start)) => find(start),
            (None, None, None) => Origin::Defaults,
        };
        let shape = Shape::of_options();
        let mut table = match &origin {
            Origin::Defaults => Table::new(),
            Origin::Named(path) | Origin::Repository(path) => read(path, &shape)?,
        };
        if let Origin::Repository(path) = &origin {
            refuse_weakening(&table, path)?;
        }
        refuse_passwords(&table)?;
        env::overlay(&mut table, &shape, vars)?;
        let mut options: Options = table.try_into().map_err(|error: toml::de::Error| ConfigError::Value {
            what: format!("the configuration does not hold together: {}", error.message()),
        })?;
        let mut config = Self { options: Options::default(), origin };
        settle(&mut options, config.folder().as_deref())?;
        config.options = options;
        Ok(config)
    }

    /// Where the file lies, if there is one.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        match &self.origin {
            Origin::Defaults => None,
            Origin::Named(path) | Origin::Repository(path) => path.parent().map(Path::to_owned),
        }
    }

    /// The entry for the repository at `path`: the one whose `path` is it, else the only one without a `path`.
    pub(crate) fn repository(&self, path: &Path) -> Option<(&str, &Repository)> {
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

/// From `start` upwards. Inside the repository (up to the folder with `.git`) a file is the repository's own.
fn find(start: &Path) -> Origin {
    let start = fs::canonicalize(start).unwrap_or_else(|_| start.to_owned());
    let mut inside = true;
    for folder in start.ancestors() {
        let file = folder.join(FILE);
        if file.is_file() {
            return if inside { Origin::Repository(file) } else { Origin::Named(file) };
        }
        if folder.join(".git").exists() {
            inside = false;
        }
    }
    Origin::Defaults
}

fn read(path: &Path, shape: &Shape) -> Result<Table, ConfigError> {
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

/// Secrets come by the environment only, where a url may hold one as well.
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
            what: "store.url holds a password; leave it out there and set PGPASSWORD, or the variable that \
                   store.password_env names"
                .into(),
        });
    }
    Ok(())
}

/// What a file out of a repository may not say.
fn refuse_weakening(table: &Table, path: &Path) -> Result<(), ConfigError> {
    let not_here = |option: String| ConfigError::NotFromARepository { path: path.to_owned(), option };
    for section in [
        "sandbox",
        "redaction",
        "store",
        "model",
        "vectors",
        "embeddings",
        "server",
        "auth",
        "connectors",
        "channels",
    ] {
        if table.contains_key(section) {
            return Err(not_here(format!("[{section}]")));
        }
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
        let outside = entry.get("path").and_then(toml::Value::as_str).map(Path::new).is_some_and(|path| {
            path.is_absolute() || path.components().any(|part| part == std::path::Component::ParentDir)
        });
        if outside {
            return Err(not_here(format!("repositories.{name}.path outside of the repository")));
        }
    }
    Ok(())
}

fn settle(options: &mut Options, folder: Option<&Path>) -> Result<(), ConfigError> {
    let wrong = |what: String| Err(ConfigError::Value { what });
    for (name, entry) in &mut options.repositories {
        if let Some(test_one) = &entry.test_one
            && !test_one.contains("{test}")
        {
            return wrong(format!(
                "repositories.{name}.test_one must hold {{test}} where the test's name goes; \
                 write for instance test_one = \"{test_one} {{test}}\""
            ));
        }
        if entry.timeout_s == Some(0) {
            return wrong(format!("repositories.{name}.timeout_s must be at least 1"));
        }
        match (&entry.url, &entry.path) {
            (Some(url), None) => {
                if let Err(why) = millwright_tools::git::check_url(url) {
                    return wrong(format!("repositories.{name}.url: {why}"));
                }
            }
            (Some(_), Some(_)) => {
                return wrong(format!(
                    "repositories.{name} has a path and a url; the code is at one of them"
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
            if let Err(why) = millwright_tools::git::check_remote(url) {
                return wrong(format!("repositories.{name}.remotes.{remote}: {why}"));
            }
        }
        if let Some(key) = entry.env.keys().find(|key| key.is_empty() || key.contains(['=', '\0'])) {
            return wrong(format!("repositories.{name}.env: {key:?} is no name for a variable"));
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
        return wrong(format!("sandbox.{key} is larger than any machine can give"));
    }
    if sandbox.network == Network::Loopback && sandbox.allow_weaker {
        return wrong(
            "sandbox.network = \"loopback\" needs the full sandbox; it cannot go with allow_weaker = true"
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

fn model(model: &mut Model, folder: Option<&Path>) -> Result<(), ConfigError> {
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

fn patterns(redaction: &Redaction) -> Result<(), ConfigError> {
    let named = redaction.patterns.iter().map(|rule| (format!("pattern {:?}", rule.name), &rule.pattern));
    let allowed = redaction.allow.iter().map(|pattern| ("allow".to_owned(), pattern));
    for (name, pattern) in named.chain(allowed) {
        if let Err(error) = regex::Regex::new(pattern) {
            // The last line says what is wrong; those before it draw the pattern.
            let text = error.to_string();
            let why = text.lines().last().unwrap_or_default().trim();
            return Err(ConfigError::Value {
                what: format!("redaction.{name} is no regular expression: {why}"),
            });
        }
    }
    Ok(())
}
