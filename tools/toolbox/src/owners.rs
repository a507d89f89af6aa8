/*! Tool: whom can you ask about code? */

use millwright_git as git;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput};

#[derive(Debug, Clone, Copy)]
pub struct WhoOwns;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnersArgs {
    /// Paths inside the repository; `commit:<id>` stands for the files that commit changed.
    pub paths: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OwnersTool {
    pub to: Option<String>,
    pub because: String,
    /// Everybody found, best first.
    pub all: Vec<String>,
}

impl Tool for WhoOwns {
    type Args = OwnersArgs;
    const NAME: &'static str = "owners";
    const EFFECT: Effect = Effect::ReadRepository;

    fn description(&self) -> String {
        "Who knows this code: CODEOWNERS at the failing revision, then who changed it most and latest.".into()
    }

    async fn run(&self, ctx: &ToolContext, args: OwnersArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| {
            let mut paths = Vec::new();
            for path in &args.paths {
                match path.strip_prefix("commit:") {
                    Some(commit) => {
                        let commit = ctx.visible(Some(commit))?;
                        let detail = git::show(&ctx.repo, &commit, &[], 0, &ctx.cancel)?;
                        paths.extend(detail.diff.files.into_iter().map(|change| change.path).take(5));
                    }
                    None => paths.push(path.clone()),
                }
            }
            let contacts = git::who_to_ask(&ctx.repo, &ctx.bad, &paths, &ctx.cancel)?;
            let owners = OwnersTool {
                to: contacts.first().map(|contact| contact.who.clone()),
                because: contacts.first().map(|contact| contact.because.clone()).unwrap_or_default(),
                all: contacts.iter().map(|contact| contact.who.clone()).collect(),
            };
            let lines: Vec<String> =
                contacts.iter().map(|contact| format!("{}: {}", contact.who, contact.because)).collect();
            Ok(ToolOutput::new(lines.join("\n"), owners))
        })
        .await
    }
}
