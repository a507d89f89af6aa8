/*!
The messages in a thread, as Slack's blocks: within its limits (50 blocks, 3,000 characters of a section, 150 of a header,
75 on a button), with all outside text escaped, so that no text can mention a channel or fake a link.
*/

use millwright_model::{Approval, Report, Resolution, Verdict};
use serde_json::{Value, json};

use crate::note_text::defang;

const SECTION: usize = 3_000;
const HEADER: usize = 150;
/// Longest fallback text, for places that cannot show blocks, such as notifications; Slack recommends less than 4,000
/// characters.
const FALLBACK: usize = 3_500;
/// Most calls that ask for consent in one message.
const MOST_ASKED: usize = 5;
/// Longest text of a step, a commit's subject and a person's name, in characters.
const STEP: usize = 200;
const SUBJECT: usize = 120;
const NAME: usize = 120;
/// Most sections for the text of the note.
const MOST_SECTIONS: usize = 12;

/// A call that needs consent.
#[derive(Debug, Clone, Copy)]
pub struct ConsentRequest<'a> {
    pub id: &'a str,
    pub tool: &'a str,
    pub arguments: &'a Value,
}

/// The facts about an incident that its message shows.
#[derive(Debug, Clone, Copy)]
pub struct IncidentCard<'a> {
    /// The id that its buttons carry.
    pub id: &'a str,
    pub title: &'a str,
    /// Whether the incident has ended.
    pub is_over: bool,
    pub report: Option<&'a Report>,
    /// The note, as ticket systems get it: paragraphs, masked and bounded.
    pub note: &'a str,
    /// The step that a run in progress is about to do.
    pub step: Option<&'a str>,
    /// The calls whose consent a run waits for.
    pub asked: &'a [ConsentRequest<'a>],
    /// The most trusted resolution.
    pub resolution: Option<&'a Resolution>,
    pub url: Option<&'a str>,
}

/// The blocks of the one message of an incident.
pub fn incident(shown: &IncidentCard<'_>) -> Value {
    let IncidentCard { report, is_over, .. } = *shown;
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": cut(&one_line(shown.title), HEADER), "emoji": false },
    })];
    for paragraph in shown.note.split("\n\n").filter(|part| !part.trim().is_empty()).take(MOST_SECTIONS) {
        blocks.push(section(&escape(paragraph)));
    }
    // A reopened incident has only a report that was wrong.
    if let Some(report) = report.filter(|_| is_over) {
        tell(report, &mut blocks);
    }
    if let Some(step) = shown.step {
        blocks.push(context(&format!("Now: {}", outside(step, STEP))));
    }
    for asked in shown.asked.iter().take(MOST_ASKED) {
        let arguments = cut(&asked.arguments.to_string(), 600);
        blocks.push(section(&format!(
            "*{}* asks for consent\n```{}```",
            escape(asked.tool),
            code(&arguments)
        )));
        blocks.push(json!({
            "type": "actions",
            "elements": [
                button("approve", "Approve", asked.id, Some("primary")),
                button("deny", "Deny", asked.id, Some("danger")),
            ],
        }));
    }
    let mut buttons = Vec::new();
    if is_over && let Some(resolution) = shown.resolution {
        let judged = match resolution.approval {
            Approval::Confirmed => Some("Confirmed"),
            Approval::Rejected => Some("Rejected"),
            Approval::None => None,
        };
        if let Some(judged) = judged {
            let by = resolution
                .approved_by
                .as_deref()
                .map_or(String::new(), |by| format!(" by {}", outside(by, NAME)));
            blocks.push(context(&format!("{judged}{by}.")));
        }
        if resolution.approval != Approval::Confirmed {
            buttons.push(button("confirm", "Confirm", shown.id, Some("primary")));
        }
        if resolution.approval != Approval::Rejected {
            buttons.push(button("reject", "Not it", shown.id, None));
        }
    }
    if !is_over {
        buttons.push(button("stop", "Stop", shown.id, Some("danger")));
    }
    if let Some(url) = shown.url.filter(|url| url.len() <= SECTION) {
        buttons.push(json!({
            "type": "button", "action_id": "open", "url": url,
            "text": { "type": "plain_text", "text": "Open" },
        }));
    }
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    Value::Array(blocks)
}

