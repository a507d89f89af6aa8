use millwright_model::{Language, Timestamp};

use crate::parse;
use crate::traces::sketch;

use super::*;

const SENTRY: &str = r#"{"event_id":"fc6d8c0c43fc4630ad850ee518f1b9d0","platform":"python","timestamp":"2024-05-01T10:00:00Z","release":"shop@1.2.3","environment":"production",
"transaction":"/checkout","server_name":"web-1","tags":[["service","shop"],["browser","Firefox"]],
"request":{"url":"https://shop.example/checkout","method":"POST"},
"breadcrumbs":{"values":[{"timestamp":"2024-05-01T09:59:59Z","category":"query","message":"SELECT 1","level":"info"}]},
"exception":{"values":[
 {"type":"KeyError","value":"'price'","stacktrace":{"frames":[{"filename":"shop/pricing.py","function":"price","lineno":7,"in_app":true,"context_line":"  return item['price']"}]}},
 {"type":"CheckoutError","module":"shop.errors","value":"cannot price","stacktrace":{"frames":[
   {"filename":"django/core/handlers/base.py","abs_path":"/venv/lib/python3.11/site-packages/django/core/handlers/base.py","function":"get_response","lineno":99,"in_app":false},
   {"filename":"shop/views.py","abs_path":"/app/shop/views.py","function":"checkout","module":"shop.views","lineno":41,"in_app":true}]}}]}}"#;

fn check_sentry(text: &str) {
    let ticket = parse(text.as_bytes());
    assert_eq!(ticket.format, TicketFormat::SentryEvent, "{text}");
    assert_eq!(ticket.traces.len(), 1, "{:#?}", ticket.traces);
    let sketched = sketch(&ticket.traces[0]);
    let expected = [
        "shop.errors.CheckoutError: cannot price",
        " * shop/views.py:41 shop.views checkout",
        "   django/core/handlers/base.py:99 - get_response",
        "KeyError: 'price'",
        " * shop/pricing.py:7 - price | return item['price']",
    ];
    assert_eq!(sketched.lines().skip(1).collect::<Vec<_>>(), expected);
    let lines: Vec<&str> = ticket.text.lines().collect();
    let span = ticket.traces[0].span.unwrap();
    assert!(lines[span.start as usize - 1].starts_with("shop.errors.CheckoutError"), "{}", ticket.text);
}

#[test]
fn sentry_events_in_all_wrappings() {
    check_sentry(SENTRY);
    check_sentry(&format!("{{\"action\":\"triggered\",\"data\":{{\"event\":{SENTRY}}}}}"));
    let entries = SENTRY
        .replace("\"exception\":{\"values\":[", "\"entries\":[{\"type\":\"exception\",\"data\":{\"values\":[")
        .strip_suffix("]}}")
        .map(|head| format!("{head}]}}}}]}}"))
        .unwrap();
    let shorter = entries.replacen("\"event_id\"", "\"eventID\"", 1);
    assert!(serde_json::from_str::<Value>(&shorter).is_ok(), "{shorter}");
    check_sentry(&shorter);
}

#[test]
fn what_a_sentry_event_says_beside_its_trace() {
    let ticket = parse(SENTRY.as_bytes());
    let context = &ticket.context;
    assert_eq!(ticket.title, "shop.errors.CheckoutError: cannot price");
    assert_eq!(context.release.as_deref(), Some("shop@1.2.3"));
    assert_eq!(context.environment.as_deref(), Some("production"));
    assert_eq!(context.service.as_deref(), Some("shop"));
    assert_eq!(context.routes, ["/checkout", "https://shop.example/checkout"]);
    assert_eq!(context.first_seen, Timestamp::parse("2024-05-01T10:00:00Z").ok());
    assert_eq!(context.external_id.as_deref(), Some("fc6d8c0c43fc4630ad850ee518f1b9d0"));
    assert_eq!(context.labels.get("browser").map(String::as_str), Some("Firefox"));
    assert_eq!(ticket.traces[0].language, Language::Python);
    assert_eq!(ticket.code, ["return item['price']"]);
    assert_eq!(ticket.log_spans.len(), 1, "breadcrumbs are log lines:\n{}", ticket.text);
    assert!(!ticket.fingerprint.value.is_empty());
}

#[test]
fn sentry_and_text_of_one_crash_share_a_fingerprint() {
    let event = r#"{"event_id":"1","platform":"python","exception":{"values":[{"type":"KeyError","value":"'price'","stacktrace":{"frames":[{"filename":"shop/main.py","function":"run","lineno":1},{"filename":"shop/cart.py","function":"total","lineno":7}]}}]}}"#;
    let text = "Traceback (most recent call last):\n  File \"/srv/shop/main.py\", line 3, in run\n    x()\n  File \"/srv/shop/cart.py\", line 9, in total\n    y()\nKeyError: 'price'\n";
    assert_eq!(parse(event.as_bytes()).fingerprint, parse(text.as_bytes()).fingerprint);
}

