/*!
Labelled texts that measure masking: texts with planted secrets, and texts that only look like secrets. Tests check
the lists in `memory/redaction/testdata`, and `millwright eval` measures any file of this format.
*/

use serde::Deserialize;

use super::Redactor;

/// Stands for nothing: it keeps scanners of source code from taking made-up tokens for real ones.
const CUT: &str = "{+}";

/// One text, as a JSON object on a line. `secret` or `secrets` (pieces of one that is split or escaped) must not be
/// left in it; in a look-alike, `keep` must be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledText {
    #[serde(default)]
    pub id: Option<String>,
    /// Where the text comes from.
    #[serde(default)]
    pub list: Option<String>,
    pub text: String,
    #[serde(default)]
    pub secret: Option<String>,
    #[serde(default)]
    pub secrets: Vec<String>,
    #[serde(default)]
    pub keep: Option<String>,
    #[serde(default)]
    pub class: Option<String>,
    #[serde(default)]
    pub shape: Option<String>,
}

impl LabelledText {
    /// Reads a file's content. The error names the line and what is wrong with it.
    ///
    /// # Errors
    /// When a line is not such an object, or cannot be judged.
    pub fn parse_all(content: &str) -> Result<Vec<Self>, String> {
        let numbered = content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let parse = |(at, line): (usize, &str)| {
            let refuse = |why: &dyn std::fmt::Display| format!("line {}: {why}", at + 1);
            let line: Self = serde_json::from_str(&line.replace(CUT, "")).map_err(|error| refuse(&error))?;
            match line.fault() {
                Some(why) => Err(refuse(&why)),
                None => Ok(line),
            }
        };
        numbered.map(parse).collect()
    }

    /// The text that must not be left; nothing for a look-alike.
    fn planted(&self) -> impl Iterator<Item = &str> {
        self.secret.iter().chain(&self.secrets).map(String::as_str)
    }

    /// Why the text cannot be judged.
    fn fault(&self) -> Option<&'static str> {
        match (self.planted().count(), &self.keep) {
            (0, None) => Some("it plants no `secret` and names nothing to `keep`"),
            (1.., Some(_)) => Some("it has both a `secret` and something to `keep`; make two lines of it"),
            (1.., None) if self.planted().any(|secret| !self.text.contains(secret)) => {
                Some("its `secret` is not in its `text`")
            }
            (0, Some(keep)) if !self.text.contains(keep) => Some("what it must `keep` is not in its `text`"),
            _ => None,
        }
    }

    /// Whether the text is masked correctly: no piece of a secret is left, or a look-alike is unchanged.
    pub fn is_right(&self, redactor: &Redactor) -> bool {
        // Each text belongs to a run of its own.
        let masked = redactor.for_run().redact(&self.text).text;
        match &self.keep {
            Some(keep) => masked.contains(keep),
            None => !self.planted().any(|secret| masked.contains(secret)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_judged_is_refused_with_its_line() {
        let good = r#"{"text": "password=hun{+}ter2xLm", "secret": "hunter2xLm"}"#;
        let read = LabelledText::parse_all(good).unwrap();
        assert!(read[0].is_right(&Redactor::default()));
        for (bad, why) in [
            (r#"{"text": "a", "secret": "b"}"#, "is not in its `text`"),
            (r#"{"text": "a", "keep": "b"}"#, "must `keep` is not in"),
            (r#"{"text": "a"}"#, "plants no `secret`"),
            (r#"{"text": "a", "keep": "a", "secret": "a"}"#, "make two lines"),
            (r#"{"text": 1}"#, "invalid type"),
        ] {
            let error = LabelledText::parse_all(&format!("{good}\n\n{bad}")).unwrap_err();
            assert!(error.starts_with("line 3: ") && error.contains(why), "{error}");
        }
    }
}
