/*!
Errors as `application/problem+json` (RFC 9457): what was wrong, and how to fix it.
*/

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use millwright_model::IncidentId;
use millwright_store::StoreError;
use millwright_usecases::UseCaseError;
use schemars::JsonSchema;
use serde::Serialize;

/// An error, as clients get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the status says which kind it is.
    #[serde(rename = "type")]
    kind: &'static str,
    pub(crate) status: u16,
    pub(crate) title: String,
    /// What was wrong, and how to fix it.
    pub(crate) detail: String,
    /// The id of the request, as in the header `x-request-id` and in the log.
    pub(crate) request_id: Option<String>,
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            status: status.as_u16(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            detail: detail.into(),
            request_id: None,
            retry_after: None,
        }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    pub(crate) fn later(detail: impl Into<String>, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// It can be taken in a moment.
    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        Self { retry_after: Some(2), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// Sets the status and `Retry-After` of a response that has a body of its own.
    pub(crate) fn set_status_and_retry_after(&self, response: &mut Response) {
        *response.status_mut() = self.status();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<StoreError> for Problem {
    /// What an error of the store means is said by the use cases, for all channels alike.
    fn from(error: StoreError) -> Self {
        UseCaseError::from(error).into()
    }
}

impl Problem {
    /// Of a store that failed, rather than of what was asked.
    fn of_failed_store(error: &StoreError) -> Self {
        match error {
            // Callers that are not authenticated yet get this error, too, so only the log says where the database is.
            StoreError::Busy | StoreError::Lost { .. } | StoreError::Away { .. } => {
                tracing::error!(event = "store.failed", %error, "the store does not answer");
                let problem = Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the store does not answer; try again in a moment (the log says why)",
                );
                Self { retry_after: Some(5), ..problem }
            }
            StoreError::Server { .. } | StoreError::DiskFull { .. } | StoreError::ReadOnly { .. } => {
                tracing::error!(event = "store.failed", %error, "the store refused");
                let problem = Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the store cannot accept this now; try again in a moment (the log says why)",
                );
                Self { retry_after: Some(5), ..problem }
            }
            other => {
                tracing::error!(event = "store.failed", error = %other, "the store failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the store failed; the log says why")
            }
        }
    }
}

impl From<UseCaseError> for Problem {
    fn from(error: UseCaseError) -> Self {
        let detail = error.to_string();
        match error {
            UseCaseError::NotFound { .. } => Self::not_found(detail),
            UseCaseError::Invalid { .. } => Self::unprocessable(detail),
            UseCaseError::Forbidden { .. } => Self::new(StatusCode::FORBIDDEN, detail),
            UseCaseError::TooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail),
            UseCaseError::Conflict { .. }
            | UseCaseError::NothingToJudge
            | UseCaseError::Ambiguous { .. }
            | UseCaseError::LinkSpent => Self::conflict(detail),
            UseCaseError::OtherContent { incident } => other_content(incident),
            UseCaseError::Busy { .. } => Self::busy(detail),
            UseCaseError::Failed { .. } => {
                tracing::error!(event = "request.failed", error = %detail, "a request failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "it failed here, not in what was asked; the log says why",
                )
            }
            UseCaseError::Store(error) => Self::of_failed_store(&error),
        }
    }
}

/// A key that was used for another report, in the word of the header that holds it.
fn other_content(incident: Option<IncidentId>) -> Problem {
    let incident = incident.map(|incident| format!(" ({incident})")).unwrap_or_default();
    Problem::conflict(format!(
        "this idempotency-key was used before for another report{incident}; use a new key for a new report"
    ))
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = serde_json::to_vec(&self).unwrap_or_default().into_response();
        self.set_status_and_retry_after(&mut response);
        let status = response.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"millwright\""));
        }
        // The outer layers complete the problem from this extension.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_case_that_is_refused_has_a_status_of_its_own_meaning() {
        let missing = || StoreError::NotFound { what: "incident", id: "inc_1".into() };
        let refused: [(UseCaseError, u16); 9] = [
            (StoreError::OutsideScope.into(), 403),
            (missing().into(), 404),
            (UseCaseError::invalid("text must be 1 to 8000 characters"), 422),
            (UseCaseError::conflict("this was decided already"), 409),
            (UseCaseError::NothingToJudge, 409),
            (StoreError::LinkSpent.into(), 409),
            (StoreError::TooLarge { what: "a report", found: 2, limit: 1 }.into(), 413),
            (UseCaseError::Busy { why: "try again in a moment".into() }, 503),
            (StoreError::Lost { detail: "10.0.0.1 reset".into() }.into(), 503),
        ];
        for (error, status) in refused {
            let text = error.to_string();
            let problem = Problem::from(error);
            assert_eq!(problem.status, status, "{text}");
            assert!(!problem.detail.contains("10.0.0.1"), "{text}");
        }
        assert_eq!(Problem::from(UseCaseError::from(missing())), Problem::from(missing()));
    }

    #[test]
    fn a_store_that_is_away_is_not_named_to_whoever_asks() {
        let away = StoreError::Away { server: "shop at db.internal:5432".into(), detail: "refused".into() };
        let problem = Problem::from(away);
        assert_eq!((problem.status, problem.retry_after), (503, Some(5)));
        assert!(!problem.detail.contains("db.internal") && problem.detail.contains("does not answer"));
    }
}
