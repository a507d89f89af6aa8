/*!
The findings of `doctor`, as a list for people or programs.
*/

use millwright_redaction::Redactor;
use millwright_tools::setup_check::{SetupCheck, SetupState};
use serde::Serialize;

/// The check of one part.
#[derive(Debug, Serialize)]
pub(super) struct PartCheck {
    /// The part, and after a colon which aspect of it.
    pub(super) name: String,
    /// Whether there is nothing to fix; a mere doubt counts as nothing to fix.
    pub(super) ok: bool,
    pub(super) state: SetupState,
    pub(super) detail: String,
    /// One of several equivalent mechanisms: it may be broken while another one works.
    #[serde(skip)]
    is_alternative: bool,
}

/// All checks, in order. People paste the findings into tickets, so they are masked.
#[derive(Debug)]
pub(super) struct DoctorFindings {
    parts: Vec<PartCheck>,
    redactor: Redactor,
}

impl DoctorFindings {
    pub(super) fn new(redactor: Redactor) -> Self {
        Self { parts: Vec::new(), redactor }
    }

    pub(super) fn note(&mut self, name: &str, result: Result<String, String>) {
        let (state, detail) = match result {
            Ok(detail) => (SetupState::Works, detail),
            Err(why) => (SetupState::Broken, why),
        };
        self.add(name, state, detail);
    }

    /// Notes one of several equivalent mechanisms; the caller notes whether any of them works.
    pub(super) fn note_alternative(&mut self, name: &str, result: Result<String, String>) {
        self.note(name, result);
        if let Some(part) = self.parts.last_mut() {
            part.is_alternative = true;
        }
    }

    pub(super) fn doubt(&mut self, name: &str, detail: impl Into<String>) {
        self.add(name, SetupState::Doubtful, detail.into());
    }

    /// Adds the findings about the parts of `whole`.
    pub(super) fn extend(&mut self, whole: &str, checks: Vec<SetupCheck>) {
        for check in checks {
            self.add(&format!("{whole}: {}", check.part.as_str()), check.state, check.detail);
        }
    }

    fn add(&mut self, name: &str, state: SetupState, detail: String) {
        let ok = state != SetupState::Broken;
        let detail = self.redactor.redact(&detail).text;
        self.parts.push(PartCheck { name: name.to_owned(), ok, state, detail, is_alternative: false });
    }

    /// Whether nothing needs a fix. A broken mechanism is not a failure while another sandbox works, nor is an action mode
    /// while the other one works.
    pub(super) fn is_healthy(&self) -> bool {
        self.parts.iter().all(|part| part.ok || part.is_alternative)
    }

    pub(super) fn as_json(&self) -> String {
        format!("{:#}\n", serde_json::json!({ "healthy": self.is_healthy(), "checks": self.parts }))
    }

    pub(super) fn as_text(&self) -> String {
        let widest = self.parts.iter().map(|part| part.name.chars().count()).max().unwrap_or_default();
        let line = |part: &PartCheck| {
            let mark = match part.state {
                SetupState::Works => "ok  ",
                SetupState::Doubtful | SetupState::NotSet => "note",
                SetupState::Broken => "MEND",
            };
            format!("{mark} {:<widest$}  {}\n", part.name, part.detail)
        };
        self.parts.iter().map(line).collect()
    }
}
