/*!
Answers by rules: one or two calls of reading tools answer each kind of question, and the answer is their result with
its evidence. Rules draw no conclusions; an investigation does.
*/

use std::sync::Arc;

use millwright_code::symbol_id;
use millwright_git::{self as git, TreePathKind};
use millwright_model::{EvidenceDraft, EvidenceId};
use millwright_tools::{CallGrant, ToolAnswer, ToolCall, ToolContext};
use serde_json::{Value, json};

use super::intent::{self, ABILITIES, QuestionIntent, QuestionTarget};
use super::{Conversation, plain};
use crate::investigation::prepare;

/// Maximum length of a tool's text in an answer, in characters.
const SHOWN: usize = 6_000;
/// Maximum number of evidence entries listed below an answer.
const LISTED: usize = 8;

/// The result of a call: safe to store, but not yet safe to print.
pub(super) struct CallResult {
    pub(super) text: String,
    pub(super) data: Value,
    pub(super) evidence: Vec<(EvidenceId, String)>,
    pub(super) failure: Option<String>,
}

impl Conversation {
    pub(super) async fn by_rules(&mut self, intent: QuestionIntent) -> String {
        let text = match intent {
            QuestionIntent::WhoChanged(target) => self.who_changed(target).await,
            QuestionIntent::WhoOwns(target) => self.who_owns(target).await,
            QuestionIntent::HistoryOf(target) => self.history(target).await,
            QuestionIntent::NewInLogs if self.request.logs.is_empty() => Err(no_logs()),
            QuestionIntent::NewInLogs => self.told("log_changes", json!({})).await,
            QuestionIntent::SearchLogs(_) if self.request.logs.is_empty() => Err(no_logs()),
            QuestionIntent::SearchLogs(words) => self.told("log_search", json!({ "text": words })).await,
            QuestionIntent::SeenBefore(words) => self.seen_before(words).await,
            QuestionIntent::Show(target) => self.show(target).await,
            QuestionIntent::WhereIs(target) => match self.named(target) {
                Ok(QuestionTarget::Symbol(name)) => {
                    self.told("code_definition", json!({ "name": name })).await
                }
                Ok(other) => self.show(other).await,
                Err(why) => Err(why),
            },
            QuestionIntent::WhoUses(target) => match self.named(target) {
                Ok(QuestionTarget::Symbol(name)) => {
                    self.told("code_references", json!({ "name": name })).await
                }
                Ok(_) => Err("Name the function, method or type whose uses you want to find.".to_owned()),
                Err(why) => Err(why),
            },
            QuestionIntent::Search(text) => self.told("git_grep", json!({ "pattern": text })).await,
            QuestionIntent::Investigate(_)
            | QuestionIntent::WriteFix(_)
            | QuestionIntent::Feedback(_)
            | QuestionIntent::Unknown => Err(format!(
                "The rules have no answer to that; a model could answer it (--planner MODEL). They can \
                 answer these:\n{ABILITIES}"
            )),
        };
        plain(&text.unwrap_or_else(|why| why))
    }

    /// Makes one call of a reading tool; its evidence is numbered.
    pub(super) async fn call(&mut self, context: &ToolContext, name: &str, args: Value) -> CallResult {
        self.calls += 1;
        let call = ToolCall { id: format!("c{}", self.calls), name: name.to_owned(), args };
        let span = crate::telemetry::execute_tool(&call.name, &call.id);
        let answer = {
            use tracing::Instrument;
            self.dispatcher.call(context, &call, &CallGrant::NotAsked).instrument(span.clone()).await
        };
        let failed = |kind: &str, why: &str| {
            crate::telemetry::call_failed(&span, kind);
            CallResult {
                text: why.to_owned(),
                data: Value::Null,
                evidence: Vec::new(),
                failure: Some(why.to_owned()),
            }
        };
        match answer {
            ToolAnswer::Done { result: Ok(output), .. } => {
                let mut evidence = Vec::new();
                for draft in output.evidence {
                    let draft = EvidenceDraft { text: self.redact(&draft.text), ..draft };
                    let locator = draft.locator.0.clone();
                    if let Some(id) = self.notebook.add(draft) {
                        evidence.push((id, locator));
                    }
                }
                CallResult { text: self.redact(&output.text), data: output.data, evidence, failure: None }
            }
            ToolAnswer::Done { result: Err(error), .. } => {
                failed(error.kind.as_str(), &self.redact(&error.feedback))
            }
            ToolAnswer::NeedsApproval { effect } => {
                failed("denied", &format!("{effect} is not available in a conversation"))
            }
        }
    }

