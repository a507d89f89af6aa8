/*!
The structure of an incident: what its traces say about the code, as a set of typed keys.

Two incidents agree in structure if they share keys, so a key must be the same in every incident. Symbols and files
are taken after mapping to the repository if the mapping is known, otherwise as printed. Only in-app frames count,
because the framework's frames are on every stack.
*/

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use millwright_model::{MappedFrame, ParsedTicket};

const MAX_SYMBOLS: usize = 40;
const MAX_FILES: usize = 40;

/// The known structure of an incident. All sets may be empty: plain prose has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StructureKeys {
    /// Hex; present if the fingerprint rests on more than the exception's name.
    pub fingerprint: Option<String>,
    pub exception: Option<String>,
    pub template: Option<String>,
    /// Function names of in-app frames, as printed and as mapped (`path::Qualified.name`).
    pub symbols: BTreeSet<String>,
    /// Repository paths of mapped product frames.
    pub files: BTreeSet<String>,
    /// Guilty lines of the resolutions: `path::Qualified.name` or `path`. Only stored incidents have them.
    pub units: BTreeSet<String>,
}

/// Prefixes of the hashed keys. The numbers are part of the stored format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    Fingerprint = 1,
    Symbol = 2,
    File = 3,
    Unit = 4,
    ErrorShape = 5,
    /// Only limits a search of the word index.
    Repository = 6,
}

impl StructureKeys {
    pub fn of(ticket: &ParsedTicket, mapped: &[MappedFrame]) -> Self {
        let print = &ticket.fingerprint;
        let template = print.template.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
        let mut keys = StructureKeys {
            exception: print.exception.as_deref().map(last_name),
            symbols: print.symbols.iter().take(MAX_SYMBOLS).cloned().collect(),
            template,
            ..StructureKeys::default()
        };
        // Countless causes share the surfaced exception's name alone.
        let telling = !keys.symbols.is_empty() || keys.template.as_deref().is_some_and(says_enough);
        keys.fingerprint = Some(print.value.clone()).filter(|v| !v.is_empty() && telling);
        let frames = ticket.traces.iter().flat_map(|t| &t.exceptions).flat_map(|e| &e.frames);
        let in_app = frames.filter(|f| f.in_app).filter_map(|f| f.mapped.as_ref());
        for frame in in_app.chain(mapped).filter(|m| !m.is_test) {
            if keys.files.len() < MAX_FILES {
                keys.files.insert(frame.path.clone());
            }
            if let Some(symbol) = &frame.symbol
                && keys.symbols.len() < 2 * MAX_SYMBOLS
            {
                keys.symbols.insert(format!("{}::{symbol}", frame.path));
            }
        }
        keys
    }

    pub fn is_empty(&self) -> bool {
        *self == StructureKeys::default()
    }

    /// Exception and message template together; either alone is too common for a lookup.
    pub fn error_shape(&self) -> Option<String> {
        let template = self.template.as_deref().filter(|t| says_enough(t))?;
        Some(format!("{}\n{template}", self.exception.as_deref().unwrap_or("")))
    }

    /// All keys by which the index finds incidents.
    pub fn hashes(&self) -> Vec<(KeyKind, i64)> {
        let one = |kind, text: &str| (kind, key_hash(kind, text));
        let mut out = Vec::new();
        out.extend(self.fingerprint.iter().map(|f| one(KeyKind::Fingerprint, f)));
        out.extend(self.error_shape().iter().map(|e| one(KeyKind::ErrorShape, e)));
        out.extend(self.symbols.iter().map(|s| one(KeyKind::Symbol, s)));
        out.extend(self.files.iter().map(|f| one(KeyKind::File, f)));
        out.extend(self.units.iter().map(|u| one(KeyKind::Unit, u)));
        out
    }

    /// The keys of a query: its symbols and files may also be the guilty units of another incident.
    pub fn query_hashes(&self) -> Vec<(KeyKind, i64)> {
        let mut out = self.hashes();
        let guilty = self.symbols.iter().filter(|s| s.contains("::")).chain(&self.files);
        out.extend(guilty.map(|u| (KeyKind::Unit, key_hash(KeyKind::Unit, u))));
        out
    }
}

pub fn key_hash(kind: KeyKind, text: &str) -> i64 {
    let mut digest = Sha256::new();
    digest.update([kind as u8]);
    digest.update(text.as_bytes());
    let bytes: [u8; 32] = digest.finalize().into();
    let mut head = [0u8; 8];
    head.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    (u64::from_be_bytes(head) >> 1) as i64
}

/// `django.core.exceptions.FieldError` and `FieldError` are one exception: loggers print either.
fn last_name(exception: &str) -> String {
    exception.rsplit(['.', ':', '\\', '/']).find(|p| !p.is_empty()).unwrap_or(exception).to_owned()
}

/// Whether a template has two words or more besides placeholders.
fn says_enough(template: &str) -> bool {
    super::tokenize::split(template).len() >= 2
}
