/*!
The spans of a run as a collector sees them: names and attributes of the conventions for generative AI, without any
content of the conversation. This is a separate test binary, because the subscriber is global to the process.
*/
#![expect(clippy::unwrap_used, reason = "an answer of another shape fails its test")]
#![allow(dead_code, clippy::allow_attributes, reason = "the scene serves other tests, too")]

mod scene;

use millwright_testkit::model_server::{ModelReply, ProtocolRules, ScriptedModelServer};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use scene::Scene;

/// A span's fields, its own name and its parent's.
#[derive(Debug, Clone, Default)]
struct ModelRequest {
    name: String,
    parent: Option<String>,
    fields: BTreeMap<String, String>,
}

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Spans>>);

#[derive(Default)]
struct Spans {
    open: BTreeMap<u64, ModelRequest>,
    closed: Vec<ModelRequest>,
}

impl Visit for ModelRequest {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collector {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut seen =
            ModelRequest { name: attributes.metadata().name().to_owned(), ..ModelRequest::default() };
        seen.parent = context.span(id).and_then(|span| Some(span.parent()?.name().to_owned()));
        attributes.record(&mut seen);
        self.0.lock().unwrap().open.insert(id.into_u64(), seen);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(seen) = self.0.lock().unwrap().open.get_mut(&id.into_u64()) {
            values.record(seen);
        }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let mut spans = self.0.lock().unwrap();
        if let Some(seen) = spans.open.remove(&id.into_u64()) {
            spans.closed.push(seen);
        }
    }
}

#[tokio::test]
async fn a_run_its_questions_and_its_calls_are_spans() {
    const SECRET: &str = "a-word-only-the-model-says";
    let collector = Collector::default();
    let subscriber = tracing_subscriber::registry().with(collector.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let scene = Scene::new();
    let server = ScriptedModelServer::start(ProtocolRules::default(), move |seen| match seen.step() {
        0 => ModelReply::Calls {
            text: SECRET.into(),
            calls: vec![("git_file".into(), json!({ "path": format!("{SECRET}.rs") }))],
        },
        _ => ModelReply::status(401, "wrong key"),
    })
    .await;
    let ran = scene.investigate(&server).await;
    let spans: Vec<ModelRequest> = collector.0.lock().unwrap().closed.clone();
    let of = |operation: &str| -> Vec<&ModelRequest> {
        let is = |span: &&ModelRequest| {
            span.fields.get("gen_ai.operation.name").is_some_and(|name| name == operation)
        };
        spans.iter().filter(is).collect()
    };
    let check = |span: &ModelRequest, expected: &[(&str, &str)]| {
        for (field, value) in expected {
            assert_eq!(span.fields.get(*field).map(String::as_str), Some(*value), "{field} of {span:#?}");
        }
    };
    let agents = of("invoke_agent");
    assert_eq!(agents.len(), 1, "{spans:#?}");
    check(
        agents[0],
        &[
            ("otel.name", "invoke_agent millwright"),
            ("gen_ai.agent.name", "millwright"),
            ("gen_ai.conversation.id", ran.report().id.as_str()),
            ("gen_ai.request.model", "scripted"),
            ("millwright.verdict", ran.report().verdict.as_str()),
        ],
    );
    let chats = of("chat");
    assert_eq!(chats.len(), 2, "{chats:#?}");
    let good = chats.iter().find(|span| span.fields.contains_key("gen_ai.usage.input_tokens")).unwrap();
    check(good, &[("otel.name", "chat scripted"), ("gen_ai.response.finish_reasons", "tool_calls")]);
    assert!(good.fields["gen_ai.usage.output_tokens"].parse::<u64>().unwrap() > 0);
    assert!(chats.iter().any(|span| span.fields.get("error.type").is_some_and(|kind| kind == "refused")));
    let tools = of("execute_tool");
    assert!(tools.iter().any(|span| span.fields["gen_ai.tool.name"] == "ticket"), "{tools:#?}");
    let failed = tools.iter().find(|span| span.fields["gen_ai.tool.name"] == "git_file").unwrap();
    check(failed, &[("otel.name", "execute_tool git_file"), ("error.type", "not_found")]);
    assert!(failed.fields["gen_ai.tool.call.id"].starts_with('c'));
    assert!(
        chats.iter().chain(&tools).all(|span| span.parent.as_deref() == Some("invoke_agent")),
        "{spans:#?}"
    );
    let said = format!("{spans:?}");
    assert!(!said.contains(SECRET) && !said.contains("test-key"), "{said}");
}
