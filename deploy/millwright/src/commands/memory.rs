/*!
`millwright memory`: inspects and manages remembered incidents.
*/

#[path = "memory_import.rs"]
mod import;
#[path = "memory_weights.rs"]
mod weights;

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use millwright_agent::report::remembered_fix_sentences;
use millwright_model::terminal_code::readable;
use millwright_model::{Approval, Outcome, Proof, Resolution, Timestamp};
use millwright_recall::vectors::migrate;
use millwright_store::vectors::catch_up;
use millwright_store::{
    Actor, ExportSummary, FeedbackAuthor, FeedbackRights, MemoryEntry, MemoryFilter, MemoryItem, Store,
};
use millwright_usecases::{
    AnswerJudgement, MAX_NOTE_CHARS, Principal, SilentNotifier, UseCaseError, UseCases,
};
use serde::Serialize;

use crate::cli::{ListFormat, MemoryArguments, MemoryCommand};
use crate::config::Config;
use crate::{dense, wiring};

pub(super) async fn run(arguments: MemoryArguments) -> Result<ExitCode> {
    let config = wiring::config(arguments.config.as_deref(), None)?;
    let data_dir = wiring::data_dir(&arguments.data, &config)?;
    let store = dense::attach(wiring::open_store(&data_dir, &config).await?, &config).await?;
    let format = arguments.format;
    let mut code = ExitCode::SUCCESS;
    match arguments.command {
        MemoryCommand::List { limit } => {
            let items = store.list_memory(&MemoryFilter { limit, ..MemoryFilter::default() }).await?;
            show(format, &items, || list(&items))?;
        }
        MemoryCommand::Search { query, limit } => {
            let items = store.search_memory(&query, limit).await?;
            show(format, &items, || match items.is_empty() {
                true => format!("No remembered incident matches {:?}.\n", clean(&query, 80)),
                false => list(&items),
            })?;
        }
        MemoryCommand::Show { incident } => {
            let id = store.resolve_incident_id(&incident).await?;
            let entry = store.show_memory(id.as_str()).await?;
            show(format, &entry, || entry_text(&entry))?;
        }
        MemoryCommand::Confirm { incident, note } => {
            judge(&use_cases(&store, &config)?, &store, &incident, (true, &note), format).await?;
        }
        MemoryCommand::Reject { incident, note } => {
            judge(&use_cases(&store, &config)?, &store, &incident, (false, &note), format).await?;
        }
        MemoryCommand::Forget { incident } => {
            let id = store.resolve_incident_id(&incident).await?;
            // Anyone who can reach the database may do everything here.
            let owner = Principal { name: wiring::person(), ..Principal::anonymous() };
            use_cases(&store, &config)?.forget(&owner, &id).await?;
            show(format, &serde_json::json!({ "forgotten": id }), || format!("{id} is forgotten\n"))?;
        }
        MemoryCommand::Weights { command } => weights::run(&store, command, format).await?,
        MemoryCommand::Migrate { to } => {
            let engine = match dense::engine(&to, &config)? {
                Some(engine) => engine,
                None => store.embedded_engine(),
            };
            let moved = migrate(&store, engine).await?;
            let said = || {
                format!(
                    "{} vectors moved, {} of them verified; set vectors.url = {to:?} to use them\n",
                    moved.points, moved.samples
                )
            };
            show(format, &moved, said)?;
        }
        MemoryCommand::Export { out } => {
            let mut lines = Vec::new();
            let ExportSummary { incidents, key, .. } = store.export(&mut lines).await?;
            let lines = String::from_utf8_lossy(&lines);
            match out.is_none() && std::io::stdout().is_terminal() {
                true => wiring::emit(&lines, None)?,
                false => wiring::emit_exactly(&lines, out.as_deref())?,
            }
            if out.is_some() {
                let said = || {
                    format!(
                        "{incidents} incidents exported, signed with the key\n  {key}\nWhere it is imported, --trust KEY \
                         or store.trusted_keys lets its proof count.\n"
                    )
                };
                show(format, &serde_json::json!({ "exported": incidents, "key": key }), said)?;
            }
        }
        MemoryCommand::Expire { days, dry_run } => {
            let days = days.or(config.options.store.unproven_retention_days).context(
                "nothing expires by itself: give --days, or set store.unproven_retention_days in millwright.toml",
            )?;
            let before = days_ago(days)?;
            let gone = match dry_run {
                true => store.due(before).await?,
                false => store.expire(before, Actor { who: &wiring::person(), why: "retention" }).await?,
            };
            if let Err(error) = catch_up(&store, 0).await {
                eprintln!(
                    "their vectors could not be removed from the server now; this is tried again later: {error}"
                );
            }
            show(format, &serde_json::json!({ "forgotten": gone, "dry_run": dry_run }), || {
                let verb = if dry_run { "would be forgotten" } else { "are forgotten" };
                format!("{} incidents without any proof for {days} days {verb}\n", gone.len())
            })?;
        }
        MemoryCommand::Import(arguments) => {
            code = import::run(&store, arguments, &config, &data_dir, format).await?;
        }
    }
    store.close().await;
    Ok(code)
}

