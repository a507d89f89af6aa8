/*!
The built-in rules: the list of all tables of rules, and the version of what they mask.
*/

use super::rule::MaskingRule;
use super::{assignments, credentials, formats, personal, told};

/// The version of what the built-in rules mask. Stores of masked texts keep it with them: texts that another version
/// masked may still hold something that is masked now. Raise it with every change of a rule, of a list of words or of
/// a check; a test demands it.
pub const RULES_VERSION: u32 = 2;

/// The built-in rules, most specific first; those for personal data are last.
pub(super) fn all() -> impl Iterator<Item = &'static MaskingRule> {
    [formats::RULES, assignments::RULES, told::RULES, credentials::RULES, personal::RULES]
        .into_iter()
        .flatten()
}
