/*!
A new incident, written by a person. The same as `POST /v1/incidents`, with the service to choose from.
*/

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::door::Visit;
use super::forms::{Form, filled};
use super::shell::{self, Here};
use super::trouble::Trouble;
use super::{inbox, words};
use crate::api::incidents::{Report, report_by};
use crate::app::App;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filled {
    title: String,
    body: String,
    service: Option<String>,
    environment: Option<String>,
    release: Option<String>,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Trouble> {
    let services = inbox::services(&app).await?;
    Ok(shell::page(
        &visit,
        Here::Incidents,
        "Report an incident",
        &form(&visit, &services, &Filled::default(), None),
    ))
}

fn form(visit: &Visit, services: &[String], filled: &Filled, wrong: Option<&str>) -> Markup {
    html! {
        div.narrow {
            h1 { "Report an incident" }
            @if let Some(wrong) = wrong { p.told.bad role="alert" { "Not sent: " (wrong) "." } }
            form.stack method="post" action="/incidents" {
                (visit.csrf_field())
                label for="title" { "What goes wrong, in a line" }
                input #title name="title" required maxlength="500" value=(filled.title) autocomplete="off";
                label for="body" { "Everything you know" }
                p.hint #body-hint { "What was seen, stack traces, log lines, failing tests; paste them as they are. Secrets are masked before anything is kept." }
                textarea #body name="body" rows="10" aria-describedby="body-hint" spellcheck="false" { (filled.body) }
                div.beside {
                    div {
                        label for="service" { "Service" }
                        input #service name="service" maxlength="200" list="services" value=[filled.service.as_deref()] autocomplete="off";
                        datalist #services { @for service in services { option value=(words::short(service, 200)) {} } }
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
    State(app): State<Arc<App>>,
    Extension(visit): Extension<Visit>,
    Form(fields): Form<Filled>,
) -> Result<Response, Trouble> {
    let report = Report {
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
    match report_by(&app, &visit.principal, report, None).await {
        Ok(accepted) => Ok(Redirect::to(&format!("/incidents/{}", accepted.id)).into_response()),
        // What was typed is not lost.
        Err(problem) if problem.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            let services = inbox::services(&app).await?;
            let body = form(&visit, &services, &fields, Some(&problem.detail));
            let page = shell::page(&visit, Here::Incidents, "Report an incident", &body);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(problem) => Err(problem.into()),
    }
}
