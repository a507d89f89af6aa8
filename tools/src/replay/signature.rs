/*!
What makes two failing outputs the same failure.
*/

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::process::Exit;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureSignature {
    pub exit: String,
    pub kind: Option<String>,
    pub message: Option<String>,
}

static RAISED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?m)^(?:E\s+)?([A-Za-z_][\w.]*(?:Error|Exception|Exit|Failure|Warning))\b:? ?(.*)$").ok()
});

pub fn signature(output: &str, exit: Exit) -> FailureSignature {
    let last = RAISED.as_ref().and_then(|raised| raised.captures_iter(output).last());
    let group =
        |at: usize| last.as_ref().and_then(|found| found.get(at)).map(|text| text.as_str().to_owned());
    FailureSignature { exit: format!("{exit:?}"), kind: group(1), message: group(2) }
}

impl FailureSignature {
    pub fn matches(&self, other: &FailureSignature) -> bool {
        if self.kind.is_none() {
            return other.kind.is_none() && self.exit == other.exit;
        }
        self.kind == other.kind
    }
}

impl fmt::Display for FailureSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.kind, &self.message) {
            (Some(kind), Some(message)) => {
                write!(f, "{kind}: {}", message.chars().take(200).collect::<String>())
            }
            _ => f.write_str(&self.exit),
        }
    }
}
