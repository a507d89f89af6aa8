/*!
The HTTP server: connections with limits, the router, and a shutdown that lets answers end. Connections are served by
hand because a slow client must not hold one for free.
*/

mod body;
mod guard;
mod limiter;
pub(crate) mod openapi;
mod problem;
pub(crate) mod routes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_http::compression::CompressionLayer;

pub(crate) use body::{Asked, Id, Json, Raw, is_id, parse, room};
pub(crate) use guard::{Peer, limit};
pub(crate) use limiter::Limiter;
pub(crate) use problem::Problem;

use crate::app::App;

/// The whole service as the tests and the server call it.
pub(crate) fn service(app: &Arc<App>) -> Router {
    // Compression goes last: a problem is written anew with its request's id, and must not be called compressed then.
    routes::router(app).layer(from_fn(guard::around)).layer(CompressionLayer::new())
}

/// Serves until the app is told to end, then lets open answers end for as long as the grace lasts.
pub(crate) async fn serve(app: Arc<App>, listener: TcpListener) {
    let router = service(&app);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(app.settings.limits.connections));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = app.ended() => break,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let router = router.clone();
        let service = tower::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            tower::ServiceExt::oneshot(router.clone(), request)
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(app.settings.limits.header_patience)
            .max_headers(100);
        let connection =
            graceful.watch(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
        tokio::spawn(async move {
            // A client that goes away in the middle is nobody's error.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(app.settings.limits.grace, graceful.shutdown()).await;
}

type Accepted = (tokio::net::TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Accepted> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            let _ = stream.set_nodelay(true);
            Some((stream, peer, place))
        }
        Err(error) => {
            // Out of descriptors, mostly: others have to end first.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}
