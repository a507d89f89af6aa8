/*!
Export and import as JSON lines: one incident per line with everything that belongs to it, so that a line is imported
completely or not at all and an interrupted import can be repeated. Existing data stays unchanged, and an incident
that was forgotten here does not come back. The last line is a signature; proof in a file counts only if its signer is
trusted.
*/

use std::collections::HashSet;
use std::io::{BufRead, Read, Write};

use millwright_model::{Approval, Audience, Evidence, IncidentId, Outcome, Proof, RankingSample, Resolution};
use millwright_redaction::Redactor;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::audit::{self, AuditedChange};
use super::codec::json;
use super::db::{WriteTransaction, WriteTurn, query, query_scalar};
use super::reports::ReportRow;
use super::signature::{ExportKey, is_signature};
use super::{
    Actor, AuditEntry, Incident, IncidentState, Store, StoreError, StoredEvent, StoredEvidence,
    StoredHypothesis, StoredProblem, StoredRun, evidence, feedback, hypotheses, incidents, index, learning,
    problems, reports, resolutions, runs,
};
use crate::structure_keys::StructureKeys;

pub const TRANSFER_SCHEMA: &str = "millwright.memory/1";
/// A longer line is refused before it is read into memory.
const MAX_LINE_BYTES: u64 = 512 * 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
struct Bundle {
    schema: String,
    problem: Option<StoredProblem>,
    /// Absent in the last line before the signature, which carries the audit entries of deleted incidents.
    incident: Option<Incident>,
    resolutions: Vec<Resolution>,
    hypotheses: Vec<StoredHypothesis>,
    evidence: Vec<EvidenceWithText>,
    reports: Vec<ReportRow>,
    runs: Vec<RunWithEvents>,
    audit: Vec<AuditEntry>,
    /// Samples that ranking can learn from; older exports have none.
    #[serde(default)]
    sample: Option<RankingSample>,
}

#[derive(Debug, Serialize, Deserialize)]
struct EvidenceWithText {
    #[serde(flatten)]
    stored: StoredEvidence,
    text: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct RunWithEvents {
    #[serde(flatten)]
    run: StoredRun,
    events: Vec<StoredEvent>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ExportSummary {
    pub incidents: u64,
    pub resolutions: u64,
    /// The public key of the signature, 64 hex digits.
    pub key: String,
}

/// How much proof and approval an import may bring.
#[derive(Debug, Clone, Copy, Default)]
pub enum ImportTrust<'a> {
    /// Everything that the file says, with its audit log: for this store's own export.
    #[default]
    AsWritten,
    /// Proof, approval and outcome as the file says; this store keeps its own audit log, which says what was done to
    /// this memory. For the export of an installation that this one trusts.
    ProofOnly,
    /// Tickets and statements, masked again, and nothing that could count as proof or be executed: for a file of
    /// unknown origin.
    Nothing(&'a Redactor),
}

#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions<'a> {
    /// Reads and checks everything but writes nothing.
    pub dry_run: bool,
    pub trust: ImportTrust<'a>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ImportSummary {
    pub lines: u64,
    pub new_incidents: u64,
    pub new_resolutions: u64,
    /// Incidents that already existed here; only missing parts were added.
    pub known_incidents: u64,
    /// Left out because they were forgotten here.
    pub forgotten: u64,
}

impl Store {
    /// The public key that signs exports of this store, 64 hex digits.
    pub async fn export_key(&self) -> Result<String, StoreError> {
        self.require_installation()?;
        Ok(ExportKey::open(self).await?.public())
    }

