/*!
The HTTP server: connections with limits, and a shutdown that lets responses end. The accept loop is written by hand
because a slow client must not occupy a connection for free.
*/

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use crate::app::ServiceState;
use crate::http::PeerAddress;
use crate::limits::{ConnectionTable, RequestGuard};
use crate::metrics::RefusalReason;
use crate::router;

/// How long a client in the reserve has for the headers of its request.
const RESERVE_PATIENCE: Duration = Duration::from_secs(2);

/// Serves until the app has to end, then waits for open responses as long as the grace period lasts.
pub(crate) async fn serve(app: Arc<ServiceState>, router: Router, listener: TcpListener) {
    let limits = &app.settings.limits;
    let no_place = router::no_place(&app);
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
            let is_served = !place.is_reserved() || router::is_of_machines(request.uri().path());
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
                // It is not an error when a client disconnects early.
                _ = served => {}
                () = connection.evicted() => {}
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(app.settings.limits.grace, graceful.shutdown()).await;
}

/// The body of a response; its connection counts as busy until it is sent.
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
            // Usually the process is out of file descriptors: closing an idle connection makes room.
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
