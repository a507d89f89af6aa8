/*!
New stores of tests, on the engine under test.
*/

pub(crate) use millwright_testkit::stores::{StoreHome, new_home};
pub(crate) use millwright_testkit::tickets::{incident, prose, repository, resolution, traced};

use millwright_model::Scope;
use millwright_store::{Actor, Store};

pub(crate) const ANNA: Actor<'static> = Actor { who: "anna@example.org", why: "saw it on the dashboard" };

/// A new store, with the operator's scope: SQLite, or PostgreSQL if the environment names a server.
pub(crate) async fn temporary() -> (Store, StoreHome) {
    let home = new_home();
    (Store::open(&home.location(), Scope::installation("test")).await.unwrap(), home)
}