/// The same use cases as in every other channel. This process has no other readers to notify.
pub(super) fn use_cases(store: &Store, config: &Config) -> Result<UseCases> {
    let redactor = Arc::new(wiring::redactor(config)?);
    Ok(UseCases::new(store.clone(), redactor, Arc::new(SilentNotifier)))
}

async fn judge(
    use_cases: &UseCases,
    store: &Store,
    incident: &str,
    (is_confirmed, note): (bool, &str),
    format: ListFormat,
) -> Result<()> {
    let id = store.resolve_incident_id(incident).await?;
    let person = wiring::person();
    // The audit log stores no more than this.
    let note: String = note.chars().take(MAX_NOTE_CHARS).collect();
    let judge = FeedbackAuthor::new(Actor { who: &person, why: &note }, FeedbackRights::OWNER);
    let judged = use_cases.judge(judge, AnswerJudgement::of_best(&id, is_confirmed)).await;
    let judged = judged.map_err(|error| match error {
        UseCaseError::NothingToJudge => anyhow::anyhow!(
            "{id} has no resolution to confirm or reject; `millwright memory show {id}` shows what is known, and \
             `--note \"it was COMMIT\"` names the cause"
        ),
        UseCaseError::Store(error) => error.into(),
        other => other.into(),
    })?;
    show(format, &judged.resolution(), || {
        let standing = judged.judged.as_ref().map(|known| format!("{id}: {}\n", trust(known)));
        let correction = judged.corrected_to().map(|commit| {
            format!("Recorded as the cause: commit {commit}. It is checked again before it is reported as known.\n")
        });
        standing.into_iter().chain(correction).collect()
    })
}

/// The time in the format of memory.
fn days_ago(days: u32) -> Result<Timestamp> {
    let span = jiff::SignedDuration::from_hours(24 * i64::from(days));
    let at = jiff::Timestamp::now().checked_sub(span).context("that many days ago is out of range")?;
    Ok(at.into())
}

pub(super) fn show<T: Serialize>(format: ListFormat, value: &T, text: impl FnOnce() -> String) -> Result<()> {
    let out = match format {
        ListFormat::Json => format!("{}\n", serde_json::to_string_pretty(value)?),
        ListFormat::Text => text(),
    };
    wiring::emit(&out, None)
}

