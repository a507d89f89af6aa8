/*!
The evidence of a conversation, numbered once: `E3` stays `E3` for every later question and run. A run numbers its own
evidence from 1, so the notebook renumbers its report when it takes the evidence over.
*/

use std::collections::BTreeMap;

use millwright_model::{Evidence, EvidenceDraft, EvidenceId, Report};

use crate::citations;

/// Maximum number of pieces of evidence in one conversation.
const MOST: usize = 1_000;
const EXCERPT_CHARS: usize = 2_000;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct NumberedEvidence {
    pub(super) evidence: Evidence,
    /// The whole redacted text.
    pub(super) text: String,
}

#[derive(Debug, Default)]
pub(super) struct EvidenceNotebook(Vec<NumberedEvidence>);

impl EvidenceNotebook {
    /// Adds redacted evidence; known evidence keeps its number. `None` when the notebook is full.
    pub(super) fn add(&mut self, draft: EvidenceDraft) -> Option<EvidenceId> {
        let sha256 = Evidence::hash(&draft.text);
        let excerpt = citations::excerpt(&draft.text, EXCERPT_CHARS);
        let id = EvidenceId(String::new());
        self.number(
            Evidence { id, source: draft.source, locator: draft.locator, excerpt, sha256 },
            draft.text,
        )
    }

    /// Adds the evidence of a report and renumbers the report's citations.
    pub(super) fn take_over(&mut self, report: &mut Report, texts: &BTreeMap<EvidenceId, String>) {
        let mut new: BTreeMap<EvidenceId, EvidenceId> = BTreeMap::new();
        for evidence in &mut report.evidence {
            let text = texts.get(&evidence.id).cloned().unwrap_or_else(|| evidence.excerpt.clone());
            if let Some(id) = self.number(evidence.clone(), text) {
                new.insert(std::mem::replace(&mut evidence.id, id.clone()), id);
            }
        }
        // Two identical pieces have the same number.
        let mut listed = std::collections::BTreeSet::new();
        report.evidence.retain(|evidence| listed.insert(evidence.id.clone()));
        let cause = report.root_cause.iter_mut().flat_map(|cause| &mut cause.evidence);
        let ideas = report.hypotheses.iter_mut().flat_map(|idea| &mut idea.evidence);
        for id in cause.chain(ideas) {
            if let Some(new) = new.get(id) {
                id.clone_from(new);
            }
        }
    }

    fn number(&mut self, evidence: Evidence, text: String) -> Option<EvidenceId> {
        let same = |piece: &&NumberedEvidence| {
            piece.evidence.sha256 == evidence.sha256 && piece.evidence.locator == evidence.locator
        };
        if let Some(known) = self.0.iter().find(same) {
            return Some(known.evidence.id.clone());
        }
        if self.0.len() >= MOST {
            return None;
        }
        let id = EvidenceId(format!("E{}", self.0.len() + 1));
        self.0.push(NumberedEvidence { evidence: Evidence { id: id.clone(), ..evidence }, text });
        Some(id)
    }

    pub(super) fn get(&self, id: &str) -> Option<&NumberedEvidence> {
        self.0.iter().find(|piece| piece.evidence.id.0 == id)
    }

    pub(super) fn pieces(&self) -> &[NumberedEvidence] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use millwright_model::{EvidenceSource, Locator};

    use super::*;

    #[test]
    fn a_number_is_given_once() {
        let draft = |text: &str| EvidenceDraft {
            source: EvidenceSource::Git,
            locator: Locator::replay(1),
            text: text.into(),
        };
        let mut notebook = EvidenceNotebook::default();
        let ids = ["x", "y", "x", "z"].map(|text| notebook.add(draft(text)).unwrap().0);
        assert_eq!(ids, ["E1", "E2", "E1", "E3"]);
        assert_eq!(notebook.get("E3").unwrap().text, "z");
        assert!(notebook.get("E4").is_none());
        for n in 0..MOST {
            notebook.add(draft(&n.to_string()));
        }
        assert_eq!((notebook.pieces().len(), notebook.add(draft("more"))), (MOST, None));
    }
}
