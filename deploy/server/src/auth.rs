/*!
Authenticates callers and says what they may do. A token is `mw_ID_SECRET`; the store keeps only a hash of the secret.
Roles are ordered, and each includes the ones before it. Without a token nobody is let in, except on the loopback address
when the operator allows it. Then the request must also name this host, because a page in a browser can reach the loopback
address, too.
*/

use millwright_model::{RepositoryName, VisibleSet};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use millwright_store::{AccessToken, Actor, Store, StoreError};
pub(crate) use millwright_usecases::Principal;
pub use millwright_usecases::TokenRole;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How often the last use of a token is stored.
const NOTE_USE_EVERY: Duration = Duration::from_secs(60);

/// Why a caller is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthError {
    NoToken,
    /// The token is unknown, wrong, expired or revoked; callers are not told which.
    BadToken,
    /// A request without a token on the loopback address names another host.
    Elsewhere,
}

/// When the last use of each token was stored.
#[derive(Debug, Default)]
pub(crate) struct TokenUseLog(Mutex<HashMap<String, Instant>>);

impl TokenUseLog {
    pub(crate) async fn authenticate(
        &self,
        store: &Store,
        headers: &HeaderMap,
        anonymous: bool,
    ) -> Result<Result<Principal, AuthError>, StoreError> {
        let Some(given) = headers.get(header::AUTHORIZATION) else {
            return Ok(match anonymous {
                false => Err(AuthError::NoToken),
                true if is_meant_for_here(headers) => Ok(Principal::anonymous()),
                true => Err(AuthError::Elsewhere),
            });
        };
        let bearer = given.to_str().ok().and_then(|text| text.split_once(' '));
        let token = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, token)) = token else { return Ok(Err(AuthError::BadToken)) };
        let known = self.know(store, token.trim()).await?;
        Ok(known.map(|(_, principal)| principal).ok_or(AuthError::BadToken))
    }

    /// Finds the owner of the token `text`, if there is one and the token is valid.
    pub(crate) async fn know(
        &self,
        store: &Store,
        text: &str,
    ) -> Result<Option<(AccessToken, Principal)>, StoreError> {
        let Some((id, secret)) = parts(text) else { return Ok(None) };
        let Some((token, hash)) = store.find_token(id).await? else { return Ok(None) };
        if !is_same(&sha256(secret), &hash) {
            return Ok(None);
        }
        self.recognise(store, token).await
    }

    /// The holder of this token, as long as it is valid.
    pub(crate) async fn recognise(
        &self,
        store: &Store,
        token: AccessToken,
    ) -> Result<Option<(AccessToken, Principal)>, StoreError> {
        let (Ok(role), true) = (token.role.parse(), is_valid(&token)) else { return Ok(None) };
        if self.is_due(&token.id) {
            store.token_used(&token.id).await?;
        }
        let name = format!("{} ({})", token.name, token.id);
        let principal = Principal {
            name,
            role,
            key: token.id.clone(),
            repositories: token.repositories.clone(),
            conversations: role.conversations(),
        };
        Ok(Some((token, principal)))
    }

    fn is_due(&self, id: &str) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match noted.get(id) {
            Some(last) if now.duration_since(*last) < NOTE_USE_EVERY => false,
            _ => {
                noted.insert(id.to_owned(), now);
                true
            }
        }
    }
}

fn parts(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.strip_prefix("mw_")?.split_once('_')?;
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
    (token.len() <= 200 && plain(id) && plain(secret)).then_some((id, secret))
}

