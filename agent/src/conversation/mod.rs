/*!
The conversation: a person asks about an incident or the code, and tools provide the answer. It works in the same way
in every channel (a terminal, later a web page and a chat channel): this module knows neither a terminal nor HTTP; it
takes a line and returns a text.

Rules answer the questions that they recognise ([`intent`]). A model, if one is configured, answers the others with
the same reading tools, and its claims are checked against the evidence ([`grounding`]). An investigation is a real
run: a [`RunMessenger`] steers and stops it while it works, it can be parked and resumed, and the conversation asks
for consent.
*/

mod command;
mod feedback;
mod grounding;
mod intent;
mod notebook;
mod rules;
mod runs;
mod talk;

use millwright_model::IncidentId;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use millwright_git::Repo;
use millwright_redaction::Redactor;
use millwright_store::Store;
use millwright_tools::{
    CancelFlag, Dispatcher, Effect, Policy, ProgressSink, RunMemory, RunResources, ToolContext,
    investigation_tools,
};

use crate::hand_over::FixDestination;
use crate::inbox::{InboxMessage, LocalInbox, RunInbox};
use crate::investigation::{InvestigateError, InvestigationRequest, InvestigationResult, prepare};
use crate::planner::Planner;
use crate::planner::openai::ModelSpeaker;
use crate::report::{self, plain};
use crate::run::{ReplayPlan, RunRequest};
use crate::sink::EventSink;

pub use command::{SlashCommand, command, steering};
pub use feedback::{FeedbackError, FeedbackFuture, FeedbackTaker};
pub use intent::ABILITIES;

use intent::{QuestionIntent, QuestionTarget, understand};
use notebook::EvidenceNotebook;
use talk::ModelConversation;

/// Maximum length of a line, in characters.
pub const LONGEST_LINE: usize = 8_000;
/// The ticket's text until there is a ticket.
const NO_TICKET: &str = "(no ticket yet)";

/// The context of a conversation.
pub struct ConversationContext {
    /// The request with which investigations start. An empty ticket means that there is none yet.
    pub options: InvestigationRequest,
    /// The id of an incident to talk about; its ticket replaces the one in `options`.
    pub incident: Option<String>,
    pub store: Store,
    pub redactor: Arc<Redactor>,
    pub planner: Box<dyn Planner>,
    /// Answers the questions that rules do not recognise; `None` without a model.
    pub speaker: Option<ModelSpeaker>,
    /// The name of the person, which signs approvals and remarks.
    pub by: String,
    /// Records the person's feedback on an answer.
    pub feedback: Arc<dyn FeedbackTaker>,
    /// Width of the channel in columns.
    pub width: usize,
    pub color: bool,
}

/// Listeners for progress while an answer is made.
#[derive(Clone)]
pub struct ConversationListener {
    pub sinks: Vec<Arc<dyn EventSink>>,
    pub progress: Arc<dyn ProgressSink>,
}

/// The answer to a line.
#[derive(Debug, Default)]
pub struct ConversationAnswer {
    /// The text, safe to print.
    pub text: String,
    /// The person wants to leave.
    pub ends: bool,
    /// The feedback in the line could not be recorded, through no fault of the person.
    pub failed: Option<FeedbackError>,
}

/// Sends messages to a working run while the conversation waits for it. Cheap to clone.
#[derive(Clone, Default)]
pub struct RunMessenger(Arc<Spoken>);

#[derive(Default)]
struct Spoken {
    inbox: LocalInbox,
    working: Mutex<Option<Work>>,
    by: Mutex<String>,
}

/// The current work.
struct Work {
    cancel: CancelFlag,
    /// Only a run takes remarks; a question to a model ends before a remark could matter.
    is_run: bool,
}

impl RunMessenger {
    /// Sends advice to the run; `false` when none is working.
    pub fn steer(&self, text: &str) -> bool {
        let works = lock(&self.0.working).as_ref().is_some_and(|work| work.is_run);
        if works {
            let text = text.chars().take(LONGEST_LINE).collect();
            self.0.inbox.put(InboxMessage::Remark { text, by: lock(&self.0.by).clone() });
        }
        works
    }

