/*!
Masking of secrets and personal data, on by default for everything that a model, a log, memory or a page may see.

Placeholders replace the values and stay the same within a run (`[EMAIL_1]`, `[AWS_KEY_1]`), so that a reader can
still see that two lines refer to the same account. Lines are never joined or split, because locators refer to lines
of the redacted text. Identifiers of code and machines (commit ids, UUIDs, digests, trace ids, versions, timestamps)
stay, because an investigation depends on them. The map from placeholder to original lives sealed inside the
[`Redactor`], and in the run's folder if a run must survive a restart; it is removed with the run.
*/

mod announced;
mod answered;
mod assignments;
mod broken_token;
mod builtin_rules;
mod checks;
mod columns;
mod credentials;
mod disguise;
mod formats;
pub mod labelled;
mod lines;
mod markup;
mod names;
mod paired;
mod personal;
mod rule;
mod scan;
mod secret_span;
mod spoken;
mod spoken_lists;
mod structure;
mod told;
mod vault;
mod work;

pub use builtin_rules::RULES_VERSION;
pub use checks::placeholders;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use scan::Scanner;
use secret_span::SecretSpan;
use vault::Vault;

/// The keywords of all rules, for texts that are to meet every one of them.
#[doc(hidden)]
pub fn keywords() -> impl Iterator<Item = &'static str> {
    builtin_rules::all().flat_map(|rule| rule.keywords.iter().copied())
}

/// Most passes over changed lines; each pass can only replace what the one before uncovered.
const MAX_PASSES: usize = 6;

/// Values of a list that are looked at one by one together with its name.
const MAX_NAMED_ITEMS: usize = 1_000;
/// A header's name is not longer.
const MAX_NAME_BYTES: usize = 256;
/// Masked under the name of a password.
const LIKE_A_WORD: &str = "hunter2";
/// Masked under every name that makes values secrets.
const LIKE_A_SECRET: &str = "a8Kd02LmQz81xPqR7vTn4WsY";

/// What is masked. The default masks everything known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RedactionConfig {
    /// Off leaves every text as it is.
    pub enabled: bool,
    /// E-mail addresses, card and telephone numbers, IBANs.
    pub personal_data: bool,
    /// Further regular expressions (Rust syntax, matched line by line); the first group, or the whole match, is masked.
    pub patterns: Vec<CustomPattern>,
    /// Regular expressions of values that are never masked, such as a public address of your own.
    pub allow: Vec<String>,
}

/// One rule of the user's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomPattern {
    /// Name in the placeholder, in capitals: `CUSTOMER` gives `[CUSTOMER_1]`.
    pub name: String,
    pub pattern: String,
}

impl Default for RedactionConfig {
    fn default() -> Self {
        Self { enabled: true, personal_data: true, patterns: Vec::new(), allow: Vec::new() }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RedactionError {
    #[error("redaction pattern {name:?} is not a regular expression: {source}; see `redaction.{field}`")]
    Pattern { name: String, field: &'static str, source: Box<regex::Error> },
    #[error(
        "redaction pattern name {name:?} must be 2 to 32 capitals, digits and underscores, starting with a capital"
    )]
    Name { name: String },
}

/// A text without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// As many lines as the original had.
    pub text: String,
    /// How many values of each kind were masked (`EMAIL` → 2), repeats included.
    pub counts: BTreeMap<String, usize>,
}

/// Masks texts of one run. Cheap to share by reference; placeholders are numbered per redactor.
pub struct Redactor {
    config: RedactionConfig,
    scanner: Arc<Scanner>,
    vault: Mutex<Vault>,
}

impl Redactor {
    /// Fails only on a pattern of the user's own that is no regular expression.
    pub fn new(config: RedactionConfig) -> Result<Self, RedactionError> {
        let scanner = Arc::new(Scanner::new(&config)?);
        Ok(Self { config, scanner, vault: Mutex::default() })
    }

    pub fn config(&self) -> &RedactionConfig {
        &self.config
    }

    /// The text with every secret replaced. Linear in its length; redacting twice changes nothing further.
    pub fn redact(&self, text: &str) -> Redacted {
        let mut counts = BTreeMap::new();
        if !self.config.enabled {
            return Redacted { text: text.to_owned(), counts };
        }
        let hits = self.scanner.hits(text);
        let (mut text, mut changed) = self.replace(text, &hits, &mut counts);
        // A replacement can uncover another value on its line (an address behind a masked password), so masking
        // repeats until nothing changes: the result is a fixed point.
        for _ in 0..MAX_PASSES {
            if changed.is_empty() {
                break;
            }
            let hits = self.scanner.hits_on_lines(&text, &changed);
            if hits.is_empty() {
                break;
            }
            (text, changed) = self.replace(&text, &hits, &mut counts);
        }
        Redacted { text, counts }
    }

    /// The same rules with an empty map: every run numbers its own values.
    pub fn for_run(&self) -> Self {
        Self { config: self.config.clone(), scanner: Arc::clone(&self.scanner), vault: Mutex::default() }
    }

    /// Keeps the map in the run's folder, encrypted, so that a run that is started again goes on with the same
    /// placeholders. Removing the folder ends the map.
    pub fn keep_in(&self, run_folder: &Path) -> std::io::Result<()> {
        self.vault.lock().unwrap_or_else(PoisonError::into_inner).keep_in(run_folder)
    }

