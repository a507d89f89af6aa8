//! The metrics as a scraper reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use millwright_agent::run::{FailureKind, TokenCounts};

use crate::auth::TokenRole;
use crate::tests::scene;

/// One sample: its name, its labels as they stand, its value.
type Sample = (String, String, f64);

/// Parses an exposition strictly: help and type before the samples of a family, only valid characters in names and labels,
/// no series twice, histograms whose buckets grow to their count.
fn parse(text: &str) -> (BTreeMap<String, String>, Vec<Sample>) {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let (mut kinds, mut helped) = (BTreeMap::new(), BTreeSet::new());
    let (mut samples, mut series) = (Vec::new(), BTreeSet::new());
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(is_name(name) && words.ends_with('.'), "{line}");
            assert!(helped.insert(name.to_owned()), "{name} is explained twice");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(helped.contains(name) && ["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            kinds.insert(name.to_owned(), kind.to_owned());
        } else {
            let (name_and_labels, value) = line.rsplit_once(' ').unwrap();
            assert!(series.insert(name_and_labels.to_owned()), "{name_and_labels} is told twice");
            let (name, labels) = match name_and_labels.split_once('{') {
                Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
                None => (name_and_labels, ""),
            };
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end).filter(|name| kinds.contains_key(*name)))
                .unwrap_or(name);
            assert!(kinds.contains_key(family), "{line}");
            for label in labels.split(',').filter(|label| !label.is_empty()) {
                let (key, value) = label.split_once('=').unwrap();
                assert!(is_name(key) && value.starts_with('"') && value.ends_with('"'), "{line}");
            }
            samples.push((name.to_owned(), labels.to_owned(), value.parse::<f64>().unwrap()));
        }
    }
    for (family, _) in kinds.iter().filter(|(_, kind)| *kind == "histogram") {
        assert!(family.ends_with("_seconds"), "{family}");
        let mut last: BTreeMap<String, f64> = BTreeMap::new();
        for (name, labels, value) in &samples {
            if *name == format!("{family}_bucket") {
                let rest: Vec<&str> = labels.split(',').filter(|label| !label.starts_with("le=")).collect();
                let before = last.insert(rest.join(","), *value).unwrap_or(0.0);
                assert!(before <= *value, "{family}{{{labels}}} falls");
            } else if *name == format!("{family}_count") {
                assert_eq!(last.get(labels), Some(value), "{family}{{{labels}}}");
            }
        }
        assert!(!last.is_empty(), "{family} has no buckets");
    }
    (kinds, samples)
}

fn value(samples: &[Sample], name: &str, labels: &str) -> f64 {
    let wanted = |sample: &&Sample| sample.0 == name && sample.1 == labels;
    samples.iter().find(wanted).unwrap_or_else(|| panic!("{name}{{{labels}}} is not told")).2
}

#[tokio::test]
async fn every_kind_is_told_from_the_start_and_counted_when_it_happens() {
    let scene = scene().await;
    let metrics = &scene.app.metrics;
    let render = async || metrics.render(&scene.app.own_store, 0).await;
    let (_, samples) = parse(&render().await);
    for (name, labels) in [
        ("millwright_incidents", "state=\"awaiting_approval\""),
        ("millwright_jobs", "kind=\"note\",state=\"failed\""),
        ("millwright_queue_oldest_age_seconds", "kind=\"investigate\""),
        ("millwright_deliveries_total", "outcome=\"joined\",system=\"api\""),
        ("millwright_requests_refused_total", "reason=\"signature\""),
        ("millwright_notes_total", "outcome=\"failed\""),
        ("millwright_reports_total", "verdict=\"not_an_incident\""),
        ("millwright_investigation_duration_seconds_count", ""),
        ("millwright_investigation_failures_total", ""),
        ("millwright_step_duration_seconds_count", "step=\"suspects\""),
        ("millwright_step_duration_seconds_count", "step=\"other\""),
        ("millwright_replays_total", "outcome=\"cannot_test\""),
        ("millwright_model_tokens_total", "kind=\"cached\""),
        ("millwright_model_errors_total", "kind=\"context_length\""),
        ("millwright_model_request_duration_seconds_count", ""),
        ("millwright_degraded_parts", ""),
    ] {
        assert_eq!(value(&samples, name, labels), 0.0, "{name}{{{labels}}}");
    }
    let build = samples.iter().find(|sample| sample.0 == "millwright_build_info").unwrap();
    assert!(build.2 == 1.0 && build.1.contains(&format!("version=\"{}\"", env!("CARGO_PKG_VERSION"))));
    for name in ["process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds"] {
        assert!(value(&samples, name, "") > 0.0, "{name}");
    }
    value(&samples, "process_cpu_seconds_total", "");

    let token = scene.token(TokenRole::Support).await;
    scene.report(&token, "one").await;
    scene.report(&token, "two").await;
    metrics.step("suspects", Duration::from_millis(20));
    metrics.step("a tool that a model made up", Duration::from_secs(2));
    metrics.model_answered(TokenCounts { input: 7, cached: 3, output: 2 }, Duration::from_secs(1));
    metrics.model_failed(FailureKind::RateLimited);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let (_, samples) = parse(&metrics.render(&scene.app.own_store, 3).await);
    for (name, labels, count) in [
        ("millwright_incidents", "state=\"queued\"", 2.0),
        ("millwright_jobs", "kind=\"investigate\",state=\"queued\"", 2.0),
        ("millwright_deliveries_total", "outcome=\"opened\",system=\"api\"", 2.0),
        ("millwright_step_duration_seconds_count", "step=\"suspects\"", 1.0),
        ("millwright_step_duration_seconds_sum", "step=\"other\"", 2.0),
        ("millwright_model_tokens_total", "kind=\"input\"", 7.0),
        ("millwright_model_errors_total", "kind=\"rate_limited\"", 1.0),
        ("millwright_degraded_parts", "", 3.0),
        ("millwright_store_up", "", 1.0),
    ] {
        assert_eq!(value(&samples, name, labels), count, "{name}{{{labels}}}");
    }
    assert!(value(&samples, "millwright_queue_oldest_age_seconds", "kind=\"investigate\"") > 0.0);

    // When the store is unavailable, only its own metrics are missing.
    scene.app.own_store.close().await;
    let (_, samples) = parse(&render().await);
    assert_eq!(value(&samples, "millwright_store_up", ""), 0.0);
    assert!(!samples.iter().any(|sample| sample.0 == "millwright_incidents"));
    assert_eq!(value(&samples, "millwright_model_tokens_total", "kind=\"input\""), 7.0);
}