#[test]
fn alertmanager_and_grafana() {
    let ticket = parse(
        br#"{"version":"4","status":"firing","receiver":"x","groupLabels":{"alertname":"HighErrorRate"},"commonLabels":{"alertname":"HighErrorRate","service":"checkout","env":"prod"},
"commonAnnotations":{"summary":"Checkout answers 5xx"},"externalURL":"http://am","alerts":[
{"status":"firing","labels":{"alertname":"HighErrorRate","handler":"/pay"},"annotations":{"summary":"Checkout answers 5xx","description":"More than 5% of the requests fail since noon."},"startsAt":"2024-05-01T12:00:00Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"abc"}]}"#,
    );
    assert_eq!(ticket.format, TicketFormat::Alertmanager);
    assert_eq!(ticket.title, "HighErrorRate: Checkout answers 5xx");
    assert!(ticket.symptom.contains("More than 5% of the requests fail since noon."), "{}", ticket.symptom);
    let context = &ticket.context;
    assert_eq!(
        (context.service.as_deref(), context.environment.as_deref()),
        (Some("checkout"), Some("prod"))
    );
    assert_eq!(
        (context.first_seen, context.last_seen),
        (Timestamp::parse("2024-05-01T12:00:00Z").ok(), None)
    );
    assert_eq!(
        (context.external_id.as_deref(), context.routes.as_slice()),
        (Some("abc"), &["/pay".to_owned()][..])
    );
    let grafana = parse(br#"{"orgId":1,"title":"[FIRING:1] Slow","state":"alerting","message":"m","alerts":[{"labels":{"alertname":"Slow"},"annotations":{},"valueString":"[ var='A' value=7 ]","startsAt":"2024-05-01T12:00:00Z"}]}"#);
    assert_eq!((grafana.format, grafana.title.as_str()), (TicketFormat::Alertmanager, "Slow"));
}

#[test]
fn incidents_and_hooks() {
    let check = |json: &str, title: &str, service: &str| {
        let ticket = parse(json.as_bytes());
        assert_eq!(ticket.format, TicketFormat::Incident, "{json}");
        assert_eq!(
            (ticket.title.as_str(), ticket.context.service.as_deref().unwrap_or("")),
            (title, service),
            "{json}"
        );
        assert!(ticket.symptom.contains("the cart stays empty"), "{json}: {:?}", ticket.symptom);
    };
    check(
        r#"{"title":"Cart is empty","body":"After login the cart stays empty.","service":"shop"}"#,
        "Cart is empty",
        "shop",
    );
    check(
        r#"{"event":{"event_type":"incident.triggered","occurred_at":"2024-05-01T12:00:00Z","data":{"id":"Q1","title":"After login the cart stays empty","service":{"id":"S","summary":"shop"}}}}"#,
        "After login the cart stays empty",
        "shop",
    );
    check(
        r#"{"action":"opened","issue":{"html_url":"https://x/1","title":"Cart is empty","body":"After login the cart stays empty."},"repository":{"name":"shop"}}"#,
        "Cart is empty",
        "shop",
    );
    check(
        r#"{"webhookEvent":"jira:issue_created","issue":{"key":"SHOP-7","fields":{"summary":"Cart is empty","description":{"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"After login the cart stays empty."}]}]}}}}"#,
        "Cart is empty",
        "",
    );
    check(
        r#"{"type":"zen:event-type:ticket.created","detail":{"id":"7","subject":"Cart is empty","description":"After login the cart stays empty."}}"#,
        "Cart is empty",
        "",
    );
}

#[test]
fn attachments_are_read_like_the_body() {
    let ticket = parse(br#"{"title":"Crash on save","body":"It crashes when I press save.","attachments":[
{"name":"trace.txt","media_type":"text/plain","text":"Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x\n"},
{"name":"more.log","media_type":"text/plain","base64":"S2V5RXJyb3I6ICd5Jwo="},
{"name":"screen.png","media_type":"image/png","base64":"iVBORw0KGgo="},
{"name":"bad","base64":"***"}]}"#);
    assert_eq!(ticket.traces.len(), 1);
    assert!(ticket.errors.iter().any(|error| error.message == "'y'"), "{:?}", ticket.errors);
    assert_eq!(ticket.notes.len(), 2, "{:?}", ticket.notes);
}

#[test]
fn any_object_with_a_stack_is_read() {
    let ticket = parse(br#"{"level":50,"msg":"request failed","service":"shop","err":{"type":"TypeError","stack":"TypeError: x is not a function\n    at f (/app/src/a.js:1:2)\n"}}"#);
    assert_eq!(ticket.traces.len(), 1);
    assert_eq!(ticket.context.service.as_deref(), Some("shop"));
    for text in ["{\"a\":1}", "[1,2]", "{not json", "{\"k\": {\"deep\": null}}"] {
        assert_eq!(parse(text.as_bytes()).format, TicketFormat::Text, "{text}");
    }
}

/// A payload of ten megabytes is recognised like a small one.
#[test]
fn long_texts_of_a_payload_keep_their_ends_and_its_fields() {
    let body = format!("AlphaError: first\n{}\nOmegaError: last ü", "ü\"\\\u{1}x\n".repeat(1_200_000));
    let ticket = crate::parse_payload(serde_json::json!({
        "title": "Totals are wrong", "body": body, "service": "shop", "attachments": [],
    }));
    assert_eq!(
        (ticket.title.as_str(), ticket.context.service.as_deref()),
        ("Totals are wrong", Some("shop"))
    );
    assert!(ticket.text.contains("AlphaError: first") && ticket.text.contains("OmegaError: last ü"));
    assert!(ticket.text.len() < 1 << 20, "{}", ticket.text.len());
    assert!(ticket.notes[0].contains(&format!("{} bytes", body.len())), "{:?}", ticket.notes);
    // A payload without a known shape is read as text, even if it is large.
    let odd = crate::parse_payload(serde_json::json!([{ "odd": body }]));
    assert!(odd.text.contains("AlphaError"), "{:.200}", odd.text);
    crate::parse_payload(serde_json::Value::Null);
}
