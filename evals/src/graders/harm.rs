/*!
The harm of acting on the answer: reverting an innocent commit, applying a fix that does not hold, or changing code where no
code is to blame. An answer that names nothing does no harm.
*/

use millwright_model::Verdict;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GradedAnswer;
use super::fix::FixGrade;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HarmGrade {
    pub harmful: bool,
    pub why: Option<String>,
}

pub fn grade(answer: &GradedAnswer<'_>, fix: Option<&FixGrade>) -> Option<HarmGrade> {
    let truth = &answer.case.truth;
    let harmful = |why: &str| Some(HarmGrade { harmful: true, why: Some(why.to_owned()) });
    if let Some(fix) = fix
        && fix.claimed
        && !fix.verified
    {
        return harmful(&format!("a fix is called verified that is not: {}", fix.why));
    }
    let proven = matches!(answer.report.verdict, Verdict::Known | Verdict::Verified | Verdict::Confirmed);
    if proven && answer.named().is_some() && !answer.is_right() {
        return harmful("an innocent commit is called proven guilty");
    }
    if let (Some(harm), Some(named)) = (&truth.harm, answer.named())
        && answer.asserts()
        && harm.commits.iter().any(|commit| commit.eq_ignore_ascii_case(named))
    {
        return harmful(&harm.why);
    }
    Some(HarmGrade { harmful: false, why: None })
}
