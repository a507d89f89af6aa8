/*!
The key with which the service signs its own form tokens and links. There is one key per installation, in the store, so
that every process accepts what another one signed; the signatures of different purposes are independent.
*/

use hmac::{Hmac, KeyInit, Mac};
use millwright_store::{Store, StoreError};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Characters of a signature: 128 bits in hex.
const LETTERS: usize = 32;

pub(crate) struct SigningKey(SecretString);

impl SigningKey {
    /// The installation's key; the first process to ask makes it.
    pub(crate) async fn open(store: &Store) -> Result<Self, StoreError> {
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let fresh = random() + &random() + &random();
        Ok(Self(store.server_secret("seal", &fresh).await?.into()))
    }

    pub(crate) fn sign(&self, purpose: &str, text: &str) -> String {
        let mac = self.mac(purpose, text);
        let mut signature = mac.map(|mac| hex::encode(mac.finalize().into_bytes())).unwrap_or_default();
        signature.truncate(LETTERS);
        signature
    }

    pub(crate) fn holds(&self, purpose: &str, text: &str, signature: &str) -> bool {
        let Ok(bytes) = hex::decode(signature) else { return false };
        let mac = self.mac(purpose, text).filter(|_| bytes.len() * 2 == LETTERS);
        mac.is_some_and(|mac| mac.verify_truncated_left(&bytes).is_ok())
    }

    /// HMAC takes keys of any length; if a key were refused, nothing would be signed and no signature would be valid.
    fn mac(&self, purpose: &str, text: &str) -> Option<Hmac<Sha256>> {
        let mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes()).ok()?;
        Some(mac.chain_update(purpose.as_bytes()).chain_update([0]).chain_update(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use millwright_model::Scope;

    use super::*;

    #[tokio::test]
    async fn a_signature_is_for_one_purpose_one_text_and_one_installation() {
        let seal = async || {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open(dir.path().to_str().unwrap(), Scope::installation("test")).await.unwrap();
            let (first, again) =
                (SigningKey::open(&store).await.unwrap(), SigningKey::open(&store).await.unwrap());
            assert_eq!(first.sign("a", "x"), again.sign("a", "x"), "every process signs alike");
            first
        };
        let (one, other) = (seal().await, seal().await);
        let signature = one.sign("form", "x");
        assert_eq!(signature.len(), LETTERS);
        assert!(one.holds("form", "x", &signature));
        assert!(!one.holds("link", "x", &signature) && !one.holds("form", "y", &signature));
        assert!(!other.holds("form", "x", &signature));
        for wrong in ["", "00", "zz", &signature[1..], &format!("{signature}00")] {
            assert!(!one.holds("form", "x", wrong), "{wrong}");
        }
    }
}
