/*!
New stores of tests, on the engine under test.
*/

pub(crate) use millwright_testkit::stores::{StoreHome, new_home};
pub(crate) use millwright_testkit::tickets::{incident, prose, repository, resolution, traced};

use millwright_model::Scope;

use super::{Actor, Store, StoreError};

pub(crate) const ANNA: Actor<'static> = Actor { who: "anna@example.org", why: "saw it on the dashboard" };

/// The store at a location, with the operator's scope.
pub(crate) async fn open(location: &str) -> Result<Store, StoreError> {
    Store::open(location, Scope::installation("test")).await
}

/// A new store: SQLite, or PostgreSQL if the environment names a server, see `postgres_tests.rs`.
pub(crate) async fn temporary() -> (Store, StoreHome) {
    let home = new_home();
    (open(&home.location()).await.unwrap(), home)
}
