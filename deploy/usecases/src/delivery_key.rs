/*!
The key by which a repeated report is recognised. It is a type, because a key that a sender chose may begin like a key of
another kind.
*/

use bytes::Bytes;
use millwright_model::{RepositoryName, VisibleSet, digest};

/// What a report is known by when it comes again.
#[derive(Debug, Clone)]
pub enum DeliveryKey {
    /// A key that its sender chose for this one report.
    Idempotency { principal: String, key: String },
    /// The id of a ticket in another system: the same id is the same ticket, however often it changes. Ids are compared only
    /// among callers who see the same repositories.
    Ticket { source: String, external_id: String, of: VisibleSet<RepositoryName> },
    /// Generated for the form of a page. A form that was changed before it was sent again is another report.
    Form { parts: Vec<String> },
    /// The id of a delivery (an event, a command) that another system gave, and that its signature covers.
    Delivered { system: &'static str, id: String },
    /// The body of a delivery that has no signed id.
    Body { system: &'static str, body: Bytes },
    /// The message that came with a delivery which joined an incident.
    SaidWith { system: &'static str, id: String },
}

impl DeliveryKey {
    /// The id in the store; ids that are already stored must not change.
    pub fn id(&self) -> String {
        match self {
            Self::Idempotency { principal, key } => format!("key:{}", digest(&[principal, key])),
            Self::Ticket { source, external_id, of: VisibleSet::All } => {
                format!("api:{}", digest(&[source, external_id]))
            }
            Self::Ticket { source, external_id, of: VisibleSet::Only(names) } => {
                let names = names.iter().map(RepositoryName::as_str);
                let parts: Vec<&str> = [source.as_str(), external_id].into_iter().chain(names).collect();
                format!("api:{}", digest(&parts))
            }
            Self::Form { parts } => {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                format!("form:{}", digest(&parts))
            }
            Self::Delivered { system, id } => format!("{system}:{}", digest(&[id])),
            Self::Body { system, body } => {
                format!("{system}:body:{}", digest(&[&String::from_utf8_lossy(body)]))
            }
            Self::SaidWith { system, id } => format!("{system}:{}:said", digest(&[id])),
        }
    }

    /// Whether another report under the same key is a mistake of the sender.
    pub(crate) fn is_of_one_report(&self) -> bool {
        match self {
            Self::Idempotency { .. } => true,
            Self::Ticket { .. }
            | Self::Form { .. }
            | Self::Delivered { .. }
            | Self::Body { .. }
            | Self::SaidWith { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_key_of_the_senders_own_stands_for_one_report() {
        let one = DeliveryKey::Idempotency { principal: "t1".into(), key: "k".into() };
        let ticket =
            DeliveryKey::Ticket { source: "key:t1".into(), external_id: "k".into(), of: VisibleSet::All };
        let form = DeliveryKey::Form { parts: vec!["t1".into(), "k".into()] };
        assert_eq!([&one, &ticket, &form].map(DeliveryKey::is_of_one_report), [true, false, false]);
        // The format of ids that are already stored.
        assert_eq!(one.id(), format!("key:{}", digest(&["t1", "k"])));
        assert_eq!(ticket.id(), format!("api:{}", digest(&["key:t1", "k"])));
        assert_eq!(form.id(), format!("form:{}", digest(&["t1", "k"])));
        let delivered = DeliveryKey::Delivered { system: "desk", id: "k".into() };
        let body = DeliveryKey::Body { system: "desk", body: Bytes::from_static(b"k") };
        let said = DeliveryKey::SaidWith { system: "desk", id: "k".into() };
        assert_eq!(delivered.id(), format!("desk:{}", digest(&["k"])));
        assert_eq!(body.id(), format!("desk:body:{}", digest(&["k"])));
        assert_eq!(said.id(), format!("desk:{}:said", digest(&["k"])));
        assert!(![delivered, body, said].iter().any(DeliveryKey::is_of_one_report));
    }
}
