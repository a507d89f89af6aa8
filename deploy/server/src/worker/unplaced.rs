/*!
The report about an incident for which no repository is known: it could not be investigated, and the report says what is
missing.
*/

use millwright_model::{Escalation, REPORT_SCHEMA, Report, ReportId, Usage, Verdict};
use millwright_store::Incident;

use millwright_usecases::UnplacedReason;

pub(super) fn report(incident: &Incident, nowhere: &UnplacedReason) -> Report {
    Report {
        schema: REPORT_SCHEMA.to_owned(),
        // The same id for the incident each time, however often the report is written.
        id: ReportId::of_incident(&incident.id),
        incident_id: incident.id.clone(),
        verdict: Verdict::Inconclusive,
        summary: format!("Nothing could be investigated: {}.", nowhere.because),
        root_cause: None,
        hypotheses: Vec::new(),
        suspects: Vec::new(),
        fix: None,
        tried: Vec::new(),
        replay: None,
        similar: Vec::new(),
        struck: Vec::new(),
        impact: None,
        evidence: Vec::new(),
        usage: Usage { planner: "playbook".to_owned(), ..Usage::default() },
        escalate: Some(Escalation {
            to: "the administrator of Millwright".to_owned(),
            because: nowhere.because.clone(),
            missing: vec![nowhere.missing.clone()],
        }),
    }
}
