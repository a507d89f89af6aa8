/*!
Deliveries for tests: headers, a body in pieces, secrets, and the time at which they arrive.
*/

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use secrecy::SecretString;
use sha2::Sha256;

use super::{PendingSignature, SignatureCheck, SignatureError};

/// The time at which the deliveries of the tests arrive.
pub(crate) const AT: i64 = 1_700_000_000;

/// The verification of a system under test.
pub(crate) type Verify = fn(&PendingSignature<'_>) -> Result<SignatureCheck, SignatureError>;

pub(crate) fn headers_of(headers: &[(&'static str, &str)]) -> HeaderMap {
    let parsed = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
    };
    headers.iter().map(parsed).collect()
}

/// Verifies a delivery that arrives at [`AT`].
pub(crate) fn check(
    verify: Verify,
    headers: &[(&'static str, &str)],
    body: &[u8],
    secrets: &[&str],
) -> Result<(), SignatureError> {
    check_at(AT, verify, headers, body, secrets)
}

pub(crate) fn check_at(
    now: i64,
    verify: Verify,
    headers: &[(&'static str, &str)],
    body: &[u8],
    secrets: &[&str],
) -> Result<(), SignatureError> {
    let headers = headers_of(headers);
    let secrets: Vec<SecretString> = secrets.iter().map(|secret| (*secret).to_owned().into()).collect();
    let now = Timestamp::from_second(now).unwrap();
    let mut proof = verify(&PendingSignature { headers: &headers, secrets: &secrets, now })?;
    // In pieces, as over a network.
    body.chunks(5).for_each(|piece| proof.update(piece));
    proof.finish(body)
}

pub(crate) fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
}