    /// Parks the current work; `false` when there is none.
    pub fn stop(&self) -> bool {
        let working = lock(&self.0.working);
        if let Some(work) = working.as_ref() {
            work.cancel.cancel();
        }
        working.is_some()
    }

    fn begin(&self, is_run: bool) -> CancelFlag {
        let cancel = CancelFlag::default();
        *lock(&self.0.working) = Some(Work { cancel: cancel.clone(), is_run });
        cancel
    }

    fn end(&self) {
        *lock(&self.0.working) = None;
    }

    /// Takes the remarks that came too late for a finished run; the next run must not see them.
    fn too_late(&self) -> Vec<String> {
        let mut late = Vec::new();
        for said in self.0.inbox.waiting() {
            self.0.inbox.stored(&said);
            if let InboxMessage::Remark { text, .. } = said {
                late.push(text);
            }
        }
        late
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An action that waits for consent.
enum Waiting {
    /// Calls of the parked run.
    Calls(Vec<millwright_tools::ToolCall>),
    /// A fix that the person asked for in this conversation.
    Fix(FixDestination),
}

pub struct Conversation {
    options: InvestigationRequest,
    store: Store,
    redactor: Arc<Redactor>,
    planner: Box<dyn Planner>,
    by: String,
    feedback: Arc<dyn FeedbackTaker>,
    width: usize,
    color: bool,
    repo: Arc<Repo>,
    request: RunRequest,
    has_ticket: bool,
    dispatcher: Dispatcher,
    context: ToolContext,
    notebook: EvidenceNotebook,
    /// The current incident, if it existed before the conversation.
    incident: Option<IncidentId>,
    last: Option<QuestionTarget>,
    report: Option<InvestigationResult>,
    waiting: Option<Waiting>,
    parked: bool,
    calls: usize,
    talk: Option<ModelConversation>,
    voice: RunMessenger,
    scratch: PathBuf,
    reads_only: bool,
}

impl Conversation {
    /// Begins a conversation; all errors in the input are found here.
    ///
    /// # Errors
    /// When the repository, a revision, the logs or the incident is wrong.
    pub async fn begin(setting: ConversationContext) -> Result<Self, InvestigateError> {
        let ConversationContext {
            mut options,
            incident,
            store,
            redactor,
            planner,
            speaker,
            by,
            feedback,
            width,
            color,
        } = setting;
        let redactor = Arc::new(redactor.for_run());
        let incident = match incident {
            Some(id) => Some(store.get_incident(&store.resolve_incident_id(&id).await?).await?),
            None => None,
        };
        if let Some(incident) = &incident {
            options.ticket = incident.ticket.text.clone().into_bytes();
            options.ticket_name = None;
        }
        let has_ticket = !options.ticket.iter().all(u8::is_ascii_whitespace);
        if !has_ticket {
            options.ticket = NO_TICKET.into();
        }
        let mut prepared = prepare(&options, true, redactor.clone()).await?;
        let repo = Arc::new(prepared.repo);
        let scratch = options.data_dir.join("runs").join(format!("chat_{}", uuid::Uuid::now_v7().simple()));
        // An investigation deletes its own ticket file; this one is deleted with the conversation.
        if let Some(file) = &prepared.ticket_file {
            let own = scratch.join("ticket.log");
            let moved = std::fs::create_dir_all(&scratch).and_then(|()| std::fs::rename(file, &own));
            moved.map_err(|source| InvestigateError::DataDir { path: own.clone(), source })?;
            prepared.request.logs.retain(|log| log != file);
            prepared.request.logs.push(own);
        }
        let context = context(&options, &repo, &prepared.request, &store, &redactor, scratch.clone());
        // A conversation only reads: proposing is a step of a run.
        let reads =
            |effect| matches!(effect, Effect::ReadRepository | Effect::ReadFiles | Effect::ReadMemory);
        let tools =
            investigation_tools().only(|tool| reads(tool.effect()) && !tool.name().starts_with("propose_"));
        let dispatcher = Dispatcher::new(tools, Policy::investigate());
        let talk = speaker.map(ModelConversation::new);
        let voice = RunMessenger::default();
        lock(&voice.0.by).clone_from(&by);
        let mut conversation = Self {
            options,
            store,
            redactor,
            planner,
            by,
            feedback,
            width,
            color,
            repo,
            request: prepared.request,
            has_ticket,
            dispatcher,
            context,
            notebook: EvidenceNotebook::default(),
            incident: incident.as_ref().map(|incident| incident.id.clone()),
            last: None,
            report: None,
            waiting: None,
            parked: false,
            calls: 0,
            talk,
            voice,
            scratch,
            reads_only: false,
        };
        if let Some(incident) = incident {
            conversation.recollect(&incident.id).await?;
        }
        Ok(conversation)
    }

    /// Starts no investigation and writes nothing but the person's feedback, for channels with other ways to start
    /// one.
    #[must_use]
    pub fn reading_only(mut self) -> Self {
        self.reads_only = true;
        self
    }

    /// Sends messages to a run while [`Self::hear`] waits for it.
    pub fn voice(&self) -> RunMessenger {
        self.voice.clone()
    }

    /// The first message in a channel.
    pub fn greeting(&self) -> String {
        let who = self.talk.as_ref().map_or_else(
            || "No model is configured: answers come from rules.".to_owned(),
            |talk| format!("The model {} answers.", talk.name()),
        );
        let about = match (self.has_ticket, &self.report) {
            (_, Some(known)) => format!("{} ({})", self.request.ticket.title, known.report.verdict.as_str()),
            (true, None) => self.request.ticket.title.clone(),
            (false, None) => "no ticket yet".to_owned(),
        };
        let failing = self.request.bad.short();
        plain(&format!(
            "{} at {failing}: {about}\n{who} /help lists what you can ask.\n",
            self.repo.path().display()
        ))
    }

    /// Answers a line. Never fails: an error is reported in the answer.
    pub async fn hear(&mut self, line: &str, ears: &ConversationListener) -> ConversationAnswer {
        if line.trim().is_empty() {
            return ConversationAnswer::default();
        }
        if steering(line).is_some() {
            return told("No investigation is running, so there is nothing to steer.");
        }
        if let Some(command) = command(line) {
            return self.obey(command, ears).await;
        }
        let cut = line.chars().nth(LONGEST_LINE).is_some();
        let line: String = line.chars().take(LONGEST_LINE).collect();
        let (mut text, failed) = match understand(&line) {
            QuestionIntent::Feedback(approval) => match self.record_feedback(approval, &line).await {
                Ok(words) => (plain(&words), None),
                Err(error) => (plain(&format!("That could not be recorded: {error}")), Some(error)),
            },
            intent => (self.converse(intent, &line, ears).await, None),
        };
        if cut {
            text.push_str(&format!("\n(Only the first {LONGEST_LINE} characters of the line were read.)"));
        }
        ConversationAnswer { text, failed, ..ConversationAnswer::default() }
    }

    async fn converse(&mut self, intent: QuestionIntent, line: &str, ears: &ConversationListener) -> String {
        match intent {
            QuestionIntent::Investigate(_) | QuestionIntent::WriteFix(_) if self.reads_only => {
                "This conversation only answers questions; report a new incident to have it investigated."
                    .to_owned()
            }
            QuestionIntent::Investigate(subject) => self.investigate(subject, ears).await,
            QuestionIntent::WriteFix(place) => self.offer_fix(place),
            intent if self.talk.is_some() => {
                let line = self.redactor.redact(line).text;
                match self.talk(&line, ears).await {
                    Ok(answer) => answer,
                    Err(why) => {
                        let by_rules = self.by_rules(intent).await;
                        plain(&format!("The model gave no answer ({why}). The answer of the rules:\n"))
                            + &by_rules
                    }
                }
            }
            intent => self.by_rules(intent).await,
        }
    }

    async fn obey(&mut self, command: SlashCommand, ears: &ConversationListener) -> ConversationAnswer {
        let text = match command {
            SlashCommand::Evidence(id) => self.show_evidence(id.as_deref()),
            SlashCommand::Suspects => self.suspects().await,
            SlashCommand::Approve(call) => self.decide(call, true, ears).await,
            SlashCommand::Deny(call) => self.decide(call, false, ears).await,
            SlashCommand::Stop => "Nothing is running, so there is nothing to stop.".to_owned(),
            SlashCommand::Resume if self.parked => self.resume(ears).await,
            SlashCommand::Resume => {
                "No investigation was stopped here. `investigate this` starts one, or resumes one that was \
                 stopped earlier."
                    .to_owned()
            }
            SlashCommand::Report => self.show_report(),
            SlashCommand::Help => format!("{}\n\nQuestions:\n{ABILITIES}", command::HELP),
            SlashCommand::Quit => return ConversationAnswer { ends: true, ..ConversationAnswer::default() },
            SlashCommand::Unknown(name) => {
                plain(&format!("There is no command /{name}; there are:\n{}", command::HELP))
            }
        };
        ConversationAnswer { text, ..ConversationAnswer::default() }
    }

    fn show_evidence(&self, id: Option<&str>) -> String {
        let pieces = self.notebook.pieces();
        let Some(id) = id else {
            let line = |piece: &notebook::NumberedEvidence| {
                let first = piece.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
                let first: String = first.chars().take(80).collect();
                format!("{} {}  {first}", piece.evidence.id, piece.evidence.locator.0)
            };
            return match pieces.is_empty() {
                true => "No evidence yet: ask something, or `investigate this`.".to_owned(),
                false => plain(&pieces.iter().map(line).collect::<Vec<_>>().join("\n")),
            };
        };
        match self.notebook.get(id) {
            Some(piece) => {
                let (text, cut) = crate::context::shortened(&piece.text, 6_000);
                let cut =
                    cut.map_or_else(String::new, |(left, _)| format!("\n({left} characters are left out)"));
                plain(&format!("{id} {}\n{text}{cut}", piece.evidence.locator.0))
            }
            None => {
                let last = pieces.last().map_or_else(
                    || "there is none yet".to_owned(),
                    |last| format!("they go from E1 to {}", last.evidence.id),
                );
                plain(&format!("There is no evidence {id}; {last}."))
            }
        }
    }

    fn show_report(&self) -> String {
        let Some(known) = &self.report else {
            return "There is no report yet; `investigate this` makes one.".to_owned();
        };
        let look = report::RenderContext { width: self.width, color: self.color, ..known.context.clone() };
        report::render(&known.report, &look, report::ReportFormat::Text)
    }

    fn redact(&self, text: &str) -> String {
        self.redactor.redact(text).text
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        // The folder contains only temporary files of this conversation's tools.
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}

fn told(text: &str) -> ConversationAnswer {
    ConversationAnswer { text: text.to_owned(), ..ConversationAnswer::default() }
}

fn context(
    options: &InvestigationRequest,
    repo: &Arc<Repo>,
    request: &RunRequest,
    store: &Store,
    redactor: &Redactor,
    scratch: PathBuf,
) -> ToolContext {
    let recipe = match &request.replay {
        ReplayPlan::Recipe(recipe) => Some((**recipe).clone()),
        ReplayPlan::None(_) => None,
    };
    let workbench = RunResources {
        run_dir: scratch,
        recipe,
        memory: Some(RunMemory { store: store.clone(), repository: request.repository.clone() }),
        jobs: 1,
        ..RunResources::default()
    };
    ToolContext {
        good: request.good.clone(),
        logs: request.logs.clone(),
        workbench: Arc::new(workbench),
        ..ToolContext::new(
            repo.clone(),
            Arc::new(redactor.config().clone()),
            request.bad.clone(),
            options.data_dir.clone(),
            Arc::new(request.ticket.clone()),
        )
    }
}
