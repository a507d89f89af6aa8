/*!
The report about an incident for which no repository is known: it could not be looked into, and says what is missing.
*/

use millwright_memory::store::Incident;
use millwright_memory::types::{Escalation, REPORT_SCHEMA, Report, Usage, Verdict};

use super::place::Nowhere;

pub(super) fn report(incident: &Incident, nowhere: &Nowhere) -> Report {
    Report {
        schema: REPORT_SCHEMA.to_owned(),
        // One for the incident, however often it is written.
        id: format!("rep_{}", incident.id.trim_start_matches("inc_")),
        incident_id: incident.id.clone(),
        verdict: Verdict::Inconclusive,
        summary: format!("Nothing could be looked into: {}.", nowhere.because),
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
            to: "whoever runs Millwright".to_owned(),
            because: nowhere.because.clone(),
            missing: vec![nowhere.missing.clone()],
        }),
    }
}
