/*!
Moving vectors from one engine to another, and the engine that is a server (cargo feature `qdrant`).
`contract_tests.rs` checks that every engine behaves the same.
*/

mod migrate;
#[cfg(feature = "qdrant")]
mod qdrant;

pub use migrate::{MigrationResult, migrate};
#[cfg(feature = "qdrant")]
pub use qdrant::{Qdrant, QdrantOptions};

#[cfg(test)]
#[path = "contract_tests.rs"]
mod contract_tests;