    /// Writes everything, oldest incident first, and a signature.
    pub async fn export(&self, out: &mut (dyn Write + Send)) -> Result<ExportSummary, StoreError> {
        self.require_everything()?;
        let key = ExportKey::open(self).await?;
        let mut summary = ExportSummary { key: key.public(), ..ExportSummary::default() };
        let mut out = Digesting { out, digest: Sha256::new() };
        let out = &mut out;
        let (mut last, mut exported) = (None::<IncidentId>, HashSet::new());
        loop {
            let ids: Vec<IncidentId> =
                query_scalar("SELECT id FROM incidents WHERE id > $1 ORDER BY id LIMIT 500")
                    .bind(last.as_ref().map_or("", IncidentId::as_str))
                    .fetch_all(&self.read)
                    .await?;
            let Some(end) = ids.last() else { break };
            last = Some(end.clone());
            for id in ids {
                let Some(bundle) = self.bundle(&id).await? else { continue };
                summary.incidents += 1;
                summary.resolutions += bundle.resolutions.len() as u64;
                write_line(out, &bundle)?;
                exported.insert(id);
            }
        }
        let mut rest = self.audit(None).await?;
        rest.retain(|entry| !entry.incident_id.as_ref().is_some_and(|id| exported.contains(id)));
        if !rest.is_empty() {
            write_line(out, &Bundle { audit: rest, ..Bundle::empty() })?;
        }
        let signature = key.sign(&out.digest.clone().finalize())?;
        out.out.write_all(format!("{signature}\n").as_bytes())?;
        out.flush()?;
        Ok(summary)
    }

