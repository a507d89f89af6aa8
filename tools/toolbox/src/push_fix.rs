/*! Tool: pushes a branch that `write_fix` made to a remote that the configuration declares for the repository. */

use millwright_git::{self as git, PublishResult};
use millwright_model::CommitId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::write_fix::branch_of_run;
use super::{Effect, Tool, ToolContext, ToolError, ToolOutput};

#[derive(Debug, Clone, Copy)]
pub struct PushFix;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushFixArgs {
    /// A branch that `write_fix` made in this run.
    pub branch: String,
    /// The name of a remote declared for this repository. Addresses are not accepted.
    pub remote: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PushResult {
    pub branch: String,
    pub remote: String,
    pub commit: CommitId,
    /// The remote had it: an earlier attempt arrived.
    pub already: bool,
}

impl Tool for PushFix {
    type Args = PushFixArgs;
    const NAME: &'static str = "push_fix";
    const EFFECT: Effect = Effect::WriteExternal;

    fn description(&self) -> String {
        "Pushes a branch made by `write_fix` to a remote declared for this repository, without force. A \
         person has to approve it. Called again, it checks whether the remote has the commit and does not \
         push twice."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: PushFixArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| work(ctx, &args)).await
    }
}

fn work(ctx: &ToolContext, args: &PushFixArgs) -> Result<ToolOutput, ToolError> {
    let remotes = &ctx.workbench.remotes;
    let url = remotes.get(&args.remote).ok_or_else(|| {
        let names: Vec<&str> = remotes.keys().map(String::as_str).collect();
        ToolError::not_found(match names.is_empty() {
            true => {
                "no remote is declared for this repository, so nothing can be pushed from here".to_owned()
            }
            false => format!("no remote {:?} is declared; there are: {}", args.remote, names.join(", ")),
        })
    })?;
    git::check_remote(url).map_err(ToolError::unavailable)?;
    let commit = branch_of_run(ctx, &args.branch).ok_or_else(|| {
        ToolError::denied(format!(
            "{:?} is not a branch that this run wrote; `write_fix` creates one",
            args.branch
        ))
    })?;
    // Push the commit that was verified and approved, even if the branch has moved since.
    let already = match git::push(&ctx.repo, url, &args.branch, &commit)? {
        PublishResult::New => false,
        PublishResult::Already => true,
        PublishResult::Taken(there) => {
            return Err(ToolError::denied(format!(
                "{} has a branch {} already, at {}; it is not overwritten",
                args.remote, args.branch, there
            )));
        }
    };
    let how = if already { "had already" } else { "now has" };
    let text = format!("{} {how} the branch {} at {}.", args.remote, args.branch, commit.short());
    let pushed = PushResult { branch: args.branch.clone(), remote: args.remote.clone(), commit, already };
    Ok(ToolOutput::new(text, pushed))
}
