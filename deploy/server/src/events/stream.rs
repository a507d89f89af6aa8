/*!
The events of an incident, as server-sent events. A reader pulls from the store at its own pace, and signals only wake it.
So any number of readers may follow, a slow or absent reader blocks nobody, and a reader that returns continues where it
stopped (`Last-Event-ID`). The API and the pages each decide how events are written: see [`StreamFormat`].
*/

use millwright_model::{IncidentId, MessageId};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use millwright_store::{
    IncidentMessage, IncidentState, MESSAGES_AT_ONCE, Store, StoreError, StreamEvent, StreamPosition,
};
use serde_json::json;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::app::{ServiceState, WakeSignal};
use crate::auth::{self, Principal};
use crate::http::Problem;
use crate::limits::EventStreamPermit;
use crate::metrics::RefusalReason;

/// Events read at once.
const PAGE: u32 = 100;
/// Signals do not cross processes; events of other processes are seen after this long.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a reader's token is checked: a reader whose token was revoked is cut off within this time plus [`LOOK_EVERY`].
const ASK_AGAIN: Duration = Duration::from_secs(2);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Seconds after which a client may retry when too many streams are open.
const COME_BACK: u64 = 10;

/// The pattern of positions. A reader that has seen nothing has an empty position, and before the first event of a run no
/// run is named.
pub(crate) const POSITION: &str = "^(run_[0-9a-z]{0,40}[.](0|[1-9][0-9]{0,17})(~msg_[0-9a-z]{1,40})?)?$";
/// The largest number an event can have.
const MAX_SEQ: i64 = 999_999_999_999_999_999;

/// How far a reader has read: events of runs, and messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ReaderPosition {
    event: StreamPosition,
    message: Option<MessageId>,
}

impl ReaderPosition {
    fn parse(id: &str) -> Option<Self> {
        let (event, message) = match id.split_once('~') {
            Some((event, message)) => (event, Some(MessageId::parse(message).ok()?)),
            None => (id, None),
        };
        let place = Self { event: event.parse().ok()?, message };
        // Accepts only the exact text that was sent, because numbers can be written in several ways.
        ((0..=MAX_SEQ).contains(&place.event.seq) && place.id() == id).then_some(place)
    }

    fn id(&self) -> String {
        match &self.message {
            Some(message) => format!("{}~{message}", self.event),
            None => self.event.to_string(),
        }
    }
}

/// How the events of a stream are written.
pub(crate) trait StreamFormat: Send + Sync {
    /// Whether the stream of an ended incident stays open until its open questions are answered.
    fn awaits_answers(&self) -> bool;
    fn run_event(&self, stored: &StreamEvent) -> Event;
    fn message(&self, said: &IncidentMessage) -> Event;
    /// The data of an event `progress`, from the JSON of a `ProgressEvent`.
    fn progress(&self, json: &str) -> String;
    /// The event that says that nothing more will come, if this format has one.
    fn over(&self) -> Option<Event>;
}

/// The reader of a stream.
pub(crate) struct EventSubscriber {
    pub(crate) principal: Principal,
    /// The hash of a page's cookie.
    pub(crate) session: Option<String>,
}

