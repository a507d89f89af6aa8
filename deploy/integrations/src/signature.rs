/*!
Verifies that a delivery comes from its system. All checks compare in constant time, over the bytes as they arrive.
Missing or wrong headers, or an old timestamp, are reported before the body is read, and the body is hashed while it
arrives. Several secrets can be valid at once, so that one can be replaced without losing a delivery. The folder of a
system says which headers it signs with.
*/

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The length of an HMAC-SHA256.
const SIGNATURE_BYTES: usize = 32;

/// How old a delivery may be, and how far the clock of its sender may differ from ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxAge {
    OneMinute,
    FiveMinutes,
}

impl MaxAge {
    fn seconds(self) -> u64 {
        match self {
            Self::OneMinute => 60,
            Self::FiveMinutes => 300,
        }
    }

    /// Refuses a delivery that was not sent recently. The check is the same for every place in which a system puts the time.
    fn check(self, now: Timestamp, sent_at_ms: i64) -> Result<(), SignatureError> {
        match now.as_millisecond().abs_diff(sent_at_ms) <= self.seconds() * 1_000 {
            true => Ok(()),
            false => Err(SignatureError::Stale(self)),
        }
    }
}

impl fmt::Display for MaxAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneMinute => "one minute",
            Self::FiveMinutes => "five minutes",
        })
    }
}

/// A delivery whose body has not arrived yet.
pub struct PendingSignature<'a> {
    pub headers: &'a HeaderMap,
    pub secrets: &'a [SecretString],
    pub now: Timestamp,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the header {0} is missing; check that the sender signs with the secret of this hook")]
    Missing(&'static str),
    #[error("the header {0} cannot be read")]
    Malformed(&'static str),
    #[error("the signature does not match the body; check that both sides use the same secret")]
    Wrong,
    #[error("the delivery is older (or newer) than {0}; check that the clocks are right")]
    Stale(MaxAge),
    #[error("the body has no {0}, so its age is unknown")]
    Timeless(&'static str),
}

/// For a system that signs no time except the one in its body: how to read it, and how old the delivery may be when it
/// begins.
struct BodyTime {
    /// Returns milliseconds since 1970.
    read: fn(&[u8]) -> Result<i64, SignatureError>,
    now: Timestamp,
    max_age: MaxAge,
}

/// The check of a body, piece by piece.
pub struct SignatureCheck(Proof);

enum Proof {
    /// The headers already proved the sender.
    Given,
    Awaited {
        /// One MAC for each valid secret.
        macs: Vec<Hmac<Sha256>>,
        signatures: Vec<Vec<u8>>,
        sent_at: Option<BodyTime>,
    },
}

impl SignatureCheck {
    /// A check that the headers already passed.
    pub(crate) fn given() -> Self {
        Self(Proof::Given)
    }

    /// Whether the sender is known before the body is read.
    pub fn is_given(&self) -> bool {
        matches!(self.0, Proof::Given)
    }

    /// Adds the next piece of the body.
    pub fn update(&mut self, piece: &[u8]) {
        if let Proof::Awaited { macs, .. } = &mut self.0 {
            macs.iter_mut().for_each(|mac| mac.update(piece));
        }
    }

    /// Checks that one of the secrets made one of the signatures over the whole body, and that the body contains what it
    /// must.
    ///
    /// # Errors
    /// What is wrong with the delivery.
    pub fn finish(self, body: &[u8]) -> Result<(), SignatureError> {
        let Proof::Awaited { macs, signatures, sent_at } = self.0 else { return Ok(()) };
        let mut fits = false;
        for mac in macs {
            for signature in &signatures {
                fits |= mac.clone().verify_slice(signature).is_ok();
            }
        }
        if !fits {
            return Err(SignatureError::Wrong);
        }
        sent_at.map_or(Ok(()), |time| time.max_age.check(time.now, (time.read)(body)?))
    }
}

impl PendingSignature<'_> {
    pub(crate) fn header(&self, name: &'static str) -> Result<&str, SignatureError> {
        let value = self.headers.get(name).ok_or(SignatureError::Missing(name))?;
        value.to_str().map_err(|_| SignatureError::Malformed(name))
    }

    /// A check of signatures over these parts and the body, made with one of the secrets.
    pub(crate) fn awaits(&self, parts: &[&[u8]], signatures: Vec<Vec<u8>>) -> SignatureCheck {
        let keys = self.secrets.iter().map(|secret| secret.expose_secret().as_bytes().to_vec());
        awaited_by(keys, parts, signatures)
    }

    /// Like [`Self::awaits`], but the body must also contain a recent time of sending: `read` finds that time, in
    /// milliseconds since 1970.
    pub(crate) fn awaits_dated(
        &self,
        signatures: Vec<Vec<u8>>,
        max_age: MaxAge,
        read: fn(&[u8]) -> Result<i64, SignatureError>,
    ) -> SignatureCheck {
        let mut check = self.awaits(&[], signatures);
        if let Proof::Awaited { sent_at, .. } = &mut check.0 {
            *sent_at = Some(BodyTime { read, now: self.now, max_age });
        }
        check
    }

    /// Refuses a delivery that was not sent recently. The time is signed, so a sender cannot change it.
    pub(crate) fn is_fresh(&self, sent_at_seconds: i64) -> Result<(), SignatureError> {
        MaxAge::FiveMinutes.check(self.now, sent_at_seconds.saturating_mul(1_000))
    }

    /// A check of a hex signature over the body, after `sha256=` in this header.
    pub(crate) fn hub(&self, name: &'static str) -> Result<SignatureCheck, SignatureError> {
        let given = self.header(name)?.strip_prefix("sha256=").ok_or(SignatureError::Malformed(name))?;
        Ok(self.awaits(&[], vec![from_hex(name, given)?]))
    }

    /// A check of a secret in plain text, as a bearer token over an encrypted connection; some systems can do no more.
    pub(crate) fn bearer(&self) -> Result<SignatureCheck, SignatureError> {
        let given = self.header("authorization")?;
        let (scheme, token) = given.split_once(' ').ok_or(SignatureError::Malformed("authorization"))?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(SignatureError::Malformed("authorization"));
        }
        self.is_secret(token.trim())
    }

    /// Whether a text is one of the secrets.
    pub(crate) fn is_secret(&self, given: &str) -> Result<SignatureCheck, SignatureError> {
        // Both sides are hashed with one key, so that the time of the comparison reveals neither length nor content.
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(b"millwright bearer") else {
            return Err(SignatureError::Wrong);
        };
        let hash = |text: &str| mac.clone().chain_update(text.as_bytes());
        let given = hash(given).finalize().into_bytes();
        let fits = self
            .secrets
            .iter()
            .fold(false, |fits, secret| fits | hash(secret.expose_secret()).verify_slice(&given).is_ok());
        if fits { Ok(SignatureCheck::given()) } else { Err(SignatureError::Wrong) }
    }
}

