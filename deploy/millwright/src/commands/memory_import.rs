/*!
`millwright memory import`: imports an export of a memory, or older knowledge: closed tickets as JSON lines, and
postmortems as Markdown files. The first line of a file shows which of these it is.
*/

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use millwright_git::Repo;
use millwright_ingest::{RecordFieldMap, of_markdown, of_record};
use millwright_model::PastIncident;
use millwright_model::terminal_code::readable;
use millwright_redaction::Redactor;
use millwright_store::{
    Actor, ImportOptions, ImportSummary, ImportTrust, PastSummary, Store, past_incident_id, signer_of,
};
use serde::Serialize;
use serde_json::Value;

use super::show;
use crate::cli::{ImportArguments, ListFormat};
use crate::config::Config;
use crate::wiring;

/// Entries stored in one batch: the most that an interruption can lose.
const BATCH: usize = 500;
/// Longest line in bytes; a longer one is not a ticket.
const MOST_LINE: u64 = 16 * 1024 * 1024;
/// Most bad records that are named one by one.
const MOST_NAMED: u64 = 1_000;

/// The results for all files.
#[derive(Debug, Default, Serialize)]
struct Done {
    /// Results for exports of a memory.
    exported: ImportSummary,
    /// Results for files of other systems.
    past: PastSummary,
    /// Records that could not be read; standard error names each.
    bad_records: u64,
}

pub(super) async fn run(
    store: &Store,
    arguments: ImportArguments,
    config: &Config,
    data_dir: &Path,
    format: ListFormat,
) -> Result<ExitCode> {
    let by = wiring::person();
    let by = Actor { who: &by, why: "memory import" };
    let mut fields = RecordFieldMap::default();
    for mapped in &arguments.map {
        fields.name(mapped).map_err(|error| anyhow::anyhow!("--map: {error}"))?;
    }
    fields.source = arguments.source.clone().unwrap_or_default();
    if let Some(path) = &arguments.repo {
        fields.repository = Some(Repo::open(path, data_dir)?.identity()?);
    }
    let masks = wiring::redactor(config)?;
    let redactor = masks.for_run();
    let own_key = store.export_key().await?;
    let mut past = Past {
        store,
        by,
        dry_run: arguments.dry_run,
        fields,
        redactor,
        batch: Vec::new(),
        seen: HashSet::new(),
        done: PastSummary::default(),
        bad: 0,
    };
    let mut exported = ImportSummary::default();
    for path in &arguments.files {
        let open =
            || std::fs::File::open(path).with_context(|| format!("{} cannot be opened", path.display()));
        if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("md")) {
            past.postmortem(path, open()?).await?;
        } else if arguments.source.is_none() && arguments.map.is_empty() && is_export(open()?)? {
            // With `source` or `map` the user says that the file comes from another system. That is believed, even if the
            // file looks like an export. The import reads the bytes that were verified: a copy of our own.
            let mut copy = tempfile::tempfile_in(data_dir).context("a copy of the file cannot be made")?;
            std::io::copy(&mut open()?, &mut copy).context("a copy of the file cannot be made")?;
            copy.rewind()?;
            let trust = trust(&own_key, &mut BufReader::new(&copy), path, &arguments, config, &masks)?;
            copy.rewind()?;
            let options = ImportOptions { dry_run: arguments.dry_run, trust };
            let done = store.import(&mut BufReader::new(&copy), options, by).await;
            add(&mut exported, done.with_context(|| path.display().to_string())?);
        } else {
            past.tickets(path, BufReader::new(open()?)).await?;
        }
    }
    past.keep().await?;
    let done = Done { exported, past: past.done, bad_records: past.bad };
    show(format, &done, || said(&done, arguments.dry_run))?;
    Ok(if done.bad_records == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Past<'s> {
    store: &'s Store,
    by: Actor<'s>,
    dry_run: bool,
    fields: RecordFieldMap,
    redactor: Redactor,
    batch: Vec<PastIncident>,
    /// A dry run writes nothing, so it remembers here which records it has already named.
    seen: HashSet<String>,
    done: PastSummary,
    bad: u64,
}