    /// Makes a call and returns its result as an answer.
    async fn told(&mut self, name: &str, args: Value) -> Result<String, String> {
        let context = self.context.clone();
        let found = self.call(&context, name, args).await;
        self.in_words(found, "")
    }

    fn in_words(&self, found: CallResult, heading: &str) -> Result<String, String> {
        if let Some(failure) = found.failure {
            return Err(failure);
        }
        let text = match found.text.trim() {
            "" => "Nothing was found.".to_owned(),
            text => crate::context::shortened(text, SHOWN).0,
        };
        let mut ids: Vec<String> =
            found.evidence.iter().map(|(id, locator)| format!("{id} {}", short_locator(locator))).collect();
        let more = ids.len().saturating_sub(LISTED);
        ids.truncate(LISTED);
        let more = if more > 0 { format!(", and {more} more (/evidence)") } else { String::new() };
        let cites =
            if ids.is_empty() { String::new() } else { format!("\nEvidence: {}{more}", ids.join(", ")) };
        Ok(format!("{heading}{text}{cites}"))
    }

    async fn who_changed(&mut self, target: QuestionTarget) -> Result<String, String> {
        let context = self.context.clone();
        match self.named(target)? {
            QuestionTarget::Commit(commit) => self.told("git_show", json!({ "commit": commit })).await,
            QuestionTarget::Path { path, lines: Some((start, end)) } => self.blame(&path, start, end).await,
            QuestionTarget::Path { path, lines: None } => {
                let args = json!({ "paths": [path], "limit": 10, "whole_history": true });
                let found = self.call(&context, "git_log", args).await;
                let changes = self.in_words(found, &format!("Changes of {path}, newest first:\n"))?;
                Ok(changes + &self.owners(&path).await)
            }
            QuestionTarget::Symbol(name) => {
                let found = self.call(&context, "code_definition", json!({ "name": name })).await;
                if let Some(failure) = found.failure {
                    return Err(failure);
                }
                let first = &found.data[0];
                let line =
                    |key: &str| first["symbol"][key].as_u64().and_then(|line| u32::try_from(line).ok());
                match (first["path"].as_str(), line("start_line"), line("end_line")) {
                    (Some(path), Some(start), Some(end)) => self.blame(path, start, end).await,
                    _ => {
                        // If the language has no parser, the lines that were added and removed with the name still
                        // help.
                        let found = self.call(&context, "git_pickaxe", json!({ "text": name })).await;
                        let heading = format!("{name} is not defined in any file that is parsed; ");
                        self.in_words(found, &format!("{heading}commits that added or removed the words:\n"))
                    }
                }
            }
            QuestionTarget::This => Err(nothing_named()),
        }
    }

    async fn blame(&mut self, path: &str, start: u32, end: u32) -> Result<String, String> {
        let context = self.context.clone();
        let args = json!({ "path": path, "start_line": start, "end_line": end, "whole_history": true });
        let found = self.call(&context, "git_blame", args).await;
        let lines = self.in_words(
            found,
            &format!("{path}, lines {start}-{end}, each with the commit that last changed it:\n"),
        )?;
        Ok(lines + &self.owners(path).await)
    }

    async fn owners(&mut self, path: &str) -> String {
        let context = self.context.clone();
        let found = self.call(&context, "owners", json!({ "paths": [path] })).await;
        match (found.failure, found.text.lines().next()) {
            (None, Some(first)) => format!("\nTo ask: {first}"),
            _ => String::new(),
        }
    }