fn list(items: &[MemoryItem]) -> String {
    if items.is_empty() {
        return "Nothing is remembered here yet. `millwright investigate` stores what it proves.\n".into();
    }
    let mut out = String::new();
    for item in items {
        let title = clean(&item.title, 80);
        let _ = writeln!(out, "{}  {}  {title}", item.incident_id, item.created_at.day());
        if let Some(repository) = &item.repository {
            let _ = writeln!(out, "    in {}", clean(repository.as_str(), 200));
        }
        match item.resolutions.first() {
            Some(best) => {
                let refuted = match item.refuted {
                    0 => String::new(),
                    n => format!("; {n} ideas refuted"),
                };
                let _ = writeln!(out, "    {}{refuted}", trust(best));
                let _ = writeln!(out, "    {}", clean(&best.statement, 200));
                if let Some(command) = replay_command(best) {
                    let _ = writeln!(out, "    replay {}", clean(command, 200));
                }
                if !best.fix_diff.is_empty() {
                    let _ = writeln!(out, "    fix of {} lines", best.fix_diff.lines().count());
                }
                if let Some(said) = contradiction(&item.resolutions) {
                    let _ = writeln!(out, "    {said}");
                }
            }
            None => {
                let _ = writeln!(out, "    no resolution; {} ideas refuted", item.refuted);
            }
        }
    }
    out
}

fn replay_command(resolution: &Resolution) -> Option<&str> {
    resolution.replay.as_ref().and_then(|recipe| recipe["command"].as_str())
}

/// Most lines of a fix that are shown.
const MOST_DIFF_LINES: usize = 60;

fn entry_text(entry: &MemoryEntry) -> String {
    let incident = &entry.incident;
    let title = clean(&incident.ticket.title, 200);
    let mut out = format!("{}  {}\n{title}\n", incident.id, incident.created_at.day());
    if let Some(repository) = &incident.repository {
        let _ = writeln!(out, "in {}", clean(repository.as_str(), 200));
    }
    if let Some(error) = incident.ticket.errors.first() {
        let _ = writeln!(out, "error: {}", clean(&error.message, 200));
    }
    if let Some(said) = contradiction(&entry.resolutions) {
        let _ = writeln!(out, "{said}");
    }
    for resolution in &entry.resolutions {
        let _ = writeln!(out, "\nresolution {}\n  {}", resolution.id, clean(&resolution.statement, 400));
        let _ = writeln!(out, "  {}", trust(resolution));
        if let Some(repository) = &resolution.repository {
            let _ = writeln!(out, "  repository {}", clean(repository.as_str(), 200));
        }
        if let Some(culprit) = &resolution.culprit {
            let _ = writeln!(out, "  culprit {}", clean(culprit, 64));
        }
        if let Some(command) = replay_command(resolution) {
            let _ = writeln!(out, "  replay {}", clean(command, 400));
        }
        for unit in &resolution.units {
            let _ = writeln!(out, "  in {}", clean(unit, 200));
        }
        if !resolution.fix_diff.is_empty() {
            let lines = resolution.fix_diff.lines().count();
            let _ = writeln!(out, "  fix of {lines} lines");
            for sentence in remembered_fix_sentences(resolution) {
                let _ = writeln!(out, "    {}", clean(&sentence, 400));
            }
            for line in resolution.fix_diff.lines().take(MOST_DIFF_LINES) {
                let _ = writeln!(out, "    {}", clean(line, 400));
            }
            if lines > MOST_DIFF_LINES {
                let _ = writeln!(out, "    … {} more lines with --format json", lines - MOST_DIFF_LINES);
            }
        }
    }
    if !entry.hypotheses.is_empty() {
        out.push_str("\nideas\n");
        for idea in &entry.hypotheses {
            let status = serde_json::to_value(idea.hypothesis.status).unwrap_or_default();
            let statement = clean(&idea.hypothesis.statement, 160);
            let _ = writeln!(out, "  {:<9} {statement}", status.as_str().unwrap_or(""));
        }
    }
    if !entry.recurrences.is_empty() {
        let _ = writeln!(out, "\nthe same problem: {}", clean(&entry.recurrences.join(", "), 2000));
    }
    out.push_str("\nhistory\n");
    for audit in &entry.audit {
        let after = clean(audit.after.as_deref().unwrap_or(""), 120);
        let note = audit.note.as_deref().map(|note| clean(note, 120)).unwrap_or_default();
        let (actor, action) = (clean(&audit.actor, 80), clean(&audit.action, 40));
        let _ = writeln!(out, "  {}  {actor} {action} {after} {note}", audit.at.day());
    }
    out
}

