/*!
The signature of an export. Each installation signs its exports with a key of its own (Ed25519, RFC 8032), in a last
line over all bytes before it. Proof and approval count only in a file that a trusted key signed.
*/

use std::io::{BufRead, Read};

use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::codec::json;
use super::{Store, StoreError};

const SCHEMA: &str = "millwright.signature/1";
/// The name of the secret in the store.
const SECRET: &str = "export-key";
/// A longer last line is not a signature.
const MAX_LINE_BYTES: u64 = 4_096;

/// The last line of an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureLine {
    schema: String,
    /// The public key, 64 hex digits.
    key: String,
    /// Signature over the SHA-256 digest of everything before this line, 128 hex digits.
    signature: String,
}

/// The key of an installation.
pub(super) struct ExportKey(Ed25519KeyPair);

impl ExportKey {
    /// The key of this store; created at first use.
    pub(super) async fn open(store: &Store) -> Result<Self, StoreError> {
        let unreadable = |detail: &str| StoreError::Unreadable {
            what: "the secret",
            id: SECRET.to_owned(),
            detail: detail.to_owned(),
        };
        let fresh = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| std::io::Error::other("no random numbers are available for a key"))?;
        let kept = store.server_secret(SECRET, &hex::encode(fresh.as_ref())).await?;
        let bytes = hex::decode(&kept).map_err(|_| unreadable("it is not hexadecimal"))?;
        Ok(Self(Ed25519KeyPair::from_pkcs8(&bytes).map_err(|_| unreadable("it is not an Ed25519 key"))?))
    }

    /// The public part, 64 hex digits.
    pub(super) fn public(&self) -> String {
        hex::encode(self.0.public_key().as_ref())
    }

    /// The last line of an export whose bytes have this digest.
    pub(super) fn sign(&self, digest: &[u8]) -> Result<String, StoreError> {
        let signature = hex::encode(self.0.sign(digest).as_ref());
        let line = SignatureLine { schema: SCHEMA.to_owned(), key: self.public(), signature };
        json(&line)
    }
}

/// Whether a line is the signature line.
pub(super) fn is_signature(line: &[u8]) -> bool {
    (line.len() as u64) < MAX_LINE_BYTES
        && serde_json::from_slice::<SignatureLine>(line).is_ok_and(|line| line.schema == SCHEMA)
}

/// Reads a whole export and returns the key that signed it, 64 hex digits; `None` if there is no signature, or it is
/// not valid for the whole file.
///
/// # Errors
/// When it cannot be read.
pub fn signer_of(input: &mut dyn BufRead) -> Result<Option<String>, StoreError> {
    let mut all = Sha256::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line may be long; only its start is needed to recognise a signature.
        let read = (&mut *input).take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        if is_signature(&line) {
            let is_last = input.fill_buf()?.is_empty();
            return Ok(if is_last { checked(&line, &all.finalize()) } else { None });
        }
        all.update(&line);
    }
}

fn checked(line: &[u8], digest: &[u8]) -> Option<String> {
    let line: SignatureLine = serde_json::from_slice(line).ok()?;
    let (key, signature) = (hex::decode(&line.key).ok()?, hex::decode(&line.signature).ok()?);
    let verified = UnparsedPublicKey::new(&ED25519, key).verify(digest, &signature);
    verified.ok().map(|()| line.key.to_lowercase())
}
