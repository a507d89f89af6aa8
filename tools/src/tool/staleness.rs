/*!
Whether the code that a remembered resolution speaks of was rewritten since it was proven. Such knowledge is not wrong,
but it is about lines that are no longer there: it is shown as stale and has to be checked before anything else.
*/

use millwright_memory::recall::Recalled;
use millwright_memory::types::{LineSpan, Resolution};

use super::recheck::removed_lines;
use super::{ToolContext, ToolError};
use crate::git;

/// Places of a fix that are looked up; more would not change the answer.
const PLACES: usize = 5;

/// Lowers the trust of precedents whose guilty lines were rewritten, and says so.
pub(super) async fn mark(ctx: &ToolContext, mut found: Vec<Recalled>) -> Result<Vec<Recalled>, ToolError> {
    ctx.blocking(move |ctx| {
        for recalled in &mut found {
            let Some(reason) = recalled.resolutions.first().and_then(|best| rewritten(ctx, best)) else {
                continue;
            };
            recalled.why.push(format!("stale: {reason}, check it first"));
            recalled.trust.outdate(reason);
        }
        Ok(found)
    })
    .await
}

/// Says which of the guilty lines are no longer what they were. What cannot be looked up says nothing.
fn rewritten(ctx: &ToolContext, known: &Resolution) -> Option<String> {
    let then = ctx.visible(Some(&known.failing_revision)).ok()?;
    if then == ctx.bad {
        return None;
    }
    removed_lines(&known.fix_diff).into_iter().take(PLACES).find_map(|at| {
        let span = LineSpan { start: at.start_line, end: at.end_line };
        match git::map_lines(&ctx.repo, &at.path, span, &then, &ctx.bad, &ctx.cancel) {
            Ok(None) => Some(format!("{} is gone since", at.path)),
            Ok(Some(now)) if now.changed => {
                Some(format!("{}:{} was rewritten since", at.path, at.start_line))
            }
            Ok(Some(_)) | Err(_) => None,
        }
    })
}
