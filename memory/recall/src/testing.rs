//! Test helpers of the store, shared with the tests of recall.

pub(crate) use shared::*;

use millwright_store::{Actor, NewResolution, Store, StoreError};

#[path = "../../store/tests/postgres/mod.rs"]
#[expect(dead_code, reason = "shared with tests that take a server away")]
pub(crate) mod test_server;

#[path = "../../store/src/testing.rs"]
#[expect(dead_code, reason = "shared with the tests of the store")]
mod shared;
