/*!
The OpenAPI document, made from the table of routes and the types of bodies and answers.
*/

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::routes::{RouteAnswer, RouteEntry, table};
use crate::http::{Problem, RouteAccess};

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

pub(crate) async fn serve() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

pub(crate) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem>().to_value();
    let mut paths = Map::new();
    for route in table().into_iter().filter(|route| !route.access.is_page()) {
        let query = route.query.map(|query| query(&mut generator).to_value());
        let body = route.body.as_ref().map(|body| body.make(&mut generator).to_value());
        let mut answers = Map::new();
        for answer in &route.answers {
            let (status, content) = match answer {
                RouteAnswer::Json(status, schema) => {
                    let schema = schema(&mut generator).to_value();
                    (status, Some(json!({ "application/json": { "schema": schema } })))
                }
                // A stream does not end, so no schema fits it; its events are described in words.
                RouteAnswer::Text(status, media) if *media == "text/event-stream" => {
                    (status, Some(json!({ (*media): {} })))
                }
                RouteAnswer::Text(status, media) => {
                    (status, Some(json!({ (*media): { "schema": { "type": "string" } } })))
                }
                RouteAnswer::Nothing(status) => (status, None),
            };
            let mut described = json!({ "description": reason(*status) });
            if let Some(content) = content {
                described["content"] = content;
            }
            answers.insert(status.to_string(), described);
        }
        for status in errors(&route) {
            answers.insert(
                status.to_string(),
                json!({
                    "description": reason(status),
                    "content": { "application/problem+json": { "schema": problem } },
                }),
            );
        }
        let mut operation = json!({ "summary": route.summary, "operationId": operation_id(&route) });
        let parameters = parameters(&route, query.as_ref(), generator.definitions());
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if let Some(body) = body {
            operation["requestBody"] = json!({ "required": !route.body_may_be_missing, "content": { (route.media): { "schema": body } } });
        }
        operation["responses"] = answers.into();
        operation["security"] = match route.access {
            RouteAccess::Role(role) => json!([{ "token": [role.as_str()] }]),
            RouteAccess::Open | RouteAccess::Signed | RouteAccess::Page(_) | RouteAccess::Visitor => {
                json!([])
            }
        };
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation;
    }
    let mut schemas = generator.take_definitions(true);
    schemas.retain(|name, _| !name.ends_with("Query"));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Millwright",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Debugs production software: receives incidents, investigates them and answers \
                            with the proven cause.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

/// Errors that a route can answer with.
fn errors(route: &RouteEntry) -> Vec<u16> {
    let mut errors = route.errors.to_vec();
    if let RouteAccess::Role(_) = route.access {
        errors.extend([401, 403, 429, 503]);
    }
    if route.access == RouteAccess::Signed {
        errors.extend([400, 401, 408, 413, 422, 503]);
    } else if route.body.is_some() {
        errors.extend([400, 408, 413, 415, 422]);
    }
    if route.query.is_some() {
        errors.push(400);
    }
    // A shortened id that matches several.
    if route.path.contains("{id}") {
        errors.push(409);
    }
    errors.sort_unstable();
    errors.dedup();
    errors
}

fn parameters(route: &RouteEntry, query: Option<&Value>, definitions: &Map<String, Value>) -> Vec<Value> {
    let mut parameters = Vec::new();
    if route.path.contains("{id}") {
        let schema = json!({ "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,120}$" });
        parameters.push(json!({ "name": "id", "in": "path", "required": true, "schema": schema }));
    }
    for (name, pattern, description) in route.headers {
        parameters.push(json!({
            "name": name, "in": "header", "required": false, "description": description,
            "schema": { "type": "string", "pattern": pattern },
        }));
    }
    let Some(query) = query else { return parameters };
    let shape = query
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|path| definitions.get(path.rsplit('/').next().unwrap_or_default()))
        .unwrap_or(query);
    let required = shape.get("required").and_then(Value::as_array);
    for (name, schema) in shape.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let required = required.is_some_and(|names| names.iter().any(|other| other == name));
        let schema = never_null(schema);
        parameters.push(json!({ "name": name, "in": "query", "required": required, "schema": schema }));
    }
    parameters
}

/// A query parameter is present or absent; a query has no null.
fn never_null(schema: &Value) -> Value {
    let null = json!("null");
    let mut schema = schema.clone();
    if let Some(kinds) = schema.get_mut("type").filter(|kinds| kinds.is_array()) {
        let kept: Vec<Value> =
            kinds.as_array().into_iter().flatten().filter(|kind| **kind != null).cloned().collect();
        *kinds = if let [one] = kept.as_slice() { one.clone() } else { kept.into() };
    }
    let others = schema.get("anyOf").and_then(Value::as_array);
    match others.and_then(|all| all.iter().find(|one| one.get("type") != Some(&null))) {
        Some(one) => one.clone(),
        None => schema,
    }
}

fn operation_id(route: &RouteEntry) -> String {
    let words = route.path.split(['/', '{', '}', '.']).filter(|word| !word.is_empty() && *word != "v1");
    std::iter::once(route.method).chain(words).collect::<Vec<_>>().join("_")
}

fn reason(status: u16) -> &'static str {
    axum::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Answer")
}
