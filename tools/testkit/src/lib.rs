/*!
What tests are made of: small real repositories, homes for stores on both engines, tickets and incidents, and servers
that answer from a script.

It knows the model and no other crate of the workspace, so that the tests of every crate can use it, the lowest ones
included: what a test gets from here is a path, a URL or a type of the model. Opening a repository or a store is one
line of the crate that owns the type.
*/
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails its test")]
#![expect(clippy::new_without_default, reason = "made where it is used, never by default")]

pub mod hostile_text;
pub mod http_server;
pub mod imported;
pub mod missing_part;
pub mod model_server;
pub mod postgres;
pub mod repository;
pub mod stores;
pub mod tickets;