/// The commits named as the culprit and not rejected, if there are several.
fn contradiction(resolutions: &[Resolution]) -> Option<String> {
    let standing = resolutions.iter().filter(|known| known.approval != Approval::Rejected);
    let named: std::collections::BTreeSet<&str> =
        standing.filter_map(|known| known.culprit.as_deref()).collect();
    let short = |commit: &&str| clean(commit, 12);
    let list = named.iter().take(5).map(short).collect::<Vec<_>>().join(", ");
    (named.len() > 1)
        .then(|| format!("contradicting: {} culprits are named ({list}); reject what is wrong", named.len()))
}

/// Why a resolution is trusted, in one line.
fn trust(resolution: &Resolution) -> String {
    let proof = match resolution.proof {
        Proof::None => "not proven",
        Proof::Reproduced => "failure reproduced, cause not proven",
        Proof::CauseConfirmed => "cause confirmed by replay",
        Proof::FixVerified => "fix verified",
    };
    let by = clean(resolution.approved_by.as_deref().unwrap_or("a person"), 80);
    let approval = match resolution.approval {
        Approval::None => String::new(),
        Approval::Confirmed if !resolution.approval_suffices => format!(", confirmed by {by} alone"),
        Approval::Confirmed => format!(", confirmed by {by}"),
        Approval::Rejected => format!(", rejected by {by}"),
    };
    let outcome = match resolution.outcome {
        Outcome::Unknown => "",
        Outcome::Shipped => ", shipped",
        Outcome::Recurred => ", came back",
    };
    let trusted = if resolution.is_trusted() { "trusted" } else { "not trusted" };
    format!("{trusted}: {proof}{approval}{outcome}")
}

/// One bounded line of hostile text, without terminal escape codes. The lines of a fix keep their indentation.
pub(super) fn clean(text: &str, most: usize) -> String {
    let line = readable(text).replace('\n', " ").replace('\t', "    ");
    match line.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(culprit: Option<&str>, approval: Approval) -> Resolution {
        Resolution {
            id: "res_1".parse().unwrap(),
            incident_id: "inc_1".parse().unwrap(),
            repository: None,
            statement: "the sign is wrong".into(),
            culprit: culprit.map(str::to_owned),
            units: vec![],
            failing_revision: String::new(),
            fix_diff: String::new(),
            fix_kind: None,
            fix_checks: None,
            failed_fixes: Vec::new(),
            replay: None,
            proof: Proof::None,
            approval,
            approved_by: None,
            approval_authority: None,
            approval_suffices: false,
            outcome: Outcome::Unknown,
            created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn contradictions_are_shown_until_one_is_rejected() {
        let (a, b) = (known(Some("aaaa"), Approval::Confirmed), known(Some("bbbb"), Approval::None));
        let said = contradiction(&[a.clone(), b.clone()]).unwrap();
        assert!(said.contains("2 culprits are named (aaaa, bbbb)"), "{said}");
        assert_eq!(contradiction(&[a.clone(), a.clone(), known(None, Approval::None)]), None);
        let rejected = Resolution { approval: Approval::Rejected, ..b.clone() };
        assert_eq!(contradiction(&[a, rejected]), None);
        let item = MemoryItem {
            incident_id: "inc_1".parse().unwrap(),
            created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            state: millwright_store::IncidentState::Done,
            repository: None,
            service: None,
            problem_id: None,
            title: "Totals".into(),
            resolutions: vec![b],
            refuted: 2,
            score: None,
        };
        assert!(list(std::slice::from_ref(&item)).contains("not trusted: not proven; 2 ideas refuted\n"));
        let known = Resolution {
            replay: Some(serde_json::json!({ "command": "sh check.sh" })),
            fix_diff: "-1\n+2\n".into(),
            ..item.resolutions[0].clone()
        };
        let said = list(&[MemoryItem {
            repository: Some("acme/shop".parse().unwrap()),
            resolutions: vec![known],
            ..item
        }]);
        for words in ["in acme/shop\n", "replay sh check.sh\n", "fix of 2 lines\n"] {
            assert!(said.contains(words), "{words:?} is not said: {said}");
        }
    }
}
