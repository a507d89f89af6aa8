/*!
Regularly checks what can break by itself, and records what does not work: missing repositories, and ticket systems that
cannot be reached or refuse our tokens.
*/

use std::sync::Arc;
use std::time::Duration;

use millwright_git as git;
use millwright_integrations::outbound_http::SendError;

use crate::app::ServiceState;
use crate::reach;

const CHECK_EVERY: Duration = Duration::from_secs(30);
/// Ticket systems are asked once in this many checks of repositories, beginning with the first, because their owners pay for
/// each answer.
const TICKETS_EVERY: u32 = 10;

/// Repeats the checks until the process has to end.
pub(crate) async fn watch(app: Arc<ServiceState>) {
    for check in 0u32.. {
        tokio::select! {
            () = tokio::time::sleep(CHECK_EVERY) => check_repositories(&app).await,
            () = app.ended() => return,
        }
        if check.is_multiple_of(TICKETS_EVERY) && app.settings.duty.works() {
            check_tickets(&app).await;
        }
    }
}

/// Checks that the ticket systems can be reached and take our tokens, without writing anything.
async fn check_tickets(app: &ServiceState) {
    for (name, connection) in &app.settings.tickets {
        let asked = match app.http() {
            Ok(http) => reach::try_token(name, connection, http).await,
            Err(error) => Err(error),
        };
        note_tickets(app, name, &asked);
        if let Err(error) = asked {
            tracing::warn!(system = name, %error, "a ticket system cannot be written to");
        }
    }
}

/// Records the outcome of a request to a ticket system.
fn note_tickets(app: &ServiceState, name: &str, outcome: &Result<(), SendError>) {
    let state = match outcome {
        Ok(()) => Ok(()),
        // The system is there, and asks us to wait.
        Err(SendError::Later(_)) => return,
        Err(SendError::Refused(_)) => {
            Err("it refuses requests; check token_env and the permissions of its token")
        }
        Err(SendError::NotSetUp(_)) => Err("it is no longer configured"),
        Err(SendError::Unreachable(_) | SendError::Unknown(_)) => Err("it does not answer"),
    };
    app.degraded.set(&format!("tickets of {name}"), state);
}

/// Checks that the clones at configured paths are there. Clones of our own are checked by the task that fetches them.
pub(crate) async fn check_repositories(app: &Arc<ServiceState>) {
    let of = app.clone();
    // A disk that does not answer may block for long.
    let looked = tokio::task::spawn_blocking(move || {
        for repository in of.settings.repositories.iter().filter(|one| one.remote.is_none()) {
            let state = match (repository.path.exists(), git::is_repository(&repository.path)) {
                (_, true) => Ok(()),
                (true, false) => Err("its path is not a git repository"),
                (false, false) => Err("its path does not exist"),
            };
            let is_new = of.degraded.set(&format!("repository {}", repository.name), state);
            if let (Err(why), true) = (state, is_new) {
                tracing::warn!(repository = %repository.name, path = %repository.path.display(), why,
                    "a repository cannot be used; correct [repositories.NAME] path");
            }
        }
    });
    let _ = looked.await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU16, Ordering};

    use axum::body::Body;
    use axum::http::Request;
    use millwright_integrations::INTEGRATIONS;
    use millwright_integrations::ticket_client::TicketConnection;
    use millwright_testkit::http_server::{HeardRequest, ScriptedHttpServer};
    use serde_json::json;

    use super::*;
    use crate::settings::RepositorySettings;
    use crate::tests::scene_with;

    #[tokio::test]
    async fn readiness_names_what_does_not_work_and_ends_with_the_store() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("calc");
        let repository = RepositorySettings {
            name: "calc".parse().unwrap(),
            path: path.clone(),
            remote: None,
            branch: None,
            services: vec![],
            path_prefixes: vec![],
            recipes: Default::default(),
            tests: None,
            remotes: Default::default(),
        };
        let scene = scene_with(|settings| settings.repositories.push(repository)).await;
        let ready = async || scene.send(Request::get("/readyz").body(Body::empty()).unwrap()).await;
        let degraded =
            |why: &str| json!({ "ready": true, "degraded": [{ "part": "repository calc", "why": why }] });

        check_repositories(&scene.app).await;
        assert_eq!((ready().await.status, ready().await.json()), (200, degraded("its path does not exist")));
        std::fs::create_dir_all(path.join("refs")).unwrap();
        check_repositories(&scene.app).await;
        assert_eq!(ready().await.json(), degraded("its path is not a git repository"));
        std::fs::create_dir_all(path.join("objects")).unwrap();
        std::fs::write(path.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        check_repositories(&scene.app).await;
        assert_eq!(ready().await.json(), json!({ "ready": true, "degraded": [] }));

        scene.app.own_store.close().await;
        let away = ready().await;
        assert_eq!((away.status, &away.json()["ready"]), (503, &json!(false)));
        let told = json!({ "part": "store", "why": "it does not answer; the log says why" });
        assert_eq!(away.json()["degraded"][0], told, "no words of the database's own");
    }

    #[tokio::test]
    async fn each_ticket_system_that_cannot_be_written_to_is_named_until_it_can() {
        let status = Arc::new(AtomicU16::new(401));
        let answered = status.clone();
        let answer = move |_: &HeardRequest| Some((answered.load(Ordering::SeqCst), json!({})));
        let server = ScriptedHttpServer::start(answer).await;
        let connection = TicketConnection {
            base_url: server.base_url.clone(),
            email: None,
            token: "t".to_owned().into(),
            switches: Default::default(),
        };
        for system in INTEGRATIONS.iter().filter(|system| system.tickets().is_some()) {
            let name = system.name();
            let scene = scene_with(|settings| {
                settings.tickets.insert(name.to_owned(), connection.clone());
            })
            .await;
            let degraded = async |answer| {
                status.store(answer, Ordering::SeqCst);
                check_tickets(&scene.app).await;
                let ready = scene.send(Request::get("/readyz").body(Body::empty()).unwrap()).await;
                assert_eq!(ready.status, 200, "the service works all the same");
                let parts = ready.json()["degraded"].as_array().unwrap().clone();
                parts.iter().map(|part| format!("{}: {}", part["part"], part["why"])).collect::<Vec<_>>()
            };
            let refused = degraded(401).await;
            assert!(refused.len() == 1 && refused[0].contains(&format!("tickets of {name}")), "{refused:?}");
            assert!(refused[0].contains("refuses") && !refused[0].contains("127.0.0.1"), "{refused:?}");
            let away = degraded(503).await;
            assert!(away[0].contains("does not answer"), "{away:?}");
            let asks_for_time = degraded(429).await;
            assert_eq!(asks_for_time, away, "nothing new is known");
            assert_eq!(degraded(200).await, Vec::<String>::new(), "{name}");
        }
    }
}