fn tell(report: &Report, blocks: &mut Vec<Value>) {
    if let Some(cause) = &report.root_cause {
        let places: Vec<String> = cause
            .locations
            .iter()
            .take(5)
            .map(|at| format!("`{}:{}`", code(&at.path), at.start_line))
            .collect();
        let commit = cause.commit.as_deref().and_then(|sha| sha.get(..10));
        let commit = commit.map_or(String::new(), |sha| format!("commit `{sha}` "));
        if !places.is_empty() || !commit.is_empty() {
            let sure = (cause.confidence * 100.0).round();
            blocks.push(context(&format!("{commit}{} · {sure} % sure", places.join(" "))));
        }
    }
    // When a cause is proven, the other suspects are noise.
    if matches!(report.verdict, Verdict::Probable | Verdict::Inconclusive) {
        let suspects: Vec<String> = report
            .suspects
            .iter()
            .take(3)
            .map(|suspect| {
                let sha = suspect.commit.get(..10).unwrap_or(&suspect.commit);
                format!("{}. `{}` {}", suspect.rank, code(sha), outside(&suspect.subject, SUBJECT))
            })
            .collect();
        if !suspects.is_empty() {
            blocks.push(section(&format!("*Suspects*\n{}", suspects.join("\n"))));
        }
    }
    if let Some(diff) = report.fix.as_ref().map(|fix| fix.diff.trim()).filter(|diff| !diff.is_empty()) {
        let room = SECTION - 60;
        let shown = code(diff);
        let rest = if shown.chars().count() > room { "\n_The rest is on the page._" } else { "" };
        blocks.push(section(&format!("```{}```{rest}", cut(&shown, room))));
    }
}

/// The blocks of a reply in the thread.
pub fn reply(text: &str) -> Value {
    let escaped = escape(text);
    let mut rest = escaped.as_str();
    let mut blocks = Vec::new();
    while !rest.is_empty() && blocks.len() < MOST_SECTIONS {
        let at = rest.char_indices().nth(SECTION).map_or(rest.len(), |(at, _)| at);
        // Splits at the end of a line if there is one in the second half of the text that fits; never within an escape.
        let at = match rest.get(..at).and_then(|head| head.rfind('\n')) {
            Some(line) if at < rest.len() && line > at / 2 => line + 1,
            _ => whole_escapes(rest, at),
        };
        let (head, tail) = rest.split_at(at);
        if !head.trim().is_empty() {
            blocks.push(section(head));
        }
        rest = tail;
    }
    Value::Array(blocks)
}

/// The text that is shown where blocks cannot be shown.
pub fn fallback(text: &str) -> String {
    cut(&escape(text), FALLBACK)
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(text, SECTION), "verbatim": true } })
}

fn context(text: &str) -> Value {
    json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": cut(text, SECTION), "verbatim": true }] })
}

fn button(action: &str, label: &str, value: &str, style: Option<&str>) -> Value {
    let mut button = json!({
        "type": "button", "action_id": action, "value": cut(value, 2_000),
        "text": { "type": "plain_text", "text": label },
    });
    if let Some(style) = style {
        button["style"] = style.into();
    }
    button
}

/// Escapes the three characters that begin Slack's notation: unescaped, a text could mention everyone.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A line of outside text: nothing in it is an address or a mention, and it closes no code span.
fn outside(text: &str, most: usize) -> String {
    code(&defang(text, most))
}

/// A code span, which the text cannot close.
fn code(text: &str) -> String {
    escape(&text.replace('`', "ˋ"))
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// At most `most` characters; an escape is not cut in two.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => {
            let at = text.char_indices().nth(most.saturating_sub(1)).map_or(0, |(at, _)| at);
            format!("{}…", &text[..whole_escapes(text, at)])
        }
    }
}

/// The last position up to `at` that is not inside an escape such as `&amp;`.
fn whole_escapes(text: &str, at: usize) -> usize {
    let head = &text[..at];
    match head.rfind('&') {
        Some(start) if at < text.len() && at - start < 5 && !head[start..].contains(';') && start > 0 => {
            start
        }
        _ => at,
    }
}
