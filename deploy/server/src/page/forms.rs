/*!
Forms for handlers, and the two checks that keep other sites from submitting them: the browser says where a request comes
from, and every form contains a token that only the pages of its reader have.
*/

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::page_error::PageError;
use crate::app::ServiceState;
use crate::http::{Problem, RawBody};

/// The form field with the CSRF token.
pub(super) const WORD: &str = "csrf";

/// The fields of a form.
pub(super) struct FormFields<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<ServiceState>> for FormFields<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &Arc<ServiceState>) -> Result<Self, PageError> {
        let RawBody(bytes) = RawBody::from_request(request, app).await?;
        serde_urlencoded::from_bytes(&bytes).map(Self).map_err(|error| {
            let why: String = error.to_string().chars().filter(|c| !c.is_control()).take(200).collect();
            Problem::unprocessable(format!("the form is invalid: {why}")).into()
        })
    }
}

/// The CSRF token in the body of a form.
pub(super) fn word_in(body: &[u8]) -> Option<String> {
    let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(body).ok()?;
    fields.into_iter().find(|(name, _)| name == WORD).map(|(_, value)| value)
}

/// Refuses a request that another site made a browser send.
pub(super) fn comes_from_here(headers: &HeaderMap) -> Result<(), PageError> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let here = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        // A browser that sends only `Origin`: it must be our own host.
        (None, Some(origin)) => {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
            origin.split_once("://").map(|(_, origin)| origin) == host
        }
        // Not a browser.
        (None, None) => true,
    };
    match here {
        true => Ok(()),
        false => Err(PageError(Problem::new(
            StatusCode::FORBIDDEN,
            "this form was sent from another site; open the page here and send the form again",
        ))),
    }
}

/// A field that was filled in.
pub(super) fn filled(field: Option<String>) -> Option<String> {
    field.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_site_sends_is_told_apart() {
        let from = |pairs: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            headers.insert("host", "mill.example:7070".parse().unwrap());
            for (name, value) in pairs {
                headers.insert(header::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
            }
            comes_from_here(&headers).is_ok()
        };
        assert!(
            from(&[]) && from(&[("sec-fetch-site", "same-origin")]) && from(&[("sec-fetch-site", "none")])
        );
        assert!(from(&[("origin", "https://mill.example:7070")]));
        assert!(!from(&[("sec-fetch-site", "cross-site")]) && !from(&[("sec-fetch-site", "same-site")]));
        assert!(!from(&[("origin", "https://evil.example")]) && !from(&[("origin", "null")]));
        assert!(!from(&[("sec-fetch-site", "cross-site"), ("origin", "https://mill.example:7070")]));
    }
}
