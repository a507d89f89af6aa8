/*!
Prepares a channel's request: opens the repository, resolves revisions, reads the ticket and plans the replay. All
errors in the input are found here, before anything runs.
*/

use std::path::PathBuf;
use std::sync::Arc;

use millwright_code::CodeIndex;
use millwright_git::{self as git, Repo, RepoError};
use millwright_ingest as ingest;
use millwright_model::{CommitId, Evidence, IncidentId, ParsedTicket, RunId};
use millwright_redaction::Redactor;
use millwright_replay as replay;
use millwright_replay::ReplayRecipe;
use millwright_store::private::make_private_folder;

use super::request::{InvestigateError, InvestigationRequest, ReplayChoice};
use crate::journal::JournalError;
use crate::run::{ReplayPlan, RunRequest};

pub(crate) struct PreparedInvestigation {
    pub(crate) repo: Repo,
    pub(crate) request: RunRequest,
    /// The log file of an input that is too long for a ticket; it exists as long as the run can continue, like the
    /// run's folder.
    pub(crate) ticket_file: Option<PathBuf>,
}

/// Opens the repository, resolves revisions and reads the ticket: all errors in the input are found here, before
/// anything runs.
pub(crate) async fn prepare(
    options: &InvestigationRequest,
    keeps: bool,
    redactor: Arc<Redactor>,
) -> Result<PreparedInvestigation, InvestigateError> {
    let mut options = options.clone();
    let work = move || -> Result<PreparedInvestigation, InvestigateError> {
        make_private_folder(&options.data_dir)
            .map_err(|source| InvestigateError::DataDir { path: options.data_dir.clone(), source })?;
        let repo = Repo::open(&options.repo, &options.data_dir)?;
        let bad = repo.resolve(&options.bad)?;
        let good = options.good.as_deref().map(|good| repo.resolve(good)).transpose()?;
        match &good {
            Some(good) => repo.require_ancestor(good, &bad)?,
            // The oldest commit of a shallow clone appears to add every file.
            None if repo.is_shallow() => {
                return Err(RepoError::Shallow { path: repo.path().to_owned() }.into());
            }
            None => {}
        }
        if let Some(missing) = options.logs.iter().find(|path| !path.exists()) {
            return Err(InvestigateError::NoLogs(missing.clone()));
        }
        if options.incident.is_none() && options.ticket.iter().all(u8::is_ascii_whitespace) {
            return Err(InvestigateError::EmptyTicket);
        }
        if options.incident.is_none()
            && let Some(what) = ingest::binary_kind(&options.ticket)
        {
            // With a replay there is a failure, even if the ticket describes none.
            if !matches!(options.replay, ReplayChoice::Given(_)) {
                return Err(InvestigateError::NoTextTicket(what));
            }
            options.ticket = format!("The ticket is {what}; none of it was read.\n").into_bytes();
        }
        let mut ticket = take_in(&options, &repo, &bad, &redactor)?;
        ticket.notes.extend(options.notes.iter().cloned());
        let mut logs: Vec<PathBuf> =
            options.logs.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect();
        let is_too_long = options.incident.is_none() && options.ticket.len() > ingest::LARGEST_TICKET;
        let ticket_file = is_too_long.then(|| keep_whole(&options)).transpose()?;
        if let Some(file) = &ticket_file {
            logs.push(file.clone());
            ticket.notes.push("The whole ticket was searched as a log.".to_owned());
        }
        let mut replay = plan_replay(&options, &ticket);
        if let ReplayPlan::Recipe(recipe) = &mut replay {
            ticket.notes.extend(lay_files(&options, &repo, &bad, recipe)?);
            let limits = &options.sandbox.limits;
            if recipe.is_lowered_by(limits) {
                ticket.notes.push(format!(
                    "The replay asks for {} s and gets {} s, the most that wall_s in [sandbox] allows.",
                    recipe.timeout_s,
                    limits.wall.as_secs()
                ));
            }
        }
        let request = RunRequest {
            run_id: RunId::from_bits(uuid::Uuid::now_v7().as_u128()),
            incident_id: IncidentId::from_bits(uuid::Uuid::now_v7().as_u128()),
            ticket,
            repo: repo.path().to_owned(),
            repository: repo.identity()?,
            bad,
            good,
            logs,
            replay,
            tests: options.tests,
            planner: String::new(),
            unattended: false,
            runs_nothing: matches!(options.replay, ReplayChoice::Off),
            budget: options.budget,
            use_memory: options.use_memory && keeps,
            jobs: options.jobs.max(1),
        };
        Ok(PreparedInvestigation { repo, request, ticket_file })
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(prepared) => prepared,
        Err(error) => Err(JournalError::Unreadable(format!("reading the input failed: {error}")).into()),
    }
}

