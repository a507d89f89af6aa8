/*!
Imports closed tickets and postmortems of other systems as past incidents: JSON records, whose keys the user maps
if they are not the usual ones, and Markdown files.

They pass through the same parser as a new ticket, after redaction, so that old and new incidents are directly
comparable.
*/

use std::collections::BTreeMap;

use millwright_model::{NewIncident, ParsedTicket, PastIncident, PastResolution, RepositoryId, Timestamp};
use millwright_redaction::Redactor;
use serde_json::{Map, Value, json};

use super::{moment, parse};

/// The fields that can be read from a record, with the default keys of each.
const KNOWN: [(&str, &[&str]); 11] = [
    ("id", &["id", "key", "number"]),
    ("title", &["title", "summary", "subject"]),
    ("body", &["body", "description", "text"]),
    ("created", &["created", "created_at", "date"]),
    ("service", &["service"]),
    ("environment", &["environment"]),
    ("release", &["release", "version"]),
    ("resolution", &["resolution", "root_cause"]),
    ("culprit", &["culprit"]),
    ("units", &["units", "files"]),
    // The importing user decides about trust, so this field is only read if its key is mapped.
    ("confirmed_by", &[]),
];
/// A longer list is a dump, not a list of names.
const MOST_UNITS: usize = 50;
const MOST_STATEMENT: usize = 4_000;

/// The key of each field in a record.
#[derive(Debug, Clone, Default)]
pub struct RecordFieldMap {
    named: BTreeMap<&'static str, String>,
    /// The system that the records come from; part of each record's identity.
    pub source: String,
    /// Identity of the repository, if all records are about the same one.
    pub repository: Option<RepositoryId>,
}

impl RecordFieldMap {
    /// Maps a field to a key, from `FIELD=KEY` as in `title=fields.summary`.
    ///
    /// # Errors
    /// When the text does not have that form, or the field does not exist.
    pub fn name(&mut self, mapped: &str) -> Result<(), String> {
        let all = || KNOWN.map(|(field, _)| field).join(", ");
        let (field, key) =
            mapped.split_once('=').filter(|(_, key)| !key.trim().is_empty()).ok_or_else(|| {
                format!(
                    "{mapped:?} is not a mapping; write FIELD=KEY, as in title=fields.summary (there are {})",
                    all()
                )
            })?;
        let known = KNOWN.iter().find(|(known, _)| *known == field.trim());
        let (known, _) =
            known.ok_or_else(|| format!("there is no field {field:?} to map; there are {}", all()))?;
        self.named.insert(known, key.trim().to_owned());
        Ok(())
    }

    fn keys(&self, field: &str) -> Vec<&str> {
        match self.named.get(field) {
            Some(key) => vec![key],
            None => KNOWN
                .iter()
                .filter(|(known, _)| *known == field)
                .flat_map(|(_, keys)| *keys)
                .copied()
                .collect(),
        }
    }

    fn value<'r>(&self, record: &'r Map<String, Value>, field: &str) -> Option<&'r Value> {
        self.keys(field).into_iter().find_map(|key| at(record, key)).filter(|value| !value.is_null())
    }

    /// A text, or a number as text; an empty one counts as absent.
    fn text(&self, record: &Map<String, Value>, field: &str) -> Result<Option<String>, String> {
        let text = match self.value(record, field) {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(format!("{field} ({}) is not a text", self.keys(field).join(" or "))),
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}

/// The value of a literal key, or of a path through objects.
fn at<'r>(record: &'r Map<String, Value>, key: &str) -> Option<&'r Value> {
    record.get(key).or_else(|| {
        let mut parts = key.split('.');
        let first = record.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    })
}

/// Converts a record to a past incident.
///
/// # Errors
/// A message, when the record cannot be converted.
pub fn of_record(
    record: &Value,
    fields: &RecordFieldMap,
    redactor: &Redactor,
) -> Result<PastIncident, String> {
    let record = record.as_object().ok_or("it is not an object")?;
    let text = |field: &str| fields.text(record, field);
    let title = text("title")?.ok_or_else(|| {
        format!("it has no title ({}); name its key by --map title=KEY", fields.keys("title").join(" or "))
    })?;
    let body = text("body")?.unwrap_or_default();
    let at = match text("created")? {
        Some(said) => Some(moment(&said).ok_or_else(|| format!("created {:?} is not a time", clip(&said)))?),
        None => None,
    };
    let id = text("id")?;
    let key = match &id {
        Some(id) => format!("{}\n{id}", fields.source),
        None => format!("{}\n{title}\n{body}", fields.source),
    };
    let masked = redactor.for_run();
    let redact = |text: String| masked.redact(&text).text;
    let mut ticket = parse(json!({ "title": redact(title), "body": redact(body) }).to_string().as_bytes());
    let context = &mut ticket.context;
    context.external_id = id.map(redact).or(context.external_id.take());
    context.service = text("service")?.map(redact).or(context.service.take());
    context.environment = text("environment")?.map(redact).or(context.environment.take());
    context.release = text("release")?.map(redact).or(context.release.take());
    context.last_seen = at.or(context.last_seen);
    let confirmed_by = text("confirmed_by")?;
    let statement =
        text("resolution")?.map(|text| redact(text).chars().take(MOST_STATEMENT).collect::<String>());
    let culprit = text("culprit")?;
    let known = statement.is_some() || culprit.is_some();
    if confirmed_by.is_some() && !known {
        return Err("it is confirmed (confirmed_by), but names neither resolution nor culprit".into());
    }
    let resolution = known.then(|| -> Result<PastResolution, String> {
        let culprit = culprit.clone();
        let said = culprit.as_ref().map(|commit| format!("{} brought the fault in", clip(commit)));
        Ok(PastResolution {
            statement: statement.or(said).unwrap_or_default(),
            culprit,
            units: units(fields.value(record, "units"))?,
            confirmed_by,
        })
    });
    Ok(past(key, at, ticket, fields, resolution.transpose()?))
}