const RULES: &str = include_str!("../../prometheus/rules.yaml");
const DASHBOARD: &str = include_str!("../../prometheus/dashboard.json");

/// The expressions of the alerts and of the dashboard.
fn expressions() -> Vec<String> {
    let alerts = RULES.lines().filter_map(|line| line.trim_start().strip_prefix("expr: "));
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    let shown = targets.map(|target| target["expr"].as_str().unwrap());
    // Grafana fills these in.
    let whole = |expr: &str| expr.replace("$__rate_interval", "5m").replace("$job", ".*");
    alerts.chain(shown).map(whole).collect()
}

#[tokio::test]
async fn alerts_and_panels_are_on_figures_that_are_told() {
    let scene = scene().await;
    let (kinds, _) = parse(&scene.app.metrics.render(&scene.app.own_store, 0).await);
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut asked = 0;
    for expr in expressions() {
        let words = expr.split(|c| !is_part(c));
        for figure in words.filter(|word| word.starts_with("millwright_") || word.starts_with("process_")) {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| figure.strip_suffix(end));
            let family = family.filter(|family| kinds.get(*family).is_some_and(|kind| kind == "histogram"));
            let told = family.is_some() || kinds.get(figure).is_some_and(|kind| kind != "histogram");
            // A family appears when it has a series: the one of requests begins with the first request.
            let later = figure.starts_with("millwright_http_request");
            assert!(told || later, "{figure} is not told: {expr}");
            asked += 1;
        }
    }
    assert!(asked >= 24, "{asked}");
}

/// Prometheus' own tool, where it is installed.
#[tokio::test]
async fn promtool_finds_nothing_wrong() {
    let scene = scene().await;
    let text = scene.app.metrics.render(&scene.app.own_store, 0).await;
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../prometheus/rules.yaml");
    // The expressions of panels, as rules, which the tool can read.
    let dir = tempfile::tempdir().unwrap();
    let panels = dir.path().join("panels.yaml");
    let all: Vec<_> = expressions()
        .iter()
        .enumerate()
        .map(|(at, expr)| serde_json::json!({ "record": format!("a:b{at}"), "expr": expr }))
        .collect();
    let all = serde_json::json!({ "groups": [{ "name": "all", "rules": all }] });
    std::fs::write(&panels, all.to_string()).unwrap();
    let panels = panels.to_str().unwrap();
    for (arguments, input) in
        [(&["metrics"][..], text.as_str()), (&["rules", rules], ""), (&["rules", panels], "")]
    {
        match promtool(arguments, input) {
            None => return eprintln!("promtool is not here; nothing is tried"),
            Some(Ok(())) => {}
            Some(Err(said)) => panic!("{said}\n{input}"),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a tool of the test's own, on figures of the test's own")]
fn promtool(arguments: &[&str], input: &str) -> Option<Result<(), String>> {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut started = Command::new("promtool")
        .arg("check")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    started.stdin.take()?.write_all(input.as_bytes()).ok()?;
    let output = started.wait_with_output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Some(if output.status.success() && said.is_empty() { Ok(()) } else { Err(said) })
}
