/*!
The rules that come with Millwright: the one list of the tables, and the version of what they mask.
*/

use super::rule::MaskingRule;
use super::{assignments, credentials, formats, personal, told};

/// The version of what is masked by the rules that come with Millwright. What keeps masked texts keeps it with them: texts that
/// another version masked may hold what is to be masked now. It is raised with every change of a rule, of a list of words or of
/// a check; a test demands it.
pub const RULES_VERSION: u32 = 2;

/// The rules that come with Millwright, the most specific first; those for personal data are the last.
pub(super) fn all() -> impl Iterator<Item = &'static MaskingRule> {
    [formats::RULES, assignments::RULES, told::RULES, credentials::RULES, personal::RULES]
        .into_iter()
        .flatten()
}