    /// Imports an export; idempotent. Stops at the first invalid line.
    pub async fn import(
        &self,
        input: &mut (dyn BufRead + Send),
        options: ImportOptions<'_>,
        by: Actor<'_>,
    ) -> Result<ImportSummary, StoreError> {
        self.require_everything()?;
        let mut summary = ImportSummary::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut *input).take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            summary.lines += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let bad = |detail: String| StoreError::BadImport { line: summary.lines, detail };
            if read as u64 == MAX_LINE_BYTES {
                return Err(bad(format!("longer than {MAX_LINE_BYTES} bytes")));
            }
            if is_signature(&line) {
                continue;
            }
            let mut bundle: Bundle = serde_json::from_slice(&line).map_err(|e| bad(e.to_string()))?;
            bundle.check().map_err(bad)?;
            match options.trust {
                ImportTrust::AsWritten => {}
                ImportTrust::ProofOnly => bundle.audit.clear(),
                ImportTrust::Nothing(redactor) => bundle.distrust(redactor).map_err(bad)?,
            }
            self.take_in(&bundle, options, &mut summary).await?;
        }
        if !options.dry_run && summary.new_incidents + summary.new_resolutions > 0 {
            let count = summary.new_incidents.to_string();
            let change = AuditedChange {
                action: "import",
                subject: "memory",
                incident: None,
                before: None,
                after: Some(&count),
            };
            let mut tx = self.begin(WriteTurn::Whole).await?;
            audit::record(&mut tx, by, change).await?;
            tx.commit().await?;
        }
        Ok(summary)
    }

    async fn bundle(&self, id: &IncidentId) -> Result<Option<Bundle>, StoreError> {
        let incident = match self.get_incident(id).await {
            Err(StoreError::NotFound { .. }) => return Ok(None),
            other => other?,
        };
        let problem = match &incident.problem_id {
            Some(problem) => self.get_problem(problem).await?,
            None => None,
        };
        let mut with_text = Vec::new();
        for stored in self.list_evidence(id).await? {
            if let Some(text) = self.get_evidence(&stored.sha256).await? {
                with_text.push(EvidenceWithText { stored, text });
            }
        }
        let mut with_events = Vec::new();
        for run in self.list_runs(id).await? {
            let events = self.events(&run.id, 1).await?;
            with_events
                .push(RunWithEvents { run: StoredRun { holder: None, lease_until: None, ..run }, events });
        }
        let reports = self.report_rows(id).await?;
        let mut resolutions = self.resolutions(id).await?;
        resolutions.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Some(Bundle {
            problem,
            resolutions,
            hypotheses: self.hypotheses(id).await?,
            evidence: with_text,
            reports,
            runs: with_events,
            audit: self.audit(Some(id)).await?,
            sample: self.sample(id).await?,
            incident: Some(incident),
            ..Bundle::empty()
        }))
    }

    async fn take_in(
        &self,
        bundle: &Bundle,
        options: ImportOptions<'_>,
        summary: &mut ImportSummary,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin(WriteTurn::Whole).await?;
        if let Some(incident) = &bundle.incident {
            if was_forgotten(&mut tx, &incident.id).await? {
                summary.forgotten += 1;
                return Ok(());
            }
            self.take_in_incident(&mut tx, bundle, incident, options, summary).await?;
        }
        for entry in &bundle.audit {
            // An incident that was forgotten elsewhere is not forgotten here: the audit log says what was done to
            // this memory.
            if entry.action != "forget" || bundle.incident.is_none() {
                audit::insert(&mut tx, entry).await?;
            }
        }
        if options.dry_run {
            tx.rollback().await?
        } else {
            tx.commit().await?
        }
        Ok(())
    }

    async fn take_in_incident(
        &self,
        tx: &mut WriteTransaction,
        bundle: &Bundle,
        incident: &Incident,
        options: ImportOptions<'_>,
        summary: &mut ImportSummary,
    ) -> Result<(), StoreError> {
        if let Some(problem) = &bundle.problem {
            problems::insert(tx, problem).await?;
        }
        let doc = match index::doc_of(tx, &incident.id).await {
            Ok(doc) => {
                summary.known_incidents += 1;
                // An untrusted file adds nothing to existing knowledge.
                if matches!(options.trust, ImportTrust::Nothing(_)) {
                    return Ok(());
                }
                doc
            }
            Err(StoreError::NotFound { .. }) => {
                incidents::insert(
                    tx,
                    incident,
                    &StructureKeys::of(&incident.ticket, &[]),
                    self.vector_index(),
                )
                .await?;
                summary.new_incidents += 1;
                index::doc_of(tx, &incident.id).await?
            }
            Err(other) => return Err(other),
        };
        for resolution in &bundle.resolutions {
            // A trusted resolution replaces an unproven one with the same id, whatever its origin.
            if resolution.proof > Proof::None || resolution.approval != Approval::None {
                resolutions::remove_unproven(tx, &resolution.id).await?;
            }
            let resolution = &feedback::with_authority(resolution.clone());
            if resolutions::insert(tx, resolution).await? {
                summary.new_resolutions += 1;
                index::enter_units(tx, doc, &resolution.units).await?;
            }
        }
        for hypothesis in &bundle.hypotheses {
            hypotheses::insert(tx, &incident.id, hypothesis).await?;
        }
        for item in &bundle.evidence {
            evidence::insert(tx, &incident.id, &item.stored, &item.text).await?;
        }
        for report in &bundle.reports {
            reports::insert(tx, &incident.id, report).await?;
        }
        if let Some(sample) = &bundle.sample {
            learning::insert_sample(tx, &incident.id, sample).await?;
        }
        for RunWithEvents { run, events } in &bundle.runs {
            // A run that already exists here continues here; its events are not mixed with another copy's.
            if runs::insert(tx, run).await? {
                for event in events {
                    let payload = json(&event.event.payload)?;
                    runs::insert_event(tx, &run.id, event.seq, event.at, &event.event, &payload).await?;
                }
            }
        }
        Ok(())
    }
}

impl Bundle {
    fn empty() -> Self {
        Bundle {
            schema: TRANSFER_SCHEMA.to_owned(),
            problem: None,
            incident: None,
            resolutions: Vec::new(),
            hypotheses: Vec::new(),
            evidence: Vec::new(),
            reports: Vec::new(),
            runs: Vec::new(),
            audit: Vec::new(),
            sample: None,
        }
    }

