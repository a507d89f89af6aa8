/*!
The HTTP server: connections with limits, the router, and a shutdown that lets answers end. Connections are served by
hand because a slow client must not hold one for free.
*/

mod body;
mod body_budget;
mod caller;
mod connections;
mod guard;
mod limiter;
pub(crate) mod openapi;
mod problem;
pub(crate) mod routes;
mod short_id;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::middleware::from_fn;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tower_http::compression::CompressionLayer;

pub(crate) use body::{IncidentPath, JsonBody, PathId, RawBody, UrlQuery, parse, read, refuse_unread};
pub(crate) use body_budget::{BodyBudget, BodySender};
pub(crate) use caller::{CallerStore, CallerUseCases, caller};
pub(crate) use connections::network;
pub(crate) use guard::{PeerAddress, address, limit, route};
pub(crate) use limiter::RateLimiter;
pub(crate) use problem::Problem;

use connections::{ConnectionTable, RequestGuard};

use crate::app::ServiceState;
use crate::metrics::RefusalReason;

/// How long a client in the reserve has for the headers of its request.
const RESERVE_PATIENCE: Duration = Duration::from_secs(2);

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
fn no_place(app: &Arc<ServiceState>) -> Router {
    let app = app.clone();
    let refuse = move || {
        app.metrics.refused(RefusalReason::Connections);
        std::future::ready(Problem::busy(
            "too many connections are open (server.connections, server.connections_per_address); repeat in a moment",
        ))
    };
    Router::new().fallback(refuse).layer(from_fn(guard::around))
}

/// Serves until the app is told to end, then lets open answers end for as long as the grace lasts.
pub(crate) async fn serve(app: Arc<ServiceState>, router: Router, listener: TcpListener) {
    let limits = &app.settings.limits;
    let no_place = no_place(&app);
    let graceful = GracefulShutdown::new();
    let all = ConnectionTable::new(limits.connections, limits.connections_per_address);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &all) => accepted,
            () = app.ended() => break,
        };
        let Some((stream, peer)) = accepted else { continue };
        let Some(connection) = all.admit(peer.ip()).map(Arc::new) else {
            app.metrics.refused(RefusalReason::Connections);
            continue;
        };
        let mut http = hyper::server::conn::http1::Builder::new();
        let patience = match connection.is_reserved() {
            true => limits.header_patience.min(RESERVE_PATIENCE),
            false => limits.header_patience,
        };
        http.timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_headers(100)
            .keep_alive(!connection.is_reserved());
        let (router, no_place, place) = (router.clone(), no_place.clone(), connection.clone());
        let service = tower::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            let turn = place.begin();
            request.extensions_mut().insert(PeerAddress(peer));
            request.extensions_mut().insert(place.clone());
            let is_served = !place.is_reserved() || routes::is_of_machines(request.uri().path());
            let router = if is_served { router.clone() } else { no_place.clone() };
            async move {
                let response = tower::ServiceExt::oneshot(router, request).await;
                response.map(|response| response.map(|body| Answer { body, _turn: turn }))
            }
        });
        let served =
            graceful.watch(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
        tokio::spawn(async move {
            tokio::select! {
                // A client that goes away in the middle is nobody's error.
                _ = served => {}
                () = connection.evicted() => {}
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(app.settings.limits.grace, graceful.shutdown()).await;
}

/// The body of an answer, which keeps its connection from resting until it is sent.
struct Answer {
    body: Body,
    _turn: RequestGuard,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

async fn accept(listener: &TcpListener, all: &ConnectionTable) -> Option<(TcpStream, SocketAddr)> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            let _ = stream.set_nodelay(true);
            Some((stream, peer))
        }
        Err(error) => {
            // Out of descriptors, mostly: one that can be spared makes room.
            tracing::warn!(%error, "a connection could not be accepted");
            all.spare_one();
            tokio::time::sleep(Duration::from_millis(20)).await;
            None
        }
    }
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
