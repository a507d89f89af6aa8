/*!
Who may call a route, and which route a request was sent to. The table of all routes is in `router`.
*/

use axum::http::Extensions;

use crate::auth::TokenRole;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteAccess {
    /// Everyone; the route reveals nothing that the service stores.
    Open,
    /// Senders that sign the body with a secret of the hook.
    Signed,
    /// Tokens of this role and those above.
    Role(TokenRole),
    /// A page for people who are signed in with this role or one above; others are redirected to the sign-in.
    Page(TokenRole),
    /// A page for everyone: the sign-in itself, style sheets and scripts, the guide, and what a signed link opens.
    Visitor,
}

impl RouteAccess {
    /// Whether the route is for people in browsers; the OpenAPI document describes the other ones.
    pub(crate) fn is_page(self) -> bool {
        matches!(self, Self::Page(_) | Self::Visitor)
    }
}

/// The path, as in the table of routes, that a request was sent to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoutePath(pub(crate) &'static str);

/// The route of the request, as the table of routes writes it.
pub(crate) fn route(extensions: &Extensions) -> &'static str {
    extensions.get::<RoutePath>().map_or("", |route| route.0)
}