pub(crate) fn sha256(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Compares in constant time.
fn is_same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// Whether this principal is still let in: a stream outlives the request that asked for it.
pub(crate) async fn is_let_in_still(store: &Store, principal: &Principal) -> Result<bool, StoreError> {
    if principal.key == Principal::anonymous().key {
        return Ok(true);
    }
    Ok(store.find_token(&principal.key).await?.is_some_and(|(token, _)| is_valid(&token)))
}

pub(crate) fn is_valid(token: &AccessToken) -> bool {
    let now = millwright_store::now();
    token.revoked_at.is_none() && token.expires_at.is_none_or(|at| at > now)
}

/// A page of another site can make a browser send requests to this machine. Such a request either has another host name
/// (unless the site pointed its own name here) or says which site it comes from.
pub(crate) fn is_meant_for_here(headers: &HeaderMap) -> bool {
    let local = |host: &str| {
        let name = host.rsplit_once(':').map_or(host, |(name, port)| match port.parse::<u16>() {
            Ok(_) => name,
            Err(_) => host,
        });
        matches!(name, "localhost" | "127.0.0.1" | "[::1]")
    };
    let text = |name| headers.get(name).map(|value: &axum::http::HeaderValue| value.to_str().unwrap_or("?"));
    let host = text(header::HOST).is_some_and(local);
    let origin = text(header::ORIGIN).is_none_or(|origin| {
        origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")).is_some_and(local)
    });
    host && origin
}

/// A token that was just made; the secret is shown once.
#[derive(Debug)]
pub struct NewToken {
    pub token: AccessToken,
    pub text: String,
}

/// What a new token should be.
#[derive(Debug, Clone)]
pub struct TokenRequest<'a> {
    /// Who owns it, or what it is for.
    pub name: &'a str,
    pub role: TokenRole,
    /// The token sees only the incidents of these repositories.
    pub repositories: VisibleSet<RepositoryName>,
    /// `None`: until it is revoked.
    pub valid_for: Option<Duration>,
}

