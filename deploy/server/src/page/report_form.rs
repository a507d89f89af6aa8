/*!
The form for a new incident. It does the same as `POST /v1/incidents`, with a list of services to choose from.
*/

use crate::http::CallerStore;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use millwright_usecases::{DeliveryKey, IncidentReport, UseCaseError};
use serde::Deserialize;

use super::forms::{FormFields, filled};
use super::page_error::PageError;
use super::session::PageSession;
use super::shell::{self, NavigationItem};
use super::{format, inbox};
use crate::app::ServiceState;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReportForm {
    title: String,
    body: String,
    service: Option<String>,
    environment: Option<String>,
    release: Option<String>,
    /// Generated with the form, so that a form sent twice is one report.
    once: Option<String>,
}

pub(super) async fn show(
    State(app): State<Arc<ServiceState>>,
    CallerStore(store): CallerStore,
    Extension(visit): Extension<PageSession>,
) -> Result<Response, PageError> {
    let services = inbox::services(&app, &visit.principal, &store).await?;
    Ok(shell::page(
        &visit,
        NavigationItem::Incidents,
        "Report an incident",
        &form(&visit, &services, &ReportForm::default(), None),
    ))
}

fn form(visit: &PageSession, services: &[String], filled: &ReportForm, wrong: Option<&str>) -> Markup {
    html! {
        div.narrow {
            h1 { "Report an incident" }
            @if let Some(wrong) = wrong { p.told.bad role="alert" { "Not sent: " (wrong) "." } }
            form.stack method="post" action="/incidents" {
                (visit.csrf_field())
                input type="hidden" name="once" value=(uuid::Uuid::new_v4().simple());
                label for="title" { "What goes wrong, in one line" }
                input #title name="title" required maxlength="500" value=(filled.title) autocomplete="off";
                label for="body" { "Everything you know" }
                p.hint #body-hint { "What was seen, stack traces, log lines, failing tests; paste them as they are. Secrets are masked before anything is kept." }
                textarea #body name="body" rows="10" aria-describedby="body-hint" spellcheck="false" { (filled.body) }
                div.beside {
                    div {
                        label for="service" { "Service" }
                        input #service name="service" maxlength="200" list="services" value=[filled.service.as_deref()] autocomplete="off";
                        datalist #services { @for service in services { option value=(format::short(service, 200)) {} } }
                    }
                    div {
                        label for="environment" { "Environment" }
                        input #environment name="environment" maxlength="200" value=[filled.environment.as_deref()] autocomplete="off";
                    }
                    div {
                        label for="release" { "Release" }
                        input #release name="release" maxlength="200" value=[filled.release.as_deref()] autocomplete="off";
                    }
                }
                button type="submit" { "Investigate" }
            }
        }
    }
}

pub(super) async fn send(
    State(app): State<Arc<ServiceState>>,
    CallerStore(store): CallerStore,
    Extension(visit): Extension<PageSession>,
    FormFields(fields): FormFields<ReportForm>,
) -> Result<Response, PageError> {
    let report = IncidentReport {
        title: fields.title.trim().to_owned(),
        body: fields.body.clone(),
        service: filled(fields.service.clone()),
        environment: filled(fields.environment.clone()),
        release: filled(fields.release.clone()),
        source: Some("page".to_owned()),
        external_id: None,
        attachments: Vec::new(),
        overlay: Vec::new(),
    };
    // The browser's history can send a form again.
    let delivery = fields.once.as_deref().filter(|once| !once.is_empty()).map(|once| {
        let said =
            [&fields.service, &fields.environment, &fields.release].map(|f| f.as_deref().unwrap_or_default());
        let parts = [&[&*visit.principal.key, once, &*fields.title, &*fields.body][..], &said].concat();
        DeliveryKey::Form { parts: parts.into_iter().map(str::to_owned).collect() }
    });
    match app.intake.report(&visit.principal, report, delivery).await {
        Ok(taken) => {
            app.metrics.reported(&taken);
            Ok(Redirect::to(&format!("/incidents/{}", taken.id)).into_response())
        }
        // Shows the form again with the text that the person typed.
        Err(UseCaseError::Invalid { what }) => {
            let services = inbox::services(&app, &visit.principal, &store).await?;
            let body = form(&visit, &services, &fields, Some(&what));
            let page = shell::page(&visit, NavigationItem::Incidents, "Report an incident", &body);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
