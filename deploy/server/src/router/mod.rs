/*!
The router: the one table of routes, the checks before every route, the layers around all of them, and the document that
describes them. Only this module names handlers.
*/

mod guard;
pub(crate) mod openapi;
pub(crate) mod routes;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use tower_http::compression::CompressionLayer;

pub(crate) use routes::is_of_machines;

use crate::app::ServiceState;
use crate::http::Problem;
use crate::metrics::RefusalReason;

/// The whole service, for the server and the tests.
pub(crate) fn service(app: &Arc<ServiceState>) -> Router {
    // Compression goes last: a problem is written again with the id of its request, and must not carry the header of a
    // compressed body then.
    routes::router(app).layer(from_fn(guard::around)).layer(CompressionLayer::new())
}

/// The router of the listener for metrics: only metrics, without a token.
pub(crate) fn metrics_only(app: &Arc<ServiceState>) -> Router {
    routes::metrics_only(app).layer(from_fn(guard::around)).layer(CompressionLayer::new())
}

/// The router for clients for which only the reserve has a place.
pub(crate) fn no_place(app: &Arc<ServiceState>) -> Router {
    let app = app.clone();
    let refuse = move || {
        app.metrics.refused(RefusalReason::Connections);
        std::future::ready(Problem::busy(
            "too many connections are open (server.connections, server.connections_per_address); try again in \
             a moment",
        ))
    };
    Router::new().fallback(refuse).layer(from_fn(guard::around))
}
