/*!
What a scan finds: everything that looks for secrets answers with spans, and of those that overlap the most specific names the
value.
*/

use std::borrow::Cow;

/// A span to mask. Spans of one scan are in order and do not overlap.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) priority: usize,
}

impl Hit {
    /// Told by what stands around it. Least specific: a rule that knows the shape of what it finds names it.
    pub(crate) fn told_by_more(start: usize, end: usize) -> Self {
        Self { start, end, kind: Cow::Borrowed("SECRET"), priority: usize::MAX }
    }
}
