/*!
The context view: place and time. Neither finds an incident; both decide between incidents that other views found.

Failures cluster in time: half of the duplicate reports are filed within weeks of each other, and nine of ten
recurrences follow within twenty days (RCACopilot). So of two equally similar incidents, the one nearer in time is
more likely.
*/

use millwright_model::{ParsedTicket, Timestamp};
use millwright_store::RecallDocument;

use super::RecallQuery;

/// Days after which nearness is halved.
const HALF: f64 = 30.0;

/// When the current failure was last seen, if the ticket says so; otherwise now.
pub(crate) fn seen_at(ticket: &ParsedTicket) -> Timestamp {
    let said = ticket.context.last_seen.or(ticket.context.first_seen);
    said.unwrap_or_else(millwright_store::now)
}

/// 1 at the same moment, a half after `HALF` days; 0 if the time of the incident is not known.
pub(crate) fn nearness(at: Timestamp, seen: Option<Timestamp>) -> f64 {
    let Some(seen) = seen else { return 0.0 };
    let days = (at.as_second() - seen.as_second()).abs() as f64 / 86_400.0;
    1.0 / (1.0 + days / HALF)
}

/// A matching service counts; a matching environment counts half.
pub(crate) fn agreement(query: &RecallQuery<'_>, document: &RecallDocument) -> f64 {
    let same = |asked: Option<&str>, theirs: &Option<String>| {
        f64::from(u8::from(asked.is_some() && asked == theirs.as_deref()))
    };
    same(query.service, &document.service) + 0.5 * same(query.environment, &document.environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_in_time_counts_more() {
        let at: Timestamp = "2024-06-01T00:00:00Z".parse().unwrap();
        assert_eq!(nearness(at, Some("2024-06-01T00:00:00Z".parse().unwrap())), 1.0);
        assert_eq!(nearness(at, Some("2024-07-01T00:00:00Z".parse().unwrap())), 0.5);
        assert_eq!(nearness(at, None), 0.0);
    }
}
