/*!
`--format json`: the report as JSON for programs. Only numbers that JSON cannot express are replaced, because a `null`
in their place would violate the schema.
*/

use millwright_model::Report;

pub(super) fn render(report: &Report) -> String {
    let mut report = report.clone();
    if let Some(cause) = &mut report.root_cause {
        finite(&mut cause.confidence);
    }
    for suspect in &mut report.suspects {
        finite(&mut suspect.score);
        suspect.reasons.iter_mut().for_each(|reason| finite(&mut reason.contribution));
    }
    report.similar.iter_mut().for_each(|similar| finite(&mut similar.score));
    if let Some(replay) = &mut report.replay {
        finite(&mut replay.flaky_rate);
    }
    finite(&mut report.usage.cost_usd);
    match serde_json::to_string_pretty(&report) {
        Ok(json) => json + "\n",
        // Maps with string keys and finite numbers always serialise; if they do not, the reader still gets JSON.
        Err(error) => serde_json::json!({ "error": error.to_string() }).to_string() + "\n",
    }
}

fn finite(number: &mut f64) {
    if !number.is_finite() {
        *number = 0.0;
    }
}
