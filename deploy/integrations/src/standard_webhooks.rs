/*!
The Standard Webhooks specification (<https://www.standardwebhooks.com>): the signature covers id, time and body. Several
systems sign like this.
*/

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;

use crate::signature::{PendingSignature, SignatureCheck, SignatureError, awaited_by, whole};

/// The header of the id, which the signature covers.
pub(crate) const ID: &str = "webhook-id";
/// The header of the signatures.
pub(crate) const SIGNATURE: &str = "webhook-signature";

/// The check of a body.
pub(crate) fn verify(delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
    let (id, at) = (delivery.header(ID)?, delivery.header("webhook-timestamp")?);
    delivery.is_fresh(at.parse().map_err(|_| SignatureError::Malformed("webhook-timestamp"))?)?;
    let given = delivery
        .header(SIGNATURE)?
        .split_whitespace()
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    let keys = delivery.secrets.iter().map(|secret| {
        let secret = secret.expose_secret();
        let coded = secret.strip_prefix("whsec_").and_then(|coded| STANDARD.decode(coded).ok());
        coded.unwrap_or_else(|| secret.as_bytes().to_vec())
    });
    let parts = [id.as_bytes(), b".", at.as_bytes(), b"."];
    Ok(awaited_by(keys, &parts, whole(SIGNATURE, given)?))
}
