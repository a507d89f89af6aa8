/*!
The address at the other end of a request's connection, and how often an address or a token may ask.
*/

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::Extensions;

use super::Problem;
use crate::app::ServiceState;
use crate::metrics::RefusalReason;

/// Who is at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeerAddress(pub(crate) SocketAddr);

/// The address at the other end of a request's connection.
pub(crate) fn address(extensions: &Extensions) -> IpAddr {
    extensions.get::<PeerAddress>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip())
}

/// Counts one request against the limit of `key`; above the limit it is refused.
pub(crate) fn limit(app: &ServiceState, key: &str) -> Result<(), Problem> {
    app.limiter.take(key).map_err(|seconds| {
        app.metrics.refused(RefusalReason::Rate);
        Problem::later("too many requests (server.requests_per_minute); wait, then try again", seconds)
    })
}