/// Stores an input that is too long for a ticket as a log file, named by its content, so that a resumed run finds the
/// same file.
fn keep_whole(options: &InvestigationRequest) -> Result<PathBuf, InvestigateError> {
    let folder = options.data_dir.join("tickets");
    let path = folder.join(format!("{}.log", Evidence::hash(&String::from_utf8_lossy(&options.ticket))));
    let failed = |source| InvestigateError::DataDir { path: path.clone(), source };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    std::fs::write(&path, &options.ticket).map_err(failed)?;
    Ok(path.canonicalize().unwrap_or(path))
}

/// Adds the files to the recipe that must be laid over every checkout: the requested ones, and those that the command
/// names and that are not committed. Returns notes for the reader of the report.
fn lay_files(
    options: &InvestigationRequest,
    repo: &Repo,
    bad: &CommitId,
    recipe: &mut ReplayRecipe,
) -> Result<Vec<String>, InvestigateError> {
    /// Maximum number of files named in a note.
    const NAMED: usize = 5;
    for given in &options.recipes.overlay {
        recipe.files.extend(replay::load_overlay(repo, given, repo.path())?);
    }
    let mut notes = Vec::new();
    let is_head = repo.resolve("HEAD").is_ok_and(|head| head == *bad);
    let (Some(work_tree), true) = (repo.work_tree(), is_head) else { return Ok(notes) };
    let is_laid = |recipe: &ReplayRecipe, path: &str| recipe.files.iter().any(|file| file.path == path);
    let on_disk = |path: &str| work_tree.join(path).is_file();
    for path in replay::named_files(&recipe.command, on_disk) {
        if is_laid(recipe, &path) || git::exists_at(repo, bad, &path)? {
            continue;
        }
        recipe.files.extend(replay::load_overlay(repo, &path, &work_tree)?);
        notes.push(format!(
            "{path} is not committed; it was laid over every checkout, since the replay names it"
        ));
    }
    let mut unseen = git::uncommitted(repo, bad)?;
    unseen.retain(|path| !is_laid(recipe, path));
    if !unseen.is_empty() {
        let more = unseen.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        unseen.truncate(NAMED);
        notes.push(format!(
            "uncommitted changes were ignored: {}{more}; --overlay PATH lays a file over every checkout",
            unseen.join(", ")
        ));
    }
    Ok(notes)
}

/// Parses a ticket as far as possible without its repository; no part of it is unmasked.
pub fn read_ticket(bytes: &[u8], name: Option<&str>, redactor: &Redactor) -> ParsedTicket {
    match ingest::readable_text(bytes) {
        Some(readable) => {
            let mut ticket = read_text(readable.text.as_bytes(), None, redactor);
            ticket.notes.extend(readable.notes);
            ticket
        }
        None => read_text(bytes, name, redactor),
    }
}

fn read_text(bytes: &[u8], name: Option<&str>, redactor: &Redactor) -> ParsedTicket {
    // Redact before parsing, so that no part of the parsed ticket can contain text that the redacted ticket does not.
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= ingest::LARGEST_TICKET => {
            ingest::parse_named(redactor.redact(text).text.as_bytes(), name)
        }
        _ => {
            let readable = ingest::parse_named(bytes, name);
            let mut ticket = ingest::parse_named(redactor.redact(&readable.text).text.as_bytes(), None);
            ticket.notes.extend(readable.notes);
            ticket
        }
    }
}

fn take_in(
    options: &InvestigationRequest,
    repo: &Repo,
    bad: &CommitId,
    redactor: &Redactor,
) -> Result<ParsedTicket, InvestigateError> {
    let mut ticket = match &options.incident {
        Some(accepted) => accepted.ticket.clone(),
        None => read_ticket(&options.ticket, options.ticket_name.as_deref(), redactor),
    };
    let files = ingest::RepoFiles::new(git::files_at(repo, bad)?.into_iter());
    ingest::map_frames(&mut ticket, &files);
    let code = CodeIndex::new();
    ingest::name_symbols(&mut ticket, |path, line| {
        code.enclosing(repo, bad, path, line).ok().flatten().map(|symbol| symbol.qualified)
    });
    ticket.fingerprint = ingest::fingerprint(&ticket);
    Ok(ticket)
}

fn plan_replay(options: &InvestigationRequest, ticket: &ParsedTicket) -> ReplayPlan {
    match &options.replay {
        ReplayChoice::Given(recipe) => ReplayPlan::Recipe(recipe.clone()),
        ReplayChoice::Off => ReplayPlan::None("replays were switched off".into()),
        ReplayChoice::Derive => match replay::derive_recipe(&options.recipes, ticket) {
            Ok(recipe) => ReplayPlan::Recipe(Box::new(recipe)),
            Err(because) => ReplayPlan::None(because.to_string()),
        },
    }
}
