/*!
How much one caller, one address and all of them together may take of the service: connections, room for bodies that arrive,
requests a minute, open streams. Each says who gives way when it gets short. None knows what a request asks for.
*/

mod body_budget;
mod connections;
mod event_streams;
mod request_rate;

pub(crate) use body_budget::{BodyBudget, BodySender, NoRoom, STEP};
pub(crate) use connections::{ConnectionSlot, ConnectionTable, RequestGuard, network};
pub(crate) use event_streams::{EventStreamLimits, EventStreamPermit};
pub(crate) use request_rate::RateLimiter;
