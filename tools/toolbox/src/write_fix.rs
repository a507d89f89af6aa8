/*! Tool: writes a verified fix, as a patch file in the data folder or as a branch in the user's repository. */

use millwright_model::{CommitId, IncidentId};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use millwright_culprit::fixes::{self, FixCandidate, FixMessage};
use millwright_git::{self as git, PublishResult};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::candidates::FixCheck;
use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, candidates, propose_patch};

#[derive(Debug, Clone, Copy)]
pub struct WriteFix;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FixForm {
    /// A file in the data folder that `git am` and `git apply` accept.
    PatchFile,
    /// A new branch in the repository, one commit on top of the failing revision.
    Branch,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteFixArgs {
    /// The id of a candidate that `verify_fix` verified.
    pub candidate: String,
    /// What to write it as.
    #[serde(rename = "as")]
    pub form: FixForm,
    /// The branch's name, or the patch file's path below `fixes/` in the data folder (ending in `.patch`). Default:
    /// named after the incident.
    #[serde(default)]
    pub name: Option<String>,
}

/// Where a fix was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrittenFix {
    pub candidate: String,
    pub form: FixForm,
    /// Path of the file, or name of the branch.
    pub place: String,
    /// The branch's commit.
    pub commit: Option<CommitId>,
    /// An earlier attempt had written it.
    pub already: bool,
}

/// The artifact with the branches of this run and their commits.
const BRANCHES: &str = "branches.json";

/// The commit of a branch that this run made.
pub(super) fn branch_of_run(ctx: &ToolContext, name: &str) -> Option<CommitId> {
    let branches: BTreeMap<String, CommitId> = ctx.workbench.artifact(BRANCHES)?;
    branches.get(name).cloned()
}

impl Tool for WriteFix {
    type Args = WriteFixArgs;
    const NAME: &'static str = "write_fix";
    const EFFECT: Effect = Effect::WriteLocal;

    fn description(&self) -> String {
        "Writes a verified fix for people: as a patch file in the data folder, or as a new branch in their \
         repository whose commit message cites the incident and the proof. Work tree and current branch are \
         not touched. A person has to approve it."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: WriteFixArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| work(ctx, &args)).await
    }
}

fn work(ctx: &ToolContext, args: &WriteFixArgs) -> Result<ToolOutput, ToolError> {
    let candidate = candidates::named(ctx, &args.candidate)?;
    let check = candidates::verified(ctx, &candidate)?;
    let incident = ctx.workbench.incident.as_ref();
    let incident =
        incident.ok_or_else(|| ToolError::unavailable("there is no incident that this fix is for"))?;
    let commit = commit(ctx, incident, &candidate, &check)?;
    let name = || default_name(incident, &candidate);
    let written = match args.form {
        FixForm::PatchFile => {
            let name = args.name.clone().unwrap_or_else(|| format!("{}.patch", name()));
            patch_file(ctx, &candidate, &name, &commit)?
        }
        FixForm::Branch => {
            let name = args.name.clone().unwrap_or_else(|| format!("millwright/{}", name()));
            branch(ctx, &candidate, &name, &commit)?
        }
    };
    let already = if written.already { " (an earlier attempt had)" } else { "" };
    let text = match args.form {
        FixForm::PatchFile => format!("{} is written to {}{already}.", candidate.id, written.place),
        FixForm::Branch => format!(
            "{} is the branch {} at {}{already}. Nothing was checked out; `push_fix` can push it.",
            candidate.id,
            written.place,
            commit.short()
        ),
    };
    Ok(ToolOutput::new(text, written))
}

/// The fix as a commit on the failing revision, which says how it was proven.
fn commit(
    ctx: &ToolContext,
    incident: &IncidentId,
    candidate: &FixCandidate,
    check: &FixCheck,
) -> Result<CommitId, ToolError> {
    let about = FixMessage {
        incident,
        title: &ctx.ticket.title,
        why: propose_patch::rationale(ctx, &candidate.id),
        kind: candidate.kind,
        failure: ctx.workbench.shown().map(|shown| shown.failure.to_string()),
        tests: check.fix.tests,
        replays: check.judged_by.clone(),
    };
    Ok(fixes::commit(&ctx.repo, &ctx.bad, &candidate.diff, &about)?)
}

