/*!
What tests of tools share: a context over a small repository.
*/

use std::sync::Arc;

use millwright_memory::types::{Fingerprint, ParsedTicket, TicketContext, TicketFormat};

use super::ToolContext;
use crate::git::testing::TestRepo;

/// `bad` is the head, `good` is not known.
pub(crate) fn context(repo: &TestRepo) -> ToolContext {
    ToolContext::new(Arc::new(repo.open()), repo.head(), repo.data(), Arc::new(empty_ticket()))
}

pub(crate) fn empty_ticket() -> ParsedTicket {
    ParsedTicket {
        format: TicketFormat::Text,
        title: String::new(),
        text: String::new(),
        symptom: String::new(),
        traces: Vec::new(),
        failing_tests: Vec::new(),
        errors: Vec::new(),
        code: Vec::new(),
        log_spans: Vec::new(),
        context: TicketContext::default(),
        fingerprint: Fingerprint::default(),
        notes: Vec::new(),
    }
}
