/*!
What happens to an incident, as server-sent events. A reader pulls from the store at its own pace and is only woken by
signals, so any number of readers may look, one that is slow or gone holds nobody, and one that comes back goes on
where it stopped (`Last-Event-ID`).
*/

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use millwright_memory::store::{IncidentState, JobKind, JobState, MessageKind, Position, StoreError};
use serde_json::json;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::incidents::message;
use super::timeline;
use crate::app::{App, Signal};
use crate::auth::{self, Principal};
use crate::http::{Id, Problem};

/// Events read at once.
const PAGE: u32 = 100;
/// Other processes send no signals; their events are seen after this long.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A reader whose token was revoked is cut off within this time and one look.
const ASK_AGAIN: Duration = Duration::from_secs(2);
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How far a reader is: events of runs, and messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    event: Position,
    message: String,
}

impl Place {
    fn parse(id: &str) -> Option<Self> {
        let (event, message) = id.split_once('~').unwrap_or((id, ""));
        let clean = message.len() <= 64 && message.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        clean.then_some(())?;
        Some(Self { event: event.parse().ok()?, message: message.to_owned() })
    }

    fn id(&self) -> String {
        // Before the first event: a run's id that sorts before every other.
        let run = if self.event.run.is_empty() { "run_" } else { &self.event.run };
        let tail = if self.message.is_empty() { String::new() } else { format!("~{}", self.message) };
        format!("{run}.{}{tail}", self.event.seq)
    }
}

/// How a stream is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// With everything, as JSON.
    Whole,
    /// That something is new, for a page that fetches what it shows.
    News,
}

/// Who reads a stream.
pub(crate) struct Follower {
    pub(crate) principal: Principal,
    /// The hash of a page's cookie.
    pub(crate) session: Option<String>,
}

pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    headers: HeaderMap,
    Id(id): Id,
) -> Result<Response, Problem> {
    follow(app, Follower { principal, session: None }, &headers, id, Telling::Whole).await
}