fn branch(
    ctx: &ToolContext,
    candidate: &FixCandidate,
    name: &str,
    commit: &CommitId,
) -> Result<WrittenFix, ToolError> {
    git::check_branch_name(name).map_err(ToolError::invalid)?;
    let already = match git::create_branch(&ctx.repo, name, commit, &ctx.bad)? {
        PublishResult::New => false,
        PublishResult::Already => true,
        PublishResult::Taken(there) => {
            return Err(ToolError::denied(format!(
                "the branch {name} exists already, at {}; choose another name",
                there
            )));
        }
    };
    let mut branches: BTreeMap<String, CommitId> = ctx.workbench.artifact(BRANCHES).unwrap_or_default();
    branches.insert(name.to_owned(), commit.clone());
    ctx.workbench.keep(BRANCHES, &branches)?;
    Ok(WrittenFix {
        candidate: candidate.id.clone(),
        form: FixForm::Branch,
        place: name.to_owned(),
        commit: Some(commit.to_owned()),
        already,
    })
}

fn patch_file(
    ctx: &ToolContext,
    candidate: &FixCandidate,
    name: &str,
    commit: &CommitId,
) -> Result<WrittenFix, ToolError> {
    let path = place(&ctx.data_dir.join("fixes"), name)?;
    let patch = fixes::as_patch(&ctx.repo, commit)?;
    let failed = |error: std::io::Error| {
        ToolError::unavailable(format!("{name} cannot be written in the data folder: {error}"))
    };
    let already = match fs::File::options().write(true).create_new(true).open(&path) {
        Ok(mut file) => {
            file.write_all(&patch).and_then(|()| file.sync_all()).map(|()| false).map_err(failed)?
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let same = fs::symlink_metadata(&path).is_ok_and(|file| file.is_file())
                && fs::read(&path).is_ok_and(|there| there == patch);
            if !same {
                return Err(ToolError::denied(format!("fixes/{name} exists already; choose another name")));
            }
            true
        }
        Err(error) => return Err(failed(error)),
    };
    Ok(WrittenFix {
        candidate: candidate.id.clone(),
        form: FixForm::PatchFile,
        place: path.display().to_string(),
        commit: None,
        already,
    })
}

/// A path below `folder` for a name somebody chose; its folders are made, and none may be a link that leads out.
fn place(folder: &Path, name: &str) -> Result<PathBuf, ToolError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(plain);
    if !name.split('/').all(part)
        || name.len() > 200
        || !(name.ends_with(".patch") || name.ends_with(".diff"))
    {
        return Err(ToolError::invalid(
            "`name` is a path below fixes/ in the data folder: letters, digits and ._- only, ending in .patch",
        ));
    }
    let path = folder.join(name);
    let parent = path.parent().unwrap_or(folder);
    let failed = |error: std::io::Error| {
        ToolError::unavailable(format!("the data folder cannot be written: {error}; is the disk full?"))
    };
    fs::create_dir_all(parent).map_err(failed)?;
    let (real, own) = (fs::canonicalize(parent).map_err(failed)?, fs::canonicalize(folder).map_err(failed)?);
    match real.starts_with(&own) {
        true => Ok(path),
        false => Err(ToolError::denied("that folder is a link that leads out of the data folder")),
    }
}

/// `fix-1a2b3c4d-patch_1`: of the incident's id the end, which tells incidents of one day apart.
fn default_name(incident: &IncidentId, candidate: &FixCandidate) -> String {
    let letters = incident.as_str().rsplit('_').next().unwrap_or_default();
    let end = letters.get(letters.len().saturating_sub(8)..).unwrap_or(letters);
    format!("fix-{end}-{}", candidate.id)
}

#[cfg(test)]
#[path = "write_fix_tests.rs"]
mod tests;
