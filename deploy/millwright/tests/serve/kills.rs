/*!
Processes are killed and databases go away while incidents arrive. Every accepted incident must end with exactly one report.
*/

use std::time::Duration;

use serde_json::Value;

use super::http::ask;
use super::slack::Slack;
use super::tickets::Tickets;
use super::{GITHUB, Serving, TEST_OUTPUT, threads};
use millwright_testkit::postgres::faulty_proxy::FaultyProxy;

/// How many incidents arrive, and what fails meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct KillTestPlan<'a> {
    pub(crate) incidents: u32,
    pub(crate) kills: u32,
    /// The proxy to the database, and the length of each outage in seconds, in order.
    pub(crate) outages: Option<(&'a FaultyProxy, &'a [u64])>,
}

/// The outage after a round, if any. Outages are spread evenly over the rounds.
fn outage_after(round: u32, rounds: u32, seconds: &[u64]) -> Option<u64> {
    let number = u32::try_from(seconds.len()).ok()?;
    let at = |which: u32| (which + 1) * rounds / (number + 1);
    (0..number).find(|which| at(*which) == round).and_then(|which| seconds.get(which as usize)).copied()
}

/// Reports incidents by API, hook and Slack while processes are killed. Every accepted incident must have one report, its
/// ticket one note, and its thread one message of ours.
pub(crate) fn killed(roles: &[&'static str], store: &str, plan: &KillTestPlan<'_>) {
    let KillTestPlan { incidents, kills, outages } = *plan;
    let (tickets, slack) = (Tickets::start(), Slack::start());
    let channels = slack.config(threads::SIGNED);
    let more = format!("{store}{GITHUB}base_url = \"{}\"\n{channels}", tickets.url());
    let mut serving = Serving::of(roles, &more);
    let (mut accepted, mut threads, mut sent) = (Vec::new(), Vec::new(), 0);
    for round in 0..=kills {
        let until = incidents * (round + 1) / (kills + 1);
        while sent < until {
            sent += 1;
            let answer = match sent % 3 {
                1 => {
                    let text = format!("<@U0BOT> totals are wrong ({sent})\n{TEST_OUTPUT}");
                    let thread = slack.write("C1", None, &text);
                    let told =
                        serving.tell_slack(&threads::mention(&format!("Ev{sent}"), &thread, None, &text));
                    threads.extend(told.ok().map(|answer| {
                        assert_eq!(answer.json()["effect"], "opened", "{}", answer.text);
                        thread
                    }));
                    continue;
                }
                0 => serving.github(sent, "opened").map(|answer| {
                    assert!(answer.status < 300, "{}", answer.text);
                    answer.json()["incident_id"].as_str().unwrap().to_owned()
                }),
                _ => serving.report(&format!("Totals are wrong ({sent})")),
            };
            accepted.extend(answer.ok());
        }
        if round < kills {
            std::thread::sleep(Duration::from_millis(fastrand::u64(..1_500)));
            let number = fastrand::usize(..serving.processes.len());
            serving.kill(number);
            tickets.lose(fastrand::usize(..2));
            slack.lose(fastrand::usize(..2));
            serving.start(number);
        }
        if let Some((link, seconds)) = outages
            && let Some(seconds) = outage_after(round, kills, seconds)
        {
            link.cut();
            println!("round {round}: the database is away for {seconds} s");
            let answer = serving.try_ask("GET", "/v1/incidents", "").unwrap();
            assert_eq!(answer.status, 503, "{}", answer.text);
            std::thread::sleep(Duration::from_secs(seconds));
            link.mend();
            let is_ready =
                || ask(serving.at, "GET", "/readyz", &[], "").is_ok_and(|answer| answer.status == 200);
            serving.until("the database is back", is_ready);
        }
    }
    assert_eq!(accepted.len() + threads.len(), incidents as usize, "every one was answered");
    accepted.sort();
    accepted.dedup();
    for id in &accepted {
        let done = serving.until_done(id);
        let log = || std::fs::read_to_string(&serving.log).unwrap_or_default();
        let told = || log().lines().filter(|line| line.contains(id.as_str())).collect::<Vec<_>>().join("\n");
        assert_eq!(done["state"], "done", "{done:#}\n{}", told());
        serving.has_one_report(id);
    }
    let noted = |number: u32| tickets.of(&format!("acme/calc#{number}"));
    let numbers: Vec<u32> = (1..=incidents).filter(|number| number % 3 == 0).collect();
    let told = |number: &u32| noted(*number).iter().any(|note| !note.contains("is investigating this"));
    serving.until("every ticket has its note", || numbers.iter().all(told));
    for number in numbers {
        let notes = noted(number);
        assert_eq!(notes.len(), 1, "acme/calc#{number}: {notes:#?}");
    }
    for thread in &threads {
        // A finished run has no stop button. Whether it has a confirm button depends on how far the run came.
        let is_over = |message: &Value| !message["blocks"].to_string().contains("\"stop\"");
        let has_ended = || slack.ours("C1", thread).iter().any(is_over);
        serving.until("every thread has its answer", has_ended);
        assert_eq!(slack.ours("C1", thread).len(), 1, "{:#?}", slack.ours("C1", thread));
    }
}