    /// Checks that the constraints of the columns do not cover.
    fn check(&self) -> Result<(), String> {
        if self.schema != TRANSFER_SCHEMA {
            return Err(format!("its schema is {:?}, not {TRANSFER_SCHEMA}", self.schema));
        }
        let Some(incident) = &self.incident else { return Ok(()) };
        if incident.problem_id != self.problem.as_ref().map(|p| p.id.clone()) {
            return Err(format!("the problem of {} is missing", incident.id));
        }
        for r in &self.resolutions {
            if r.incident_id != incident.id {
                return Err(format!("resolution {} belongs to another incident", r.id));
            }
            if r.approval == Approval::Confirmed && r.approved_by.as_deref().is_none_or(str::is_empty) {
                return Err(format!("resolution {} is confirmed, but names no person", r.id));
            }
        }
        if let Some(run) = self.runs.iter().find(|r| r.run.incident_id != incident.id) {
            return Err(format!("run {} belongs to another incident", run.run.id));
        }
        for RunWithEvents { run, events } in &self.runs {
            if !events.iter().map(|e| e.seq).eq(1..run.next_seq) {
                return Err(format!("events of run {} are missing or out of order", run.id));
            }
        }
        for item in &self.evidence {
            evidence::check_size(&item.text).map_err(|e| e.to_string())?;
            if Evidence::hash(&item.text) != item.stored.sha256 {
                return Err(format!("the text of evidence {} does not match its hash", item.stored.sha256));
            }
        }
        Ok(())
    }

    /// Keeps tickets and statements, masked, and removes everything that could count as proof or be executed.
    fn distrust(&mut self, redactor: &Redactor) -> Result<(), String> {
        self.problem = None;
        if let Some(incident) = &mut self.incident {
            incident.problem_id = None;
            // A claim of an untrusted file that an incident is public does not make it public here.
            incident.audience = Audience::Internal;
            // Nor does such a file decide which team an incident belongs to.
            incident.repository_name = None;
            // Nobody works on it here.
            incident.state = IncidentState::Done;
            incident.ticket = masked(redactor, &incident.ticket)?;
            // An overlay would be placed over checkouts and executed.
            incident.ticket.context.overlay = Default::default();
            for text in [
                &mut incident.source,
                &mut incident.external_id,
                &mut incident.service,
                &mut incident.environment,
                &mut incident.release,
            ] {
                *text = text.take().map(|text| redactor.redact(&text).text);
            }
        }
        for resolution in &mut self.resolutions {
            resolution.proof = Proof::None;
            resolution.approval = Approval::None;
            resolution.approved_by = None;
            resolution.approval_authority = None;
            resolution.approval_suffices = false;
            resolution.outcome = Outcome::Unknown;
            resolution.replay = None;
            resolution.fix_checks = None;
            resolution.failed_fixes.clear();
            for text in
                [&mut resolution.statement, &mut resolution.fix_diff].into_iter().chain(&mut resolution.units)
            {
                *text = redactor.redact(text).text;
            }
        }
        self.hypotheses.clear();
        self.evidence.clear();
        self.reports.clear();
        self.runs.clear();
        self.audit.clear();
        self.sample = None;
        Ok(())
    }
}

/// The same value with every text masked.
fn masked<T: Serialize + serde::de::DeserializeOwned>(redactor: &Redactor, value: &T) -> Result<T, String> {
    let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
    serde_json::from_value(redactor.redact_json(&value)).map_err(|error| error.to_string())
}

/// Passes writes on and computes the digest of the written bytes.
struct Digesting<'w> {
    out: &'w mut (dyn Write + Send),
    digest: Sha256,
}

impl Write for Digesting<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

pub(crate) async fn was_forgotten(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
) -> Result<bool, StoreError> {
    let row = query("SELECT count(*) AS n FROM audit WHERE subject = $1 AND action = 'forget'")
        .bind(incident)
        .fetch_one(&mut *tx)
        .await?;
    Ok(row.try_get::<i64>("n")? > 0)
}

fn write_line(out: &mut (dyn Write + Send), bundle: &Bundle) -> Result<(), StoreError> {
    let mut line = json(bundle)?;
    line.push('\n');
    out.write_all(line.as_bytes())?;
    Ok(())
}
