/*!
The router: the one table of routes, what stands before every route and around all of them, and the document that describes them. It
alone names handlers.
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

/// The whole service as the tests and the server call it.
pub(crate) fn service(app: &Arc<ServiceState>) -> Router {
    // Compression goes last: a problem is written anew with its request's id, and must not be called compressed then.
    routes::router(app).layer(from_fn(guard::around)).layer(CompressionLayer::new())
}

/// What the listener for figures answers, without a token and nothing else.
pub(crate) fn metrics_only(app: &Arc<ServiceState>) -> Router {
    routes::metrics_only(app).layer(from_fn(guard::around)).layer(CompressionLayer::new())
}

/// What a client is told for whom there is only a place in the reserve.
pub(crate) fn no_place(app: &Arc<ServiceState>) -> Router {
    let app = app.clone();
    let refuse = move || {
        app.metrics.refused(RefusalReason::Connections);
        std::future::ready(Problem::busy(
            "too many connections are open (server.connections, server.connections_per_address); repeat in a moment",
        ))
    };
    Router::new().fallback(refuse).layer(from_fn(guard::around))
}