impl<'a> TokenRequest<'a> {
    /// A token that sees everything and is valid until it is revoked.
    pub fn new(name: &'a str, role: TokenRole) -> Self {
        Self { name, role, repositories: VisibleSet::All, valid_for: None }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error(
        "an admin token is for the whole installation, so it cannot be bound to repositories; make it a \
         responder, or leave the repositories out"
    )]
    BoundAdmin,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a token.
///
/// # Errors
/// When a token of this kind is not allowed, or the store cannot save it.
pub async fn create_token(
    store: &Store,
    request: TokenRequest<'_>,
    by: Actor<'_>,
) -> Result<NewToken, TokenError> {
    let TokenRequest { name, role, repositories, valid_for } = request;
    if role == TokenRole::Admin && !repositories.is_all() {
        return Err(TokenError::BoundAdmin);
    }
    let random = || uuid::Uuid::new_v4().simple().to_string();
    let (id, secret) = (random().chars().take(12).collect::<String>(), random() + &random());
    let now = millwright_store::now();
    let token = AccessToken {
        id: id.clone(),
        name: name.chars().filter(|c| !c.is_control()).take(80).collect(),
        role: role.as_str().to_owned(),
        repositories,
        created_at: now,
        created_by: by.who.to_owned(),
        expires_at: valid_for.map(|time| now.later_by(time)),
        revoked_at: None,
        last_used_at: None,
    };
    store.add_token(&token, &sha256(&secret), by).await?;
    Ok(NewToken { text: format!("mw_{id}_{secret}"), token })
}

/// Makes a token that replaces another, which stays valid for `overlap`.
///
/// # Errors
/// When no valid token has this id.
pub async fn rotate_token(
    store: &Store,
    id: &str,
    overlap: Duration,
    by: Actor<'_>,
) -> Result<NewToken, TokenError> {
    let missing = || StoreError::NotFound { what: "valid token", id: id.chars().take(80).collect() };
    let (old, _) = store.find_token(id).await?.ok_or_else(missing)?;
    if !is_valid(&old) {
        return Err(missing().into());
    }
    let role = old.role.parse().map_err(|_| missing())?;
    let until = millwright_store::now().later_by(overlap);
    let life = |old: &AccessToken| Duration::try_from(old.expires_at?.since(old.created_at)).ok();
    let request =
        TokenRequest { name: &old.name, role, repositories: old.repositories.clone(), valid_for: life(&old) };
    let new = create_token(store, request, by).await?;
    store.end_token(id, Some(until), by).await?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use millwright_model::Scope;

    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_what_is_meant_for_this_machine_passes_without_a_token() {
        let meant = |host: &str, origin: Option<&str>| {
            let mut pairs = vec![(header::HOST, host)];
            pairs.extend(origin.map(|origin| (header::ORIGIN, origin)));
            is_meant_for_here(&headers(&pairs))
        };
        assert!(meant("127.0.0.1:7070", None) && meant("localhost", None) && meant("[::1]:7070", None));
        assert!(meant("localhost:7070", Some("http://localhost:7070")));
        assert!(!meant("evil.example:7070", None), "a name that was pointed here");
        assert!(!meant("127.0.0.1:7070", Some("https://evil.example")));
        assert!(!meant("127.0.0.1:7070", Some("null")));
        assert!(!is_meant_for_here(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn tokens_expire_are_rotated_and_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().to_str().unwrap(), Scope::installation("test")).await.unwrap();
        let by = Actor { who: "anna", why: "test" };
        let sessions = TokenUseLog::default();
        let ask = async |text: &str| {
            let headers = headers(&[(header::AUTHORIZATION, &format!("Bearer {text}"))]);
            sessions.authenticate(&store, &headers, false).await.unwrap()
        };
        let day = Duration::from_secs(86_400);
        let token = |name: &'static str, role: TokenRole, valid_for: Option<Duration>| TokenRequest {
            valid_for,
            ..TokenRequest::new(name, role)
        };
        let made = create_token(&store, token("ci", TokenRole::Support, Some(day)), by).await.unwrap();
        assert_eq!(ask(&made.text).await.unwrap().role, TokenRole::Support);
        assert!(store.find_token(&made.token.id).await.unwrap().unwrap().0.last_used_at.is_some());
        let mut wrong = made.text.clone();
        wrong.pop();
        for text in [&wrong, "mw_x_y", "mw__", "", "nonsense", &format!("{}x", made.text)] {
            assert_eq!(ask(text).await.unwrap_err(), AuthError::BadToken, "{text}");
        }
        let old =
            create_token(&store, token("old", TokenRole::Admin, Some(Duration::ZERO)), by).await.unwrap();
        assert_eq!(ask(&old.text).await.unwrap_err(), AuthError::BadToken);

        // A rotation keeps the repositories that a token is bound to; a bound token cannot be an administrator's.
        let shop = VisibleSet::Only([RepositoryName::parse("shop").unwrap()].into());
        let bound = |role| TokenRequest { repositories: shop.clone(), ..token("team", role, None) };
        let team = create_token(&store, bound(TokenRole::Responder), by).await.unwrap();
        let turned = rotate_token(&store, &team.token.id, day, by).await.unwrap();
        assert_eq!(ask(&turned.text).await.unwrap().repositories, shop);
        assert!(matches!(
            create_token(&store, bound(TokenRole::Admin), by).await.unwrap_err(),
            TokenError::BoundAdmin
        ));

        let kept = rotate_token(&store, &made.token.id, day, by).await.unwrap();
        assert!(ask(&made.text).await.is_ok() && ask(&kept.text).await.is_ok());
        let next = rotate_token(&store, &kept.token.id, Duration::ZERO, by).await.unwrap();
        assert!(ask(&kept.text).await.is_err() && ask(&next.text).await.is_ok());
        store.end_token(&next.token.id, None, by).await.unwrap();
        assert!(ask(&next.text).await.is_err());
        assert!(rotate_token(&store, &next.token.id, day, by).await.is_err());
        let stored = std::fs::read(dir.path().join("millwright.db")).unwrap();
        let secret = made.text.rsplit('_').next().unwrap().as_bytes();
        assert!(!stored.windows(secret.len()).any(|window| window == secret), "a secret is never kept");
    }
}