/// A check of signatures over these parts and the body, made with one of these keys.
pub(crate) fn awaited_by(
    keys: impl IntoIterator<Item = Vec<u8>>,
    parts: &[&[u8]],
    signatures: Vec<Vec<u8>>,
) -> SignatureCheck {
    let macs = keys.into_iter().filter_map(|key| Hmac::<Sha256>::new_from_slice(&key).ok());
    let begun = |mut mac: Hmac<Sha256>| {
        parts.iter().for_each(|part| mac.update(part));
        mac
    };
    SignatureCheck(Proof::Awaited { macs: macs.map(begun).collect(), signatures, sent_at: None })
}

/// Decodes a hex signature.
pub(crate) fn from_hex(name: &'static str, text: &str) -> Result<Vec<u8>, SignatureError> {
    let bytes = hex::decode(text.trim()).map_err(|_| SignatureError::Malformed(name))?;
    whole(name, vec![bytes]).map(|mut one| one.remove(0))
}

/// The values that have the length of a signature; without any, the body does not have to be read.
pub(crate) fn whole(
    name: &'static str,
    mut signatures: Vec<Vec<u8>>,
) -> Result<Vec<Vec<u8>>, SignatureError> {
    signatures.retain(|signature| signature.len() == SIGNATURE_BYTES);
    if signatures.is_empty() { Err(SignatureError::Malformed(name)) } else { Ok(signatures) }
}

#[cfg(test)]
#[path = "signature_testing.rs"]
pub(crate) mod testing;
#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
