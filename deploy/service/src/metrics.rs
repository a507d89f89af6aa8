/*!
Figures for Prometheus: counted in this process, or read from the store when asked. Labels come from fixed sets, so
that nobody outside can make them grow.
*/

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use millwright_memory::store::{Store, StoreError};
use serde::Serialize;

/// Upper bounds in seconds.
const BUCKETS: [f64; 8] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    /// By route, method and status.
    requests: BTreeMap<(&'static str, &'static str, u16), u64>,
    durations: BTreeMap<&'static str, Histogram>,
    arrivals: BTreeMap<(&'static str, &'static str), u64>,
    refused: BTreeMap<&'static str, u64>,
    notes: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: f64,
}

impl Metrics {
    pub(crate) fn request(&self, route: &'static str, method: &'static str, status: u16, took: Duration) {
        let mut counted = self.lock();
        *counted.requests.entry((route, method, status)).or_default() += 1;
        let histogram = counted.durations.entry(route).or_default();
        let seconds = took.as_secs_f64();
        for (bound, bucket) in BUCKETS.iter().zip(&mut histogram.buckets) {
            *bucket += u64::from(seconds <= *bound);
        }
        histogram.count += 1;
        histogram.sum += seconds;
    }

    pub(crate) fn arrival(&self, door: &'static str, effect: &'static str) {
        *self.lock().arrivals.entry((door, effect)).or_default() += 1;
    }

    pub(crate) fn refused(&self, why: &'static str) {
        *self.lock().refused.entry(why).or_default() += 1;
    }

    pub(crate) fn note(&self, outcome: &'static str) {
        *self.lock().notes.entry(outcome).or_default() += 1;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text format, version 0.0.4.
    pub(crate) async fn render(&self, store: &Store) -> Result<String, StoreError> {
        let (states, jobs) = (store.count_states().await?, store.count_jobs().await?);
        let mut out = String::new();
        head(&mut out, "millwright_incidents", "gauge", "Incidents by state.");
        for (state, count) in states {
            let _ = writeln!(out, "millwright_incidents{{state=\"{}\"}} {count}", word(state));
        }
        head(&mut out, "millwright_jobs", "gauge", "Jobs by kind and state.");
        for (kind, state, count) in jobs {
            let (kind, state) = (word(kind), word(state));
            let _ = writeln!(out, "millwright_jobs{{kind=\"{kind}\",state=\"{state}\"}} {count}");
        }
        let counted = self.lock();
        head(&mut out, "millwright_http_requests_total", "counter", "Answered requests.");
        for ((route, method, status), count) in &counted.requests {
            let _ = writeln!(
                out,
                "millwright_http_requests_total{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}} {count}"
            );
        }
        head(
            &mut out,
            "millwright_http_request_seconds",
            "histogram",
            "Time to the first byte of an answer.",
        );
        for (route, histogram) in &counted.durations {
            for (bound, bucket) in BUCKETS.iter().zip(histogram.buckets) {
                let _ = writeln!(
                    out,
                    "millwright_http_request_seconds_bucket{{route=\"{route}\",le=\"{bound}\"}} {bucket}"
                );
            }
            let (count, sum) = (histogram.count, histogram.sum);
            let _ = writeln!(
                out,
                "millwright_http_request_seconds_bucket{{route=\"{route}\",le=\"+Inf\"}} {count}\n\
                 millwright_http_request_seconds_sum{{route=\"{route}\"}} {sum}\n\
                 millwright_http_request_seconds_count{{route=\"{route}\"}} {count}"
            );
        }
        head(&mut out, "millwright_arrivals_total", "counter", "Reports and alerts by door and effect.");
        for ((door, effect), count) in &counted.arrivals {
            let _ = writeln!(out, "millwright_arrivals_total{{door=\"{door}\",effect=\"{effect}\"}} {count}");
        }
        head(&mut out, "millwright_refused_total", "counter", "Requests refused before they did anything.");
        for (why, count) in &counted.refused {
            let _ = writeln!(out, "millwright_refused_total{{reason=\"{why}\"}} {count}");
        }
        head(&mut out, "millwright_notes_total", "counter", "Attempts to write a note, by outcome.");
        for (outcome, count) in &counted.notes {
            let _ = writeln!(out, "millwright_notes_total{{outcome=\"{outcome}\"}} {count}");
        }
        Ok(out)
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn word<T: Serialize>(value: T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
