/*!
The map between placeholders and originals. It is the one place that keeps a secret, so it has no serialisation,
no debug print, and it is gone with its redactor.
*/

use std::collections::HashMap;

/// Distinct values numbered per redactor; further ones share the placeholder `[KIND_0]`, so that memory stays bounded.
const MAX_VALUES: usize = 200_000;

#[derive(Default)]
pub(crate) struct Vault {
    numbers: HashMap<(String, String), usize>,
    originals: HashMap<String, String>,
    next: HashMap<String, usize>,
}

impl Vault {
    pub(crate) fn placeholder(&mut self, kind: &str, original: &str) -> String {
        let key = (kind.to_owned(), original.to_owned());
        if let Some(number) = self.numbers.get(&key) {
            return format!("[{kind}_{number}]");
        }
        if self.numbers.len() >= MAX_VALUES {
            return format!("[{kind}_0]");
        }
        let next = self.next.entry(kind.to_owned()).or_default();
        *next += 1;
        let placeholder = format!("[{kind}_{next}]");
        self.originals.insert(placeholder.clone(), original.to_owned());
        self.numbers.insert(key, *next);
        placeholder
    }

    pub(crate) fn restore(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('[') {
            let (before, from) = rest.split_at(open);
            out.push_str(before);
            let known = from.find(']').and_then(|close| {
                let placeholder = from.get(..=close)?;
                Some((self.originals.get(placeholder)?, close + 1))
            });
            let (shown, used) = match known {
                Some((original, used)) => (original.as_str(), used),
                None => ("[", 1),
            };
            out.push_str(shown);
            rest = from.get(used..).unwrap_or_default();
        }
        out.push_str(rest);
        out
    }
}
