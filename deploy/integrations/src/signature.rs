/*!
How systems prove that a delivery is theirs. All compare in constant time, over the bytes as they arrive: what the
headers lack or get wrong, or that they are old, is told before the body is read, and a body is hashed while it comes in. Several secrets can be
valid at once, so that one can be replaced without losing a delivery. Which headers a system signs with is known in its folder.
*/

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Of HMAC-SHA256.
const SIGNATURE_BYTES: usize = 32;

/// How old a delivery may be, and how far the clock of its sender from ours.
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

    /// Refuses what was not sent about now. Wherever a system says when that was, it is judged here.
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

/// A delivery whose body is still to come.
pub struct PendingSignature<'a> {
    pub headers: &'a HeaderMap,
    pub secrets: &'a [SecretString],
    pub now: Timestamp,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the header {0} is missing; see that the sender signs with the secret of this hook")]
    Missing(&'static str),
    #[error("the header {0} cannot be read")]
    Malformed(&'static str),
    #[error("the signature does not fit the body; see that both sides use the same secret")]
    Wrong,
    #[error("the delivery is older (or newer) than {0}; see that the clocks are right")]
    Stale(MaxAge),
    #[error("the body has no {0}, so how old it is cannot be told")]
    Timeless(&'static str),
}

/// Where a system signs no time but that in its body: how it is read there, and how old the delivery may be when it begins.
struct BodyTime {
    /// In milliseconds since 1970.
    read: fn(&[u8]) -> Result<i64, SignatureError>,
    now: Timestamp,
    max_age: MaxAge,
}

/// What is to be proven by the body, piece by piece.
pub struct SignatureCheck(Proof);

enum Proof {
    /// The headers alone were enough.
    Given,
    Awaited {
        /// One for each secret that is valid.
        macs: Vec<Hmac<Sha256>>,
        signatures: Vec<Vec<u8>>,
        sent_at: Option<BodyTime>,
    },
}

impl SignatureCheck {
    /// The headers alone are enough.
    pub(crate) fn given() -> Self {
        Self(Proof::Given)
    }

    /// Whether the sender is known before the body is read.
    pub fn is_given(&self) -> bool {
        matches!(self.0, Proof::Given)
    }

    /// The next piece of the body.
    pub fn update(&mut self, piece: &[u8]) {
        if let Proof::Awaited { macs, .. } = &mut self.0 {
            macs.iter_mut().for_each(|mac| mac.update(piece));
        }
    }

    /// Whether one of the secrets made one of the signatures of the whole, and the whole says what it must.
    ///
    /// # Errors
    /// What is wrong with it.
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

    /// Signatures over these parts and the body, by one of the secrets.
    pub(crate) fn awaits(&self, parts: &[&[u8]], signatures: Vec<Vec<u8>>) -> SignatureCheck {
        let keys = self.secrets.iter().map(|secret| secret.expose_secret().as_bytes().to_vec());
        awaited_by(keys, parts, signatures)
    }

    /// The same where the body also has to say that it was sent about now: `read` finds in it when that was, in milliseconds
    /// since 1970.
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

    /// Refuses what was not sent about now. Whoever changes that time to get by finds that it is signed, too.
    pub(crate) fn is_fresh(&self, sent_at_seconds: i64) -> Result<(), SignatureError> {
        MaxAge::FiveMinutes.check(self.now, sent_at_seconds.saturating_mul(1_000))
    }

    /// A signature in hex over the body, behind `sha256=` in this header.
    pub(crate) fn hub(&self, name: &'static str) -> Result<SignatureCheck, SignatureError> {
        let given = self.header(name)?.strip_prefix("sha256=").ok_or(SignatureError::Malformed(name))?;
        Ok(self.awaits(&[], vec![from_hex(name, given)?]))
    }

    /// A secret in the open, over an encrypted connection, as a bearer's: all that some systems can.
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
        // Both sides hashed with one key, so that neither length nor content shows in the time it takes.
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

/// Signatures over these parts and the body, by one of these keys.
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

/// A signature in hex.
pub(crate) fn from_hex(name: &'static str, text: &str) -> Result<Vec<u8>, SignatureError> {
    let bytes = hex::decode(text.trim()).map_err(|_| SignatureError::Malformed(name))?;
    whole(name, vec![bytes]).map(|mut one| one.remove(0))
}

/// Those that can be signatures at all; without any there is no need to read the body.
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