    async fn who_owns(&mut self, target: QuestionTarget) -> Result<String, String> {
        match self.named(target)? {
            QuestionTarget::Path { path, .. } => self.told("owners", json!({ "paths": [path] })).await,
            QuestionTarget::Commit(commit) => {
                self.told("owners", json!({ "paths": [format!("commit:{commit}")] })).await
            }
            QuestionTarget::Symbol(name) => {
                let context = self.context.clone();
                let found = self.call(&context, "code_definition", json!({ "name": name })).await;
                match found.data[0]["path"].as_str() {
                    Some(path) => self.told("owners", json!({ "paths": [path] })).await,
                    None => Err(format!("{name} is not defined in any file that is parsed; name its file")),
                }
            }
            QuestionTarget::This => Err(nothing_named()),
        }
    }

    async fn history(&mut self, target: QuestionTarget) -> Result<String, String> {
        let of = match self.named(target)? {
            QuestionTarget::Path { path, lines: None } => path,
            QuestionTarget::Path { path, lines: Some((start, end)) } => format!("{path}:{start}-{end}"),
            QuestionTarget::Commit(commit) => {
                return self.told("git_show", json!({ "commit": commit })).await;
            }
            QuestionTarget::Symbol(name)
                if name.split_once("::").is_some_and(|(path, _)| intent::is_path(path)) =>
            {
                name
            }
            QuestionTarget::Symbol(name) => self.unit_called(&name).await?,
            QuestionTarget::This => return Err(nothing_named()),
        };
        self.told("history", json!({ "of": of })).await
    }

    /// Where the only unit of this name is, as `path::name`.
    async fn unit_called(&mut self, name: &str) -> Result<String, String> {
        let context = self.context.clone();
        let found = self.call(&context, "code_definition", json!({ "name": name })).await;
        if let Some(failure) = found.failure {
            return Err(failure);
        }
        let definitions = found.data.as_array().cloned().unwrap_or_default();
        let mut places: Vec<String> = definitions
            .iter()
            .filter_map(|one| Some(symbol_id(one["path"].as_str()?, one["symbol"]["qualified"].as_str()?)))
            .collect();
        places.sort();
        places.dedup();
        match &places[..] {
            [] => Err(format!("{name} is not defined in any file that is parsed; name its file")),
            [only] => Ok(only.clone()),
            several => {
                let listed: Vec<&str> = several.iter().take(8).map(String::as_str).collect();
                let more = if several.len() > 8 { " …" } else { "" };
                Err(format!(
                    "There is more than one {name}. Ask for one of them: history of {}{more}",
                    listed.join(", ")
                ))
            }
        }
    }

    async fn show(&mut self, target: QuestionTarget) -> Result<String, String> {
        match self.named(target)? {
            QuestionTarget::Commit(commit) => self.told("git_show", json!({ "commit": commit })).await,
            QuestionTarget::Path { path, lines } => {
                let (start, count) = lines.map_or((1, 80), |(start, end)| (start, end - start + 1));
                self.told("git_file", json!({ "path": path, "offset": start, "limit": count })).await
            }
            QuestionTarget::Symbol(name) => self.told("code_definition", json!({ "name": name })).await,
            QuestionTarget::This => Err(nothing_named()),
        }
    }

    async fn seen_before(&mut self, words: Option<String>) -> Result<String, String> {
        let context = match words {
            None if !self.has_ticket => {
                return Err(
                    "There is no ticket yet; give the message: `have we seen ERROR MESSAGE`.".to_owned()
                );
            }
            None => self.context.clone(),
            Some(words) => {
                let options = crate::investigation::InvestigationRequest {
                    ticket: words.into_bytes(),
                    ticket_name: None,
                    ..self.options.clone()
                };
                let prepared = prepare(&options, true, self.redactor.clone()).await;
                let prepared = prepared.map_err(|error| error.to_string())?;
                ToolContext { ticket: Arc::new(prepared.request.ticket), ..self.context.clone() }
            }
        };
        let found = self.call(&context, "recall", json!({})).await;
        self.in_words(found, "")
    }