impl Past<'_> {
    async fn tickets(&mut self, path: &Path, mut input: BufReader<std::fs::File>) -> Result<()> {
        let mut line = Vec::new();
        for number in 1u64.. {
            line.clear();
            let read = (&mut input).take(MOST_LINE).read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            if read as u64 == MOST_LINE && line.last() != Some(&b'\n') {
                bail!("{}:{number}: longer than {MOST_LINE} bytes, too long for a ticket", path.display());
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let record = serde_json::from_slice::<Value>(&line).map_err(|error| format!("not JSON: {error}"));
            let read = record.and_then(|record| of_record(&record, &self.fields, &self.redactor));
            self.take(read, &format!("{}:{number}", path.display())).await?;
        }
        Ok(())
    }

    async fn postmortem(&mut self, path: &Path, input: std::fs::File) -> Result<()> {
        let mut text = Vec::new();
        input.take(MOST_LINE).read_to_end(&mut text)?;
        let read = of_markdown(&String::from_utf8_lossy(&text), &self.fields, &self.redactor);
        self.take(read, &path.display().to_string()).await
    }

    async fn take(&mut self, read: Result<PastIncident, String>, place: &str) -> Result<()> {
        match read {
            Ok(one) => {
                if self.dry_run && !self.seen.insert(past_incident_id(&one).into()) {
                    self.done.known_incidents += 1;
                    return Ok(());
                }
                self.batch.push(one);
            }
            Err(why) => {
                self.bad += 1;
                if self.bad <= MOST_NAMED {
                    eprintln!("{}", readable(&format!("{place}: {why}")));
                }
            }
        }
        if self.batch.len() >= BATCH { self.keep().await } else { Ok(()) }
    }

    async fn keep(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let kept = self.store.take_in_past(&self.batch, self.dry_run, self.by).await;
        self.done
            .add(kept.context("the records before are imported; repeat the import to continue from there")?);
        self.batch.clear();
        let so_far = self.done.new_incidents + self.done.known_incidents + self.done.forgotten;
        if so_far >= BATCH as u64 {
            eprintln!("{so_far} records so far");
        }
        Ok(())
    }
}

/// How much the proof levels of an export count here: it depends on the key that signed it.
fn trust<'m>(
    own: &str,
    input: &mut dyn BufRead,
    path: &Path,
    arguments: &ImportArguments,
    config: &Config,
    masks: &'m Redactor,
) -> Result<ImportTrust<'m>> {
    let signer = signer_of(input).with_context(|| path.display().to_string())?;
    let trusted = config.options.store.trusted_keys.iter().chain(&arguments.trust);
    let is_trusted = |key: &String| trusted.clone().any(|trusted| trusted.trim().eq_ignore_ascii_case(key));
    let key = match signer {
        Some(key) if key == own => return Ok(ImportTrust::AsWritten),
        Some(key) if is_trusted(&key) => return Ok(ImportTrust::ProofOnly),
        Some(key) => format!("is signed by the key {key}, which is not trusted here"),
        None => "is not signed, or was changed after signing".to_owned(),
    };
    let path = path.display();
    eprintln!(
        "millwright: {path} {key}: its tickets and statements are imported, its proof, approvals and replays are not; if \
         you know whose key it is, --trust KEY imports them too"
    );
    Ok(ImportTrust::Nothing(masks))
}

/// Whether the first line says that the file is an export.
fn is_export(file: std::fs::File) -> Result<bool> {
    let mut head = Vec::new();
    BufReader::new(file.take(4_096)).read_until(b'\n', &mut head)?;
    Ok(String::from_utf8_lossy(&head).trim_start().starts_with("{\"schema\":\"millwright."))
}

fn add(sum: &mut ImportSummary, one: ImportSummary) {
    sum.lines += one.lines;
    sum.new_incidents += one.new_incidents;
    sum.new_resolutions += one.new_resolutions;
    sum.known_incidents += one.known_incidents;
    sum.forgotten += one.forgotten;
}

fn said(done: &Done, dry_run: bool) -> String {
    let verb = if dry_run { "would be imported" } else { "imported" };
    let (exported, past) = (&done.exported, &done.past);
    let causes = exported.new_resolutions + past.new_resolutions;
    let mut text =
        format!("{} incidents {verb}, {causes} with a cause", exported.new_incidents + past.new_incidents);
    if past.confirmed > 0 {
        text.push_str(&format!(" ({} of them confirmed by somebody)", past.confirmed));
    }
    text.push_str(&format!(", {} known already", exported.known_incidents + past.known_incidents));
    match exported.forgotten + past.forgotten {
        0 => {}
        n => text.push_str(&format!(", {n} left out because they were forgotten here")),
    }
    match done.bad_records {
        0 => text.push('\n'),
        n => text.push_str(&format!(", {n} bad records left out\n")),
    }
    text
}
