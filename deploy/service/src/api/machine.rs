/*!
What other machines ask: whether the process lives, whether it can take requests, and its figures.
*/

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use crate::app::App;
use crate::http::Problem;

pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    let not_now = |why: &str| Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, why));
    if app.is_ending() {
        return not_now("the process is ending");
    }
    match app.store.count_incidents().await {
        Ok(_) => Ok("ready\n"),
        Err(error) => {
            tracing::error!(%error, "the store does not answer");
            not_now("the store does not answer; the log says why")
        }
    }
}

pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Problem> {
    let text = app.metrics.render(&app.store).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