    pub(super) async fn suspects(&mut self) -> String {
        if let Some(known) = &self.report {
            let line = |suspect: &millwright_model::Suspect| {
                let why = suspect
                    .reasons
                    .first()
                    .map(|reason| format!("  ({})", reason.detail))
                    .unwrap_or_default();
                let (rank, commit) = (suspect.rank, suspect.commit.short());
                format!("{rank:>3}. {commit} {:.2}  {}{why}", suspect.score, suspect.subject)
            };
            let lines: Vec<String> = known.report.suspects.iter().take(20).map(line).collect();
            return match lines.is_empty() {
                true => "The report names no suspects.".to_owned(),
                false => plain(&lines.join("\n")),
            };
        }
        if !self.has_ticket {
            return "There is no ticket yet, so no commit can be suspected.".to_owned();
        }
        plain(&self.told("suspects", json!({})).await.unwrap_or_else(|why| why))
    }

    /// Resolves `this`, and a name that is the name of a file.
    fn named(&mut self, target: QuestionTarget) -> Result<QuestionTarget, String> {
        let there = |path: &str| {
            matches!(
                git::kind_at(&self.repo, &self.request.bad, path),
                Ok(Some(TreePathKind::File { .. } | TreePathKind::Folder))
            )
        };
        let found = match target {
            QuestionTarget::This => self
                .last
                .clone()
                .or_else(|| self.culprit())
                .or_else(|| self.in_ticket(&there))
                .ok_or_else(nothing_named)?,
            QuestionTarget::Symbol(name) if there(&name) => QuestionTarget::Path { path: name, lines: None },
            QuestionTarget::Path { path, lines } if !there(&path) => {
                // A bare file name means the only file with that name.
                let files =
                    git::files_at(&self.repo, &self.request.bad).map_err(|error| error.to_string())?;
                let tail = format!("/{path}");
                let mut like = files.into_iter().filter(|file| file.ends_with(&tail));
                match (like.next(), like.next()) {
                    (Some(only), None) => QuestionTarget::Path { path: only, lines },
                    (Some(one), Some(other)) => {
                        return Err(format!(
                            "There is more than one {path}: {one}, {other} …; name it in full."
                        ));
                    }
                    _ => QuestionTarget::Path { path, lines },
                }
            }
            other => other,
        };
        self.last = Some(found.clone());
        Ok(found)
    }

    fn culprit(&self) -> Option<QuestionTarget> {
        let cause = self.report.as_ref()?.report.root_cause.as_ref()?;
        match (cause.locations.first(), &cause.commit) {
            (Some(at), _) => Some(QuestionTarget::Path {
                path: at.path.clone(),
                lines: Some((at.start_line, at.end_line)),
            }),
            (None, Some(commit)) => Some(QuestionTarget::Commit(commit.to_string())),
            (None, None) => None,
        }
    }

    /// The place that the ticket names: the innermost frame in the repository, else a file.
    fn in_ticket(&self, there: &dyn Fn(&str) -> bool) -> Option<QuestionTarget> {
        let ticket = &self.request.ticket;
        let frames = ticket.traces.iter().flat_map(|trace| &trace.exceptions).flat_map(|one| &one.frames);
        let mut mapped = frames
            .filter(|frame| frame.in_app)
            .filter_map(|frame| Some((frame.mapped.as_ref()?, frame.line)));
        if let Some((mapped, line)) = mapped.next() {
            return Some(QuestionTarget::Path {
                path: mapped.path.clone(),
                lines: line.map(|line| (line, line)),
            });
        }
        let words = ticket.text.split(|c: char| c.is_whitespace() || "()[]<>,;:\"'`".contains(c));
        let path = words.filter(|word| word.contains(['/', '.'])).take(400).find(|word| there(word))?;
        Some(QuestionTarget::Path { path: path.to_owned(), lines: None })
    }
}

fn nothing_named() -> String {
    "The question needs a subject. Name a file, a line (path:12), a function or a commit.".to_owned()
}

fn no_logs() -> String {
    "No logs were given; start the conversation with --logs PATH.".to_owned()
}

/// Shortens the id as in `git:1a2b3c4d5e:lib/a.sh#L1-L9`, for a person to read.
fn short_locator(locator: &str) -> String {
    let rest = locator.strip_prefix("git:");
    match rest.filter(|rest| rest.len() >= 40 && rest.is_char_boundary(40)) {
        Some(rest) => format!("git:{}{}", &rest[..10], &rest[40..]),
        None => locator.to_owned(),
    }
}
