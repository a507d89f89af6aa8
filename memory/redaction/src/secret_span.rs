/*!
The result of a scan: every search for secrets returns spans, and the most specific of several overlapping spans names
the value.
*/

use std::borrow::Cow;

/// A span to mask. Spans of one scan are in order and do not overlap.
#[derive(Debug, Clone)]
pub(crate) struct SecretSpan {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) priority: usize,
}

impl SecretSpan {
    /// A span found by its context. It is the least specific: a rule that knows the shape of the value takes
    /// precedence.
    pub(crate) fn found_by_context(start: usize, end: usize) -> Self {
        Self { start, end, kind: Cow::Borrowed("SECRET"), priority: usize::MAX }
    }
}
