/*!
Who may call a route, and to which one a request was sent. Which routes there are is in the table of `router`.
*/

use axum::http::Extensions;

use crate::auth::TokenRole;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteAccess {
    /// Everybody; it tells nothing of what is known.
    Open,
    /// Whoever signs the body with a secret of the hook.
    Signed,
    /// Tokens of this role and those above.
    Role(TokenRole),
    /// A page for whoever is signed in with this role or one above; others are led to the sign-in.
    Page(TokenRole),
    /// A page for everybody: the sign-in itself, how pages look, the guide, and what a signed link opens.
    Visitor,
}

impl RouteAccess {
    /// Whether it is for people in browsers; the others are described to programs.
    pub(crate) fn is_page(self) -> bool {
        matches!(self, Self::Page(_) | Self::Visitor)
    }
}

/// The path of the table that a request was sent to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoutePath(pub(crate) &'static str);

/// Where the request was sent to, as the table of routes writes it.
pub(crate) fn route(extensions: &Extensions) -> &'static str {
    extensions.get::<RoutePath>().map_or("", |route| route.0)
}
