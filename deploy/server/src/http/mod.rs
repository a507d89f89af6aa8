/*!
Requests and responses for handlers: bodies, parameters and callers that are checked before a handler sees them, errors as
problems, responses in JSON. This module knows no handler; `router` does.
*/

mod body;
mod caller;
mod json;
mod peer;
mod problem;
mod route;
mod short_id;

pub(crate) use body::{IncidentPath, JsonBody, PathId, RawBody, UrlQuery, parse, read, refuse_unread};
pub(crate) use caller::{CallerStore, CallerUseCases, caller};
pub(crate) use json::json_of;
pub(crate) use peer::{PeerAddress, address, limit};
pub(crate) use problem::Problem;
pub(crate) use route::{RouteAccess, RoutePath, route};
