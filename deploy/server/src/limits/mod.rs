/*!
Limits on what one caller, one address and all of them together may use: connections, memory for arriving bodies, requests
per minute, open streams, questions about code. Each limit decides which user is cut off when it is reached. None of them knows what a request
asks for.
*/

mod body_budget;
mod code_questions;
mod connections;
mod event_streams;
mod request_rate;

pub(crate) use body_budget::{BodyBudget, BodySender, NoRoom, STEP};
pub(crate) use code_questions::CodeQuestionLimit;
pub(crate) use connections::{ConnectionSlot, ConnectionTable, RequestGuard, network};
pub(crate) use event_streams::{EventStreamLimits, EventStreamPermit};
pub(crate) use request_rate::RateLimiter;
