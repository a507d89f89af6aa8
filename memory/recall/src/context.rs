/*!
The context view: where and when. Neither finds an incident; both decide between those that others found.

Failures come in swarms: of duplicate reports half are filed within weeks of each other, and nine of ten recurrences
follow within twenty days (RCACopilot), so of two equally alike incidents the nearer in time is the likelier one.
*/

use millwright_model::{ParsedTicket, Timestamp};
use millwright_store::RecallDocument;

use super::RecallQuery;

/// Days after which nearness has halved.
const HALF: f64 = 30.0;

/// When the failure at hand was last seen, as far as the ticket tells; otherwise it is of now.
pub(crate) fn seen_at(ticket: &ParsedTicket) -> Timestamp {
    let said = ticket.context.last_seen.or(ticket.context.first_seen);
    said.unwrap_or_else(millwright_store::now)
}

/// 1 at the same moment, a half after `HALF` days; 0 where it is not known when it was seen.
pub(crate) fn nearness(at: Timestamp, seen: Option<Timestamp>) -> f64 {
    let Some(seen) = seen else { return 0.0 };
    let days = (at.as_second() - seen.as_second()).abs() as f64 / 86_400.0;
    1.0 / (1.0 + days / HALF)
}

/// Service counts, environment counts half.
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
