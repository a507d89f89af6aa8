/*!
The caller of a request, and the store as that caller may see it: handlers take the store from here, so that no handler
reads what is hidden from its caller.
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

/// The store as the caller may see it.
pub(crate) struct CallerStore(pub(crate) Store);

/// The use cases on the incidents that the caller may see.
pub(crate) struct CallerUseCases(pub(crate) UseCases);

/// The authenticated caller, by a token or by the session of a page.
pub(crate) fn caller(extensions: &Extensions) -> Option<&Principal> {
    extensions.get::<Principal>()
}

/// The caller of a route that admits only authenticated callers.
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
