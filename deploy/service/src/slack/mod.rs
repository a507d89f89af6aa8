/*!
Slack as a door: mentions, direct messages, a slash command and buttons come in, over HTTP or over a socket that the
service opens itself. One thread is one incident; the thread shows one message that is edited as the run goes on, and
what is asked there is answered there. As with any door, what is acknowledged is on the disk, and what goes out has its
intent on the disk before.

`wire` alone knows what Slack sends, `blocks` what it shows, `api` how it is called.
*/

pub(crate) mod api;
mod blocks;
pub(crate) mod doors;
mod note;
mod socket;
mod take;
mod thread;
mod wire;

pub(crate) use blocks::escape;
pub(crate) use note::content;
pub(crate) use socket::listen;
pub(crate) use thread::{ThreadError, complete};

/// The door's name: of incidents' sources, deliveries, notes and metrics.
pub(crate) const NAME: &str = "slack";

#[cfg(test)]
#[path = "kinds_tests.rs"]
mod kinds;
#[cfg(test)]
#[path = "slack_tests.rs"]
mod tests;
