/*!
What a person sees when something is wrong: the same problems as in the API, as a page that says how to go on.
*/

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::html;
use millwright_store::StoreError;
use millwright_usecases::UseCaseError;

use super::shell;
use crate::http::Problem;

pub(crate) struct PageError(pub(crate) Problem);

impl From<Problem> for PageError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl From<UseCaseError> for PageError {
    fn from(error: UseCaseError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let heading = match problem.status() {
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::FORBIDDEN => "Not allowed",
            StatusCode::CONFLICT => "Too late for that",
            StatusCode::TOO_MANY_REQUESTS => "Too many requests",
            StatusCode::SERVICE_UNAVAILABLE => "Not available now",
            status if status.is_server_error() => "Internal error",
            _ => "That did not work",
        };
        let body = html! {
            h1 { (heading) }
            p.lead { (problem.detail) "." }
            p { a.button href="/" { "To the incidents" } }
        };
        let mut response = shell::bare(heading, &body).into_response();
        problem.set_status_and_retry_after(&mut response);
        response
    }
}

/// The response for an unknown path: a page for browsers, a problem for programs.
pub(crate) async fn lost(request: Request) -> Response {
    let accepts = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let problem = Problem::not_found("there is no such route; /openapi.json lists them");
    match accepts.is_some_and(|accept| accept.contains("text/html")) {
        true => PageError(Problem::not_found("there is no such page")).into_response(),
        false => problem.into_response(),
    }
}