/// Converts a postmortem: its first heading is the title, and everything is the text. The confirmation of a cause
/// is not guessed from prose, so the incident has no resolution.
pub fn of_markdown(text: &str, fields: &RecordFieldMap, redactor: &Redactor) -> Result<PastIncident, String> {
    if text.trim().is_empty() {
        return Err("it is empty".into());
    }
    let masked = redactor.for_run().redact(text).text;
    let heading = masked.lines().find_map(|line| line.trim().strip_prefix('#'));
    let first = || masked.lines().map(str::trim).find(|line| !line.is_empty());
    let title = heading.map(|line| line.trim_matches(['#', ' '])).filter(|t| !t.is_empty()).or_else(first);
    let ticket = parse(json!({ "title": title.unwrap_or_default(), "body": masked }).to_string().as_bytes());
    Ok(past(format!("{}\n{text}", fields.source), None, ticket, fields, None))
}

fn past(
    key: String,
    at: Option<Timestamp>,
    ticket: ParsedTicket,
    fields: &RecordFieldMap,
    resolution: Option<PastResolution>,
) -> PastIncident {
    let source = Some(fields.source.clone()).filter(|source| !source.is_empty());
    let incident = NewIncident {
        repository_name: None,
        repository: fields.repository.clone(),
        source,
        ticket,
        mapped: Vec::new(),
    };
    PastIncident { key, at, incident, resolution }
}

fn units(value: Option<&Value>) -> Result<Vec<String>, String> {
    let wrong = || "units must be a list of paths or path::symbol".to_owned();
    match value {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(all)) => {
            all.iter().take(MOST_UNITS).map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(record: Value, mapped: &[&str]) -> Result<PastIncident, String> {
        let mut fields = RecordFieldMap { source: "jira".into(), ..RecordFieldMap::default() };
        for one in mapped {
            fields.name(one)?;
        }
        of_record(&record, &fields, &Redactor::default())
    }

    #[test]
    fn records_are_read_by_the_users_names() {
        let record = json!({
            "key": "SHOP-7",
            "fields": {
                "summary": "Totals are wrong", "description": "Ask anna@example.org, KeyError: 'currency'",
                "created": "2021-09-30 17:20:00", "cause": "the currency is dropped",
            },
            "approver": "Anna",
            "files": ["shop/money.py::Money.add"],
        });
        let mapped = [
            "title=fields.summary",
            "body=fields.description",
            "created=fields.created",
            "resolution=fields.cause",
            "confirmed_by=approver",
        ];
        let past = read(record.clone(), &mapped).unwrap();
        let ticket = &past.incident.ticket;
        assert_eq!(ticket.title, "Totals are wrong");
        assert!(!ticket.text.contains("anna@") && ticket.text.contains("currency"), "{}", ticket.text);
        assert_eq!(ticket.context.external_id.as_deref(), Some("SHOP-7"));
        assert_eq!(ticket.context.last_seen, Timestamp::parse("2021-09-30T17:20:00Z").ok());
        let known = past.resolution.as_ref().unwrap();
        assert_eq!(
            (known.statement.as_str(), known.confirmed_by.as_deref()),
            ("the currency is dropped", Some("Anna"))
        );
        assert_eq!(known.units, ["shop/money.py::Money.add"]);
        let again = read(record, &mapped).unwrap();
        assert_eq!((past.key, past.at), (again.key, again.at), "the same record is the same incident");
    }

    /// A record that claims to be confirmed is not trusted.
    #[test]
    fn confirmation_counts_only_where_its_key_is_named() {
        let record = json!({"title": "x", "resolution": "y", "confirmed_by": "anna"});
        assert_eq!(read(record.clone(), &[]).unwrap().resolution.unwrap().confirmed_by, None);
        let named = read(record, &["confirmed_by=confirmed_by"]).unwrap();
        assert_eq!(named.resolution.unwrap().confirmed_by.as_deref(), Some("anna"));
    }

    #[test]
    fn what_is_no_record_is_said() {
        for (record, mapped, wanted) in [
            (json!(7), vec![], "it is not an object"),
            (
                json!({"headline": "x"}),
                vec![],
                "it has no title (title or summary or subject); name its key by --map title=KEY",
            ),
            (json!({"title": ["x"]}), vec![], "title (title or summary or subject) is not a text"),
            (json!({"title": "x", "created": "soon"}), vec![], "created \"soon\" is not a time"),
            (
                json!({"title": "x", "by": "anna"}),
                vec!["confirmed_by=by"],
                "names neither resolution nor culprit",
            ),
            (json!({"title": "x"}), vec!["titel=x"], "there is no field \"titel\" to map"),
            (json!({"title": "x"}), vec!["title"], "is not a mapping"),
        ] {
            let error = read(record, &mapped).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn a_postmortem_is_titled_by_its_heading() {
        let text = "---\n# Checkout was down #\n\nbob@example.org saw `ValueError: bad currency`.\n";
        let past = of_markdown(text, &RecordFieldMap::default(), &Redactor::default()).unwrap();
        assert_eq!(past.incident.ticket.title, "Checkout was down");
        assert!(past.incident.ticket.text.contains("bad currency") && past.resolution.is_none());
        assert!(!past.incident.ticket.text.contains("bob@"));
        assert!(of_markdown(" \n", &RecordFieldMap::default(), &Redactor::default()).is_err());
    }
}