pub(crate) async fn follow(
    app: Arc<App>,
    follower: Follower,
    headers: &HeaderMap,
    id: String,
    telling: Telling,
) -> Result<Response, Problem> {
    let place = match headers.get("last-event-id").map(|id| id.to_str().unwrap_or("?")) {
        None | Some("") => None,
        Some(text) => Some(Place::parse(text).ok_or_else(|| {
            Problem::bad_request(
                "last-event-id must be the id of an event of this stream; leave it out to begin anew",
            )
        })?),
    };
    app.store.get_incident(&id).await?;
    let comes_back = place.is_some();
    // Listens before it looks, so that nothing falls in between.
    let signals = app.signals.subscribe();
    let mut reader = Reader {
        app,
        follower,
        let_in_at: Instant::now(),
        incident: id,
        place: place.unwrap_or_default(),
        signals,
        waiting: VecDeque::new(),
        telling,
        state: None,
        ended: false,
    };
    if comes_back {
        reader.look().await?;
        let news = reader.waiting.iter().any(|(named, _)| *named);
        if reader.ended && !news {
            // Tells a browser not to come back again.
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
    let events = futures::stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

struct Reader {
    app: Arc<App>,
    follower: Follower,
    /// When it was last made sure that they may read.
    let_in_at: Instant,
    incident: String,
    place: Place,
    signals: Receiver<Signal>,
    /// Whether it has a place in the stream, and the event.
    waiting: VecDeque<(bool, Event)>,
    telling: Telling,
    /// The last one told.
    state: Option<IncidentState>,
    /// Everything is told once what waits is.
    ended: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((_, event)) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.ended || self.app.is_ending() || !self.may_read_on().await {
                return None;
            }
            let before = (self.place.clone(), self.state);
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "a stream of events ends early");
                return None;
            }
            if before == (self.place.clone(), self.state) && self.waiting.is_empty() && !self.ended {
                self.wait().await;
            }
        }
    }

    /// Whether the reader's token still holds, asked now and then. A store that is away is told by the next look.
    async fn may_read_on(&mut self) -> bool {
        if self.let_in_at.elapsed() < ASK_AGAIN {
            return true;
        }
        self.let_in_at = Instant::now();
        let store = &self.app.store;
        if let Some(session) = &self.follower.session
            && matches!(store.find_session(session).await, Ok(None))
        {
            return false;
        }
        auth::is_let_in_still(store, &self.follower.principal).await.unwrap_or(true)
    }

    /// Reads what is new.
    async fn look(&mut self) -> Result<(), StoreError> {
        // The state first: events stored before it was final are then certainly seen.
        let state = self.app.store.get_incident(&self.incident).await?.state;
        let events = self.app.store.stream(&self.incident, &self.place.event, PAGE).await?;
        let full = events.len() >= PAGE as usize;
        for stored in events {
            let (kind, told) = timeline::view(&stored);
            self.place.event = stored.position;
            let event = match self.telling {
                Telling::Whole => Event::default().event(kind).data(told.to_string()),
                Telling::News => Event::default().event("step").data(kind),
            };
            self.waiting.push_back((true, event.id(self.place.id())));
        }
        let mut unanswered = false;
        for said in self.app.store.messages(&self.incident, Some(&self.place.message)).await? {
            self.place.message.clone_from(&said.id);
            let event = match self.telling {
                Telling::Whole => Event::default().event("message").data(json!(message(&said)).to_string()),
                // A page's `message` is every event without a name.
                Telling::News => Event::default().event("talk").data("new"),
            };
            self.waiting.push_back((true, event.id(self.place.id())));
        }
        if let Some(last) = self.app.store.messages(&self.incident, None).await?.last()
            && last.kind == MessageKind::Question
        {
            let job = self.app.store.get_job(JobKind::Answer, &last.id).await?;
            unanswered = job.is_some_and(|job| matches!(job.state, JobState::Queued | JobState::Running));
        }
        if self.state != Some(state) {
            self.state = Some(state);
            let told = json!({ "state": state }).to_string();
            self.waiting.push_back((false, Event::default().event("state").data(told)));
        }
        let over = matches!(state, IncidentState::Done | IncidentState::Failed | IncidentState::Cancelled);
        // A page asks for answers by itself.
        let unanswered = unanswered && self.telling == Telling::Whole;
        let ended = over && !full && !unanswered;
        if ended && !self.ended && self.telling == Telling::News {
            self.waiting.push_back((false, Event::default().event("over").data("over")));
        }
        self.ended = ended;
        Ok(())
    }

    /// Until something may be new. What a step does is told at once, without a place in the stream.
    async fn wait(&mut self) {
        let deadline = tokio::time::sleep(LOOK_EVERY);
        tokio::pin!(deadline);
        loop {
            let signal = tokio::select! {
                signal = self.signals.recv() => signal,
                () = &mut deadline => return,
                () = self.app.ended() => return,
            };
            match signal {
                Ok(Signal::Stored(incident)) if *incident == *self.incident => return,
                Ok(Signal::Progress(incident, text)) if *incident == *self.incident => {
                    let told = match self.telling {
                        Telling::Whole => text.to_string(),
                        Telling::News => crate::page::progress(&text),
                    };
                    self.waiting.push_back((false, Event::default().event("progress").data(told)));
                    return;
                }
                Ok(_) => {}
                // Too slow for signals: the store has all that counts.
                Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => return deadline.await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_as_it_was_told() {
        let at = |run: &str, seq, message: &str| Place {
            event: Position { run: run.into(), seq },
            message: message.into(),
        };
        for place in [at("run_01a", 7, ""), at("run_01a", 7, "msg_1"), at("run_", 0, "msg_2")] {
            assert_eq!(Place::parse(&place.id()).unwrap(), place);
        }
        assert_eq!(Place::default().id(), "run_.0");
        for wrong in ["", "7", "run_a.1~a'b", "x.1", "run_a.b~c"] {
            assert_eq!(Place::parse(wrong), None, "{wrong}");
        }
    }
}
