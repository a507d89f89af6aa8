/*!
How systems prove that a delivery is theirs. All compare in constant time, over the bytes as they arrived. Several
secrets can be valid at once, so that one can be replaced without losing a delivery.
*/

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How far the clock of the sender may be from ours, and how old a delivery may be.
const WINDOW_SECONDS: i64 = 300;

/// A delivery that is to be proven.
pub(crate) struct Signed<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    pub(crate) secrets: &'a [SecretString],
    pub(crate) now: Timestamp,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the header {0} is missing; see that the sender signs with the secret of this hook")]
    Missing(&'static str),
    #[error("the header {0} cannot be read")]
    Malformed(&'static str),
    #[error("the signature does not fit the body; see that both sides use the same secret")]
    Wrong,
    #[error("the delivery is older (or newer) than five minutes; see that the clocks are right")]
    Stale,
}

impl Signed<'_> {
    fn header(&self, name: &'static str) -> Result<&str, Refused> {
        let value = self.headers.get(name).ok_or(Refused::Missing(name))?;
        value.to_str().map_err(|_| Refused::Malformed(name))
    }

    /// Whether one of the secrets makes one of these signatures of the parts.
    fn proven(&self, parts: &[&[u8]], given: &[Vec<u8>]) -> Result<(), Refused> {
        let keys = self.secrets.iter().map(|secret| secret.expose_secret().as_bytes().to_vec());
        proven(keys, parts, given)
    }

    fn fresh(&self, seconds: i64) -> Result<(), Refused> {
        match self.now.as_second().abs_diff(seconds) <= WINDOW_SECONDS.unsigned_abs() {
            true => Ok(()),
            false => Err(Refused::Stale),
        }
    }
}

fn proven(
    keys: impl IntoIterator<Item = Vec<u8>>,
    parts: &[&[u8]],
    given: &[Vec<u8>],
) -> Result<(), Refused> {
    let mut fits = false;
    for key in keys {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { continue };
        parts.iter().for_each(|part| mac.update(part));
        for signature in given {
            fits |= mac.clone().verify_slice(signature).is_ok();
        }
    }
    if fits { Ok(()) } else { Err(Refused::Wrong) }
}

fn from_hex(name: &'static str, text: &str) -> Result<Vec<u8>, Refused> {
    hex::decode(text.trim()).map_err(|_| Refused::Malformed(name))
}

/// <https://www.standardwebhooks.com>: id, time and body are signed.
pub(super) fn standard(signed: &Signed<'_>) -> Result<(), Refused> {
    let (id, at) = (signed.header("webhook-id")?, signed.header("webhook-timestamp")?);
    let seconds = at.parse().map_err(|_| Refused::Malformed("webhook-timestamp"))?;
    let given: Vec<Vec<u8>> = signed
        .header("webhook-signature")?
        .split_whitespace()
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    let keys = signed.secrets.iter().map(|secret| {
        let secret = secret.expose_secret();
        let coded = secret.strip_prefix("whsec_").and_then(|coded| STANDARD.decode(coded).ok());
        coded.unwrap_or_else(|| secret.as_bytes().to_vec())
    });
    proven(keys, &[id.as_bytes(), b".", at.as_bytes(), b".", signed.body], &given)?;
    signed.fresh(seconds)
}

/// A secret in the open, over an encrypted connection: all that Alertmanager can.
pub(super) fn bearer(signed: &Signed<'_>) -> Result<(), Refused> {
    let given = signed.header("authorization")?;
    let (scheme, token) = given.split_once(' ').ok_or(Refused::Malformed("authorization"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refused::Malformed("authorization"));
    }
    // Both sides hashed with one key, so that neither length nor content shows in the time it takes.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(b"millwright bearer") else { return Err(Refused::Wrong) };
    let hash = |text: &str| mac.clone().chain_update(text.as_bytes());
    let given = hash(token.trim()).finalize().into_bytes();
    let fits = signed
        .secrets
        .iter()
        .fold(false, |fits, secret| fits | hash(secret.expose_secret()).verify_slice(&given).is_ok());
    if fits { Ok(()) } else { Err(Refused::Wrong) }
}

/// Hex over the body; over `TIME:BODY` where a time is sent along. Older set-ups send a bearer token.
pub(super) fn grafana(signed: &Signed<'_>) -> Result<(), Refused> {
    const NAME: &str = "x-grafana-alerting-signature";
    const TIME: &str = "x-grafana-alerting-timestamp";
    if !signed.headers.contains_key(NAME) && signed.headers.contains_key("authorization") {
        return bearer(signed);
    }
    let given = from_hex(NAME, signed.header(NAME)?)?;
    if !signed.headers.contains_key(TIME) {
        return signed.proven(&[signed.body], &[given]);
    }
    let at = signed.header(TIME)?;
    signed.proven(&[at.as_bytes(), b":", signed.body], &[given])?;
    signed.fresh(at.parse().map_err(|_| Refused::Malformed(TIME))?)
}

/// Several signatures while a secret is replaced there.
pub(super) fn pagerduty(signed: &Signed<'_>) -> Result<(), Refused> {
    let given: Vec<Vec<u8>> = signed
        .header("x-pagerduty-signature")?
        .split(',')
        .filter_map(|signature| hex::decode(signature.trim().strip_prefix("v1=")?).ok())
        .collect();
    signed.proven(&[signed.body], &given)
}

pub(super) fn sentry(signed: &Signed<'_>) -> Result<(), Refused> {
    let given = from_hex("sentry-hook-signature", signed.header("sentry-hook-signature")?)?;
    signed.proven(&[signed.body], &[given])
}

pub(super) fn github(signed: &Signed<'_>) -> Result<(), Refused> {
    hub(signed, "x-hub-signature-256")
}

pub(super) fn jira(signed: &Signed<'_>) -> Result<(), Refused> {
    hub(signed, "x-hub-signature")
}

fn hub(signed: &Signed<'_>, name: &'static str) -> Result<(), Refused> {
    let given = signed.header(name)?.strip_prefix("sha256=").ok_or(Refused::Malformed(name))?;
    let given = from_hex(name, given)?;
    signed.proven(&[signed.body], &[given])
}

/// Hex over `v0:TIME:BODY`; events, commands and interactions alike.
pub(crate) fn slack(signed: &Signed<'_>) -> Result<(), Refused> {
    const NAME: &str = "x-slack-signature";
    const TIME: &str = "x-slack-request-timestamp";
    let at = signed.header(TIME)?;
    let given = signed.header(NAME)?.strip_prefix("v0=").ok_or(Refused::Malformed(NAME))?;
    signed.proven(&[b"v0:", at.as_bytes(), b":", signed.body], &[from_hex(NAME, given)?])?;
    signed.fresh(at.parse().map_err(|_| Refused::Malformed(TIME))?)
}

/// Base64 over the time and the body, without anything in between.
pub(super) fn zendesk(signed: &Signed<'_>) -> Result<(), Refused> {
    const NAME: &str = "x-zendesk-webhook-signature";
    const TIME: &str = "x-zendesk-webhook-signature-timestamp";
    let given = STANDARD.decode(signed.header(NAME)?.trim()).map_err(|_| Refused::Malformed(NAME))?;
    let at = signed.header(TIME)?;
    signed.proven(&[at.as_bytes(), signed.body], &[given])?;
    let time: Timestamp = at.trim().parse().map_err(|_| Refused::Malformed(TIME))?;
    signed.fresh(time.as_second())
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
