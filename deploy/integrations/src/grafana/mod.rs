/*!
Alerts of Grafana, in the format of Alertmanager's webhooks.
*/

use http::HeaderMap;
use schemars::Schema;
use serde_json::Value;

use crate::alert_groups;
use crate::configuration::ConnectorKeys;
use crate::inbound::InboundEvent;
use crate::integration::{InboundHook, Integration};
use crate::signature::{PendingSignature, SignatureCheck, SignatureError, from_hex};

pub(crate) struct GrafanaIntegration;

impl Integration for GrafanaIntegration {
    fn name(&self) -> &'static str {
        "grafana"
    }

    fn connector(&self) -> Option<ConnectorKeys> {
        Some(ConnectorKeys::HOOK_ALONE)
    }

    fn hook(&self) -> Option<&dyn InboundHook> {
        Some(self)
    }
}

impl InboundHook for GrafanaIntegration {
    fn summary(&self) -> &'static str {
        "Alerts of Grafana"
    }

    fn payload_schema(&self) -> Schema {
        alert_groups::schema()
    }

    /// The signature is hex over the body, or over `TIME:BODY` if the delivery contains a time. Older installations send a
    /// bearer token.
    fn verify(&self, delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
        const NAME: &str = "x-grafana-alerting-signature";
        const TIME: &str = "x-grafana-alerting-timestamp";
        if !delivery.headers.contains_key(NAME) && delivery.headers.contains_key("authorization") {
            return delivery.bearer();
        }
        let given = from_hex(NAME, delivery.header(NAME)?)?;
        if !delivery.headers.contains_key(TIME) {
            return Ok(delivery.awaits(&[], vec![given]));
        }
        let at = delivery.header(TIME)?;
        delivery.is_fresh(at.parse().map_err(|_| SignatureError::Malformed(TIME))?)?;
        Ok(delivery.awaits(&[at.as_bytes(), b":"], vec![given]))
    }

    fn receive(&self, _: &HeaderMap, body: &Value) -> Result<InboundEvent, String> {
        alert_groups::receive(body)
    }
}
