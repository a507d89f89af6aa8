/*!
Whoever asks, and what exists for them: handlers take the store from here, so that none reads what is hidden from its caller.
*/

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, StatusCode};
use millwright_store::Store;
use millwright_usecases::UseCases;

use super::Problem;
use crate::app::ServiceState;
use crate::auth::Principal;

/// The store as it exists for whoever asks.
pub(crate) struct CallerStore(pub(crate) Store);

/// What whoever asks may do to the incidents that exist for them.
pub(crate) struct CallerUseCases(pub(crate) UseCases);

/// Who was let in, by a token or by a page's session.
pub(crate) fn caller(extensions: &Extensions) -> Option<&Principal> {
    extensions.get::<Principal>()
}

/// The same where the route lets in nobody else.
pub(super) fn known_caller(extensions: &Extensions) -> Result<&Principal, Problem> {
    caller(extensions).ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "this needs a token"))
}

impl FromRequestParts<Arc<ServiceState>> for CallerStore {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<ServiceState>) -> Result<Self, Problem> {
        Ok(Self(app.store_of(known_caller(&parts.extensions)?)))
    }
}

impl FromRequestParts<Arc<ServiceState>> for CallerUseCases {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<ServiceState>) -> Result<Self, Problem> {
        Ok(Self(app.use_cases_of(known_caller(&parts.extensions)?)))
    }
}
