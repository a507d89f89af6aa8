//! Migration of rows that an earlier version wrote.

use std::fmt::Write as _;
use std::time::Duration;

use millwright_model::{Audience, IncomingReport, JudgingAuthority, NewIncident};

use super::codec::json;
use super::db::before_step;
use super::testing::{self, ANNA, new_home, prose};
use super::*;

/// The step that introduced audiences.
const AUDIENCE: i64 = 30;

#[tokio::test]
async fn rows_from_before_audiences_get_them_by_their_source() {
    let home = new_home();
    let ticket = json(&prose("Totals are wrong", "they are")).unwrap().replace('\'', "''");
    let mut rows = String::new();
    for (doc, source) in ["github", "jira", "slack"].iter().enumerate() {
        let at = "2026-01-02T03:04:05.000000Z";
        write!(
            rows,
            "INSERT INTO incidents (id, doc, created_at, updated_at, state, source, title, ticket_sha256, ticket) \
             VALUES ('inc_{source}', {doc}, '{at}', '{at}', 'queued', '{source}', 'Totals are wrong', 'x', '{ticket}');
             INSERT INTO correlations (key, incident_id, last_at, arrivals) VALUES ('{source}:own', 'inc_{source}', '{at}', 1);
             INSERT INTO notes (id, incident_id, system, target, state, updated_at) \
             VALUES ('note_{source}', 'inc_{source}', '{source}', '1', 'sent', '{at}');"
        )
        .unwrap();
    }
    // At that version, a public issue could join an internal incident.
    rows.push_str(
        "INSERT INTO notes (id, incident_id, system, target, state, updated_at) \
         VALUES ('note_joined', 'inc_jira', 'github', '2', 'sent', '2026-01-01T00:00:00.000000Z');",
    );
    let tokens = [("t1", "support"), ("t2", "responder"), ("t3", "viewer")];
    for (id, role) in tokens {
        write!(
            rows,
            "INSERT INTO tokens (id, name, role, secret_sha256, created_at, created_by) \
             VALUES ('{id}', 'desk', '{role}', 'x', '2026-01-01T00:00:00.000000Z', 'anna');"
        )
        .unwrap();
    }
    let judged = [
        ("confirmed", "Eve (by a link in the ticket)", Some((JudgingAuthority::Link, false))),
        ("confirmed", "slack:U1", Some((JudgingAuthority::Support, false))),
        ("confirmed", "desk (t1)", Some((JudgingAuthority::Support, false))),
        ("confirmed", "desk (t2)", Some((JudgingAuthority::Responder, true))),
        ("rejected", "desk (t2)", Some((JudgingAuthority::Responder, false))),
        ("confirmed", "desk (t3)", Some((JudgingAuthority::Support, false))),
        ("confirmed", "anna@laptop", Some((JudgingAuthority::Admin, true))),
        ("none", "", None),
    ];
    for (number, (approval, by, _)) in judged.iter().enumerate() {
        write!(
            rows,
            "INSERT INTO resolutions (id, incident_id, created_at, updated_at, repository, statement, failing_revision, units, \
             fix_diff, proof, approval, approved_by, outcome) VALUES ('res_{number}', 'inc_jira', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', 'r', 's', 'f', \
             '[]', '', 'none', '{approval}', '{by}', 'unknown');"
        )
        .unwrap();
    }
    before_step(&home.location(), AUDIENCE, &rows).await;

    let store = testing::open(&home.location()).await.unwrap();
    for (source, audience) in
        [("github", Audience::Unknown), ("jira", Audience::Internal), ("slack", Audience::Internal)]
    {
        assert_eq!(
            store.get_incident(&format!("inc_{source}").parse().unwrap()).await.unwrap().audience,
            audience,
            "{source}"
        );
        assert_eq!(
            store.get_note(&format!("note_{source}").parse().unwrap()).await.unwrap().audience,
            audience,
            "{source}"
        );
        let known = store.incident_known_by(&format!("{source}:own"), None).await.unwrap();
        assert_eq!(known, Some(format!("inc_{source}").parse().unwrap()));
    }
    assert_eq!(store.get_note(&"note_joined".parse().unwrap()).await.unwrap().audience, Audience::Unknown);
    for (number, (approval, by, expected)) in judged.into_iter().enumerate() {
        let known = store.get_resolution(&format!("res_{number}").parse().unwrap()).await.unwrap();
        let found = known.approval_authority.map(|authority| (authority, known.approval_suffices));
        assert_eq!(found, expected, "{approval} by {by}");
        assert_eq!(known.is_trusted(), known.approval_suffices);
    }
    // The same ticket joins its incident as before, if its readers are the same.
    let arrival = |audience| IncomingReport {
        conversation: None,
        incident: NewIncident { source: Some("github".into()), ..testing::incident(prose("again", "x")) },
        delivery: None,
        content: None,
        correlation: vec!["github:own".into()],
        resolved: false,
        audience,
        note: None,
        files: Vec::new(),
        by: ANNA.who.into(),
    };
    let hour = Duration::from_secs(3_600);
    let arrived = store.ingest(&[arrival(Audience::Unknown), arrival(Audience::Public)], hour).await.unwrap();
    assert_eq!(arrived[0], IngestResult::Joined("inc_github".parse().unwrap()));
    assert!(matches!(&arrived[1], IngestResult::Opened(_)), "{arrived:?}");
}