pub(crate) async fn follow(
    app: Arc<ServiceState>,
    subscriber: EventSubscriber,
    headers: &HeaderMap,
    id: IncidentId,
    format: &'static dyn StreamFormat,
) -> Result<Response, Problem> {
    let place = match headers.get("last-event-id").map(|id| id.to_str().unwrap_or("?")) {
        None | Some("") => None,
        Some(text) => Some(ReaderPosition::parse(text).ok_or_else(|| {
            Problem::bad_request(
                "last-event-id must be the id of an event of this stream; leave it out to start from the beginning",
            )
        })?),
    };
    let stream = app.streams.open(&subscriber.principal.key).map_err(|setting| {
        app.metrics.refused(RefusalReason::Streams);
        let why = format!("too many streams of events are open ({setting}); close one, or try again later");
        Problem::later(why, COME_BACK)
    })?;
    let store = app.store_of(&subscriber.principal);
    store.get_incident(&id).await?;
    let comes_back = place.is_some();
    // Subscribes before it reads the store, so that no event is missed in between.
    let signals = app.signals.subscribe();
    let mut reader = Reader {
        app,
        store,
        _stream: stream,
        subscriber,
        let_in_at: Instant::now(),
        incident: id,
        place: place.unwrap_or_default(),
        signals,
        waiting: VecDeque::new(),
        format,
        state: None,
        ended: false,
    };
    if comes_back {
        reader.look().await?;
        let news = reader.waiting.iter().any(|(named, _)| *named);
        if reader.ended && !news {
            // Tells a browser not to reconnect.
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
    app: Arc<ServiceState>,
    /// The store as the subscriber may see it.
    store: Store,
    _stream: EventStreamPermit,
    subscriber: EventSubscriber,
    /// When the subscriber's right to read was last checked.
    let_in_at: Instant,
    incident: IncidentId,
    place: ReaderPosition,
    signals: Receiver<WakeSignal>,
    /// Whether the event has a position in the stream, and the event.
    waiting: VecDeque<(bool, Event)>,
    format: &'static dyn StreamFormat,
    /// The state that was sent last.
    state: Option<IncidentState>,
    /// No events follow those in `waiting`.
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

    /// Checks from time to time whether the reader's token is still valid. An unreachable store is reported by the next
    /// read.
    async fn may_read_on(&mut self) -> bool {
        if self.let_in_at.elapsed() < ASK_AGAIN {
            return true;
        }
        self.let_in_at = Instant::now();
        let store = &self.app.own_store;
        if let Some(session) = &self.subscriber.session
            && matches!(store.find_session(session).await, Ok(None))
        {
            return false;
        }
        auth::is_let_in_still(store, &self.subscriber.principal).await.unwrap_or(true)
    }

    /// Reads what is new.
    async fn look(&mut self) -> Result<(), StoreError> {
        // Reads state and open questions first: then everything that was stored before they became final is certainly seen
        // below.
        let state = self.store.incident_state(&self.incident).await?;
        let over = state.is_over();
        let awaits_answer =
            over && self.format.awaits_answers() && self.store.awaits_answer(&self.incident).await?;
        let events = self.store.stream(&self.incident, &self.place.event, PAGE).await?;
        let mut full = events.len() >= PAGE as usize;
        for stored in events {
            let event = self.format.run_event(&stored);
            self.place.event = stored.position;
            self.waiting.push_back((true, event.id(self.place.id())));
        }
        let news = self.store.messages(&self.incident, self.place.message.as_ref()).await?;
        full |= news.len() >= MESSAGES_AT_ONCE;
        for said in news {
            self.place.message = Some(said.id.clone());
            let event = self.format.message(&said);
            self.waiting.push_back((true, event.id(self.place.id())));
        }
        if self.state != Some(state) {
            self.state = Some(state);
            let told = json!({ "state": state }).to_string();
            self.waiting.push_back((false, Event::default().event("state").data(told)));
        }
        let ended = over && !full && !awaits_answer;
        if ended
            && !self.ended
            && let Some(event) = self.format.over()
        {
            self.waiting.push_back((false, event));
        }
        self.ended = ended;
        Ok(())
    }

    /// Waits until there may be something new. Progress of a step is sent at once, without a position in the stream.
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
                Ok(WakeSignal::Stored(incident)) if incident == self.incident => return,
                Ok(WakeSignal::Progress(incident, text)) if incident == self.incident => {
                    let told = self.format.progress(&text);
                    self.waiting.push_back((false, Event::default().event("progress").data(told)));
                    return;
                }
                Ok(_) => {}
                // This reader was too slow for the signals; the store has everything that matters.
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
        let at = |run: Option<&str>, seq, message: Option<&str>| ReaderPosition {
            event: StreamPosition { run: run.map(|run| run.parse().unwrap()), seq },
            message: message.map(|message| message.parse().unwrap()),
        };
        let run = Some("run_01a");
        for place in [at(run, 7, None), at(run, 7, Some("msg_1")), at(None, 0, Some("msg_2"))] {
            assert_eq!(ReaderPosition::parse(&place.id()).unwrap(), place);
        }
        assert_eq!(ReaderPosition::default().id(), "run_.0");
        for wrong in ["", "7", "run_a.1~a'b", "x.1", "run_a.b~c"] {
            assert_eq!(ReaderPosition::parse(wrong), None, "{wrong}");
        }
    }

    /// A position is accepted exactly when it matches the pattern in the description of the routes, which includes every
    /// position that we send.
    #[test]
    fn a_position_is_read_exactly_where_its_pattern_says_so() {
        let pattern = regex::Regex::new(POSITION).unwrap();
        assert!(pattern.is_match(""), "a reader that has seen nothing says nothing");
        let runs = ["", "run", "run_", "run_a", "run_01HX", "run_é", "inc_a", "msg_a"].map(str::to_owned);
        let long = [40, 41].map(|length| format!("run_{}", "a".repeat(length)));
        let numbers = ["", "0", "7", "00", "07", "+7", "-1", "-0", " 7", "1.0", "999999999999999999"];
        let beyond = ["1000000000000000000", "9223372036854775807", "9223372036854775808"];
        let messages = ["", "~", "~msg_", "~msg_0", "~msg_A", "~run_a", "~msg_a~msg_b"].map(str::to_owned);
        let long_messages = [40, 41].map(|length| format!("~msg_{}", "z".repeat(length)));
        let mut taken = 0;
        for run in runs.iter().chain(&long) {
            for number in numbers.iter().chain(&beyond) {
                for message in messages.iter().chain(&long_messages) {
                    let id = format!("{run}.{number}{message}");
                    let read = ReaderPosition::parse(&id);
                    assert_eq!(read.is_some(), pattern.is_match(&id), "{id}");
                    taken += usize::from(read.is_some());
                }
            }
        }
        assert_eq!(taken, 3 * 3 * 3);
        for told in [ReaderPosition::default(), ReaderPosition::parse("run_.0~msg_1").unwrap()] {
            assert!(pattern.is_match(&told.id()), "{told:?}");
        }
    }
}
