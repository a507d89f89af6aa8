/*!
How systems prove that a delivery is theirs. All compare in constant time, over the bytes as they arrive: what the
headers lack or get wrong, or that they are old, is told before the body is read, and a body is hashed while it comes in. Several secrets can be
valid at once, so that one can be replaced without losing a delivery. Which headers a system signs with is known in its folder.
*/

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How far the clock of the sender may be from ours, and how old a delivery may be.
const WINDOW_SECONDS: u64 = 300;
/// Of HMAC-SHA256.
const SIGNATURE_BYTES: usize = 32;

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
    #[error("the delivery is older (or newer) than five minutes; see that the clocks are right")]
    Stale,
    /// The time stands in the signed body.
    #[error("{0}")]
    Body(&'static str),
}

/// What a signed body has to say beyond its signature, at the time when the delivery began.
pub type BodyCheck = fn(&[u8], Timestamp) -> Result<(), SignatureError>;

/// What is to be proven by the body, piece by piece.
pub struct SignatureCheck(Proof);

enum Proof {
    /// The headers alone were enough.
    Given,
    Awaited {
        /// One for each secret that is valid.
        macs: Vec<Hmac<Sha256>>,
        signatures: Vec<Vec<u8>>,
        then: Option<(BodyCheck, Timestamp)>,
    },
}

impl SignatureCheck {
    /// The headers alone are enough.
    pub(crate) fn given() -> Self {
        Self(Proof::Given)
    }

    /// With something that the signed body has to say as well.
    pub fn and(self, check: BodyCheck, now: Timestamp) -> Self {
        Self(match self.0 {
            Proof::Given => Proof::Given,
            Proof::Awaited { macs, signatures, .. } => {
                Proof::Awaited { macs, signatures, then: Some((check, now)) }
            }
        })
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
        let Proof::Awaited { macs, signatures, then } = self.0 else { return Ok(()) };
        let mut fits = false;
        for mac in macs {
            for signature in &signatures {
                fits |= mac.clone().verify_slice(signature).is_ok();
            }
        }
        if !fits {
            return Err(SignatureError::Wrong);
        }
        then.map_or(Ok(()), |(check, now)| check(body, now))
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

    /// Refuses what was not sent about now. Whoever changes that time to get by finds that it is signed, too.
    pub(crate) fn is_fresh(&self, sent_at_seconds: i64) -> Result<(), SignatureError> {
        let age = self.now.as_second().abs_diff(sent_at_seconds);
        if age <= WINDOW_SECONDS { Ok(()) } else { Err(SignatureError::Stale) }
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
    SignatureCheck(Proof::Awaited { macs: macs.map(begun).collect(), signatures, then: None })
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