    /// A JSON value with every text in it redacted, keys included: arguments and structured results.
    pub fn redact_json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(text).text),
            Value::Array(items) => self.redact_items(None, items),
            Value::Object(fields) => {
                // `{"name": "DB_PASSWORD", "value": "…"}`: a sibling tells the name.
                let told = paired::NAME_LABELS.iter().find_map(|label| fields.get(*label)?.as_str());
                let masked = fields.iter().map(|(name, value)| {
                    let is_value = paired::VALUE_LABELS.contains(&name.as_str());
                    let masked = match (value, told.filter(|_| is_value)) {
                        (Value::String(text), Some(told)) => self.redact_named(told, text),
                        // Often the name alone shows that the value is a secret.
                        (Value::String(text), None) => self.redact_named(name, text),
                        (Value::Array(items), _) => self.redact_items(Some(name), items),
                        (other, _) => self.redact_json(other),
                    };
                    (self.redact(name).text, masked)
                });
                Value::Object(masked.collect())
            }
            other => other.clone(),
        }
    }

    /// A list, maybe under a name. Two texts may be a header and its value.
    fn redact_items(&self, name: Option<&str>, items: &[Value]) -> Value {
        let masked = self.redact_lines(items);
        let mut masked =
            masked.unwrap_or_else(|| items.iter().map(|item| self.redact_json(item)).collect::<Vec<_>>());
        if let [Value::String(name), Value::String(text)] = masked.as_slice()
            && name.len() <= MAX_NAME_BYTES
        {
            masked = vec![masked[0].clone(), self.redact_named(name, text)];
        }
        if let Some(name) = name {
            let singular = name.strip_suffix('s').unwrap_or(name);
            for item in masked.iter_mut().take(MAX_NAMED_ITEMS) {
                if let Value::String(text) = item {
                    *item = self.redact_named(singular, text);
                }
            }
            if masked.len() > MAX_NAMED_ITEMS {
                self.redact_further_items(singular, &mut masked[MAX_NAMED_ITEMS..]);
            }
        }
        Value::Array(masked)
    }

    /// The rest of a long list: each value is judged by what the name makes of a plain word, and of one like a secret.
    fn redact_further_items(&self, name: &str, items: &mut [Value]) {
        // A separate run, because nobody wrote these two values.
        let probe = self.for_run();
        let hides = |value: &str| probe.redact_named(name, value) != value;
        let (all, random) = (hides(LIKE_A_WORD), hides(LIKE_A_SECRET));
        let mut vault = self.vault.lock().unwrap_or_else(PoisonError::into_inner);
        for item in items {
            if let Value::String(text) = item
                && (all && !checks::is_reference(text) || random && checks::looks_random(text))
                && !self.scanner.is_allowed(text)
            {
                *item = Value::from(vault.placeholder("SECRET", text));
            }
        }
    }

    /// Lines of a file are looked at together: a private key spans several.
    fn redact_lines(&self, items: &[Value]) -> Option<Vec<Value>> {
        let lines: Vec<&str> = items.iter().map(Value::as_str).collect::<Option<_>>()?;
        if lines.len() < 2 || lines.iter().any(|line| line.contains('\n')) {
            return None;
        }
        let masked = self.redact(&lines.join("\n")).text;
        let masked: Vec<Value> = masked.split('\n').map(Value::from).collect();
        (masked.len() == items.len()).then_some(masked)
    }

    fn redact_named(&self, name: &str, text: &str) -> Value {
        let alone = self.redact(text).text;
        if alone != text || text.contains(['\n', '"', '\\']) {
            return Value::String(alone);
        }
        let head = format!("\"{name}\": \"");
        let line = self.redact(&format!("{head}{text}\"")).text;
        let masked = line.strip_prefix(&head).and_then(|rest| rest.strip_suffix('"'));
        Value::String(masked.unwrap_or(&alone).to_owned())
    }

    /// Puts the originals back. Only for what stays inside the sandbox: nothing that a model wrote is unmasked on its
    /// way out of the process, or a placeholder in its arguments would fetch the secret.
    pub fn unmask(&self, text: &str) -> String {
        self.vault.lock().unwrap_or_else(PoisonError::into_inner).unmask(text)
    }

    /// The new text, and the byte offsets (in it) of lines that were changed.
    fn replace(
        &self,
        text: &str,
        hits: &[SecretSpan],
        counts: &mut BTreeMap<String, usize>,
    ) -> (String, Vec<usize>) {
        let mut vault = self.vault.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = String::with_capacity(text.len());
        let mut changed = Vec::new();
        let mut copied = 0;
        for hit in hits {
            out.push_str(text.get(copied..hit.start).unwrap_or_default());
            changed.push(out.len());
            let original = text.get(hit.start..hit.end).unwrap_or_default();
            let placeholder = vault.placeholder(&hit.kind, original);
            // Each line of a multi-line value gets a placeholder of its own.
            for (index, line) in original.split('\n').enumerate() {
                if index > 0 {
                    out.push('\n');
                }
                if index == 0 || !line.trim().is_empty() {
                    out.push_str(&placeholder);
                }
                if line.ends_with('\r') {
                    out.push('\r');
                }
            }
            *counts.entry(hit.kind.to_string()).or_default() += 1;
            copied = hit.end;
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        (out, changed)
    }
}

impl Default for Redactor {
    /// Everything masked, no rules of the user's own.
    fn default() -> Self {
        let config = RedactionConfig::default();
        let scanner = Arc::new(Scanner::builtin(&config));
        Self { config, scanner, vault: Mutex::default() }
    }
}

/// Shows the configuration only: the originals never reach a debug print.
impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "adversarial_tests.rs"]
mod adversarial;
#[cfg(test)]
mod keywords_tests;
#[cfg(test)]
mod linear_tests;
#[cfg(test)]
#[path = "lists_tests.rs"]
mod lists;
#[cfg(test)]
mod shapes_tests;
#[cfg(test)]
#[path = "redaction_tests.rs"]
mod tests;
#[cfg(test)]
mod told_shapes_tests;
#[cfg(test)]
mod version_tests;
