/*!
Alerts of a Prometheus Alertmanager. It signs nothing; it sends a secret over an encrypted connection.
*/

use http::HeaderMap;
use schemars::Schema;
use serde_json::Value;

use crate::alert_groups;
use crate::configuration::ConnectorKeys;
use crate::inbound::InboundEvent;
use crate::integration::{InboundHook, Integration};
use crate::signature::{PendingSignature, SignatureCheck, SignatureError};

pub(crate) struct AlertmanagerIntegration;

impl Integration for AlertmanagerIntegration {
    fn name(&self) -> &'static str {
        "alertmanager"
    }

    fn connector(&self) -> Option<ConnectorKeys> {
        Some(ConnectorKeys::HOOK_ALONE)
    }

    fn hook(&self) -> Option<&dyn InboundHook> {
        Some(self)
    }
}

impl InboundHook for AlertmanagerIntegration {
    fn summary(&self) -> &'static str {
        "Alerts of a Prometheus Alertmanager"
    }

    fn payload_schema(&self) -> Schema {
        alert_groups::schema()
    }

    fn verify(&self, delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
        delivery.bearer()
    }

    fn receive(&self, _: &HeaderMap, body: &Value) -> Result<InboundEvent, String> {
        alert_groups::receive(body)
    }
}
