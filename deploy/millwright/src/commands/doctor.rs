/*!
`millwright doctor`: looks at everything an investigation needs and says how to mend what is wrong.
*/

use std::process::ExitCode;

use anyhow::Result;
use millwright_agent::planner::{PLAYBOOK, openai};
use millwright_memory::embed::EmbedText;
use millwright_memory::store::Store;
use millwright_memory::types::SandboxLevel;
use millwright_tools::git::Repo;
use millwright_tools::process;
use serde::Serialize;

use crate::cli::{DoctorArguments, ListFormat};
use crate::config::{Config, Origin};
use crate::{dense, wiring};

#[derive(Debug, Serialize)]
struct Check {
    name: String,
    ok: bool,
    detail: String,
}

pub(super) async fn run(arguments: DoctorArguments) -> Result<ExitCode> {
    let mut checks = Vec::new();
    let mut note = |name: &str, result: Result<String, String>| {
        let ok = result.is_ok();
        let detail = result.unwrap_or_else(|why| why);
        checks.push(Check { name: name.to_owned(), ok, detail });
    };
    let config = wiring::config(arguments.config.as_deref(), arguments.repo.as_deref());
    note(
        "configuration",
        match &config {
            Ok(config) => Ok(match &config.origin {
                Origin::Defaults => {
                    "no millwright.toml; defaults are used (`millwright init` writes one)".to_owned()
                }
                Origin::Named(path) | Origin::Repository(path) => path.display().to_string(),
            }),
            Err(error) => Err(format!("{error:#}")),
        },
    );
    let config = config.unwrap_or_else(|_| Config::default());
    let git = tokio::task::spawn_blocking(process::trusted::version).await?;
    note("git", git.map_err(|error| error.to_string()));
    let data_dir = wiring::data_dir(&arguments.data, &config);
    match &data_dir {
        Err(error) => note("data folder", Err(format!("{error:#}"))),
        Ok(dir) => match wiring::open_store(dir, &config).await {
            Ok(store) => {
                let count = store.count_incidents().await;
                note("data folder", Ok(dir.display().to_string()));
                note("database", store.described().await.map_err(|error| error.to_string()));
                note(
                    "memory",
                    count
                        .map(|count| format!("{count} incidents remembered"))
                        .map_err(|error| error.to_string()),
                );
                for (name, result) in vectors(&store, &config).await {
                    note(name, result);
                }
                store.close().await;
            }
            Err(error) => {
                let name = if config.options.store.url.is_some() { "database" } else { "data folder" };
                note(name, Err(format!("{error:#}")));
            }
        },
    }
    let probe = tokio::task::spawn_blocking(process::probe).await?;
    note(
        "sandbox",
        match probe.level {
            Some(SandboxLevel::Full) => Ok("full: namespaces, Landlock and seccomp".into()),
            Some(SandboxLevel::Reduced) => Ok("reduced: Landlock and seccomp, without namespaces".into()),
            Some(SandboxLevel::None) | None => {
                Err("replays are refused here; see the parts below, or allow a weaker one by sandbox.allow_weaker".into())
            }
        },
    );
    for part in probe.mechanisms {
        let result = if part.works { Ok(part.detail) } else { Err(part.detail) };
        note(&format!("sandbox: {}", part.name), result);
    }
    let named = arguments.planner.as_deref().or(config.options.model.name.as_deref());
    match named.filter(|name| *name != PLAYBOOK) {
        None => note("model", Ok("none; the playbook needs none ([model] name, or --planner MODEL)".into())),
        Some(name) => {
            for (part, result) in model(name, &config).await {
                note(part, result);
            }
        }
    }
    if let (Some(path), Ok(dir)) = (&arguments.repo, &data_dir) {
        let (path, dir) = (path.clone(), dir.clone());
        let opened = tokio::task::spawn_blocking(move || {
            let repo = Repo::open(&path, &dir)?;
            let head = repo.resolve("HEAD")?;
            let shallow = if repo.is_shallow() {
                "; shallow: history ends early (`git fetch --unshallow`)"
            } else {
                ""
            };
            Ok::<_, millwright_tools::git::RepoError>(format!("{} at {head}{shallow}", repo.path().display()))
        });
        note("repository", opened.await?.map_err(|error| error.to_string()));
    }
    // A weaker mechanism is no failure while some sandbox works, nor an action mode while the other one does.
    let healthy = checks.iter().all(|check| check.ok || check.name.contains(": "));
    let text = match arguments.format {
        ListFormat::Json => {
            format!("{:#}\n", serde_json::json!({ "healthy": healthy, "checks": checks }))
        }
        ListFormat::Text => {
            let line = |check: &Check| {
                format!("{} {:<20} {}\n", if check.ok { "ok  " } else { "MEND" }, check.name, check.detail)
            };
            checks.iter().map(line).collect()
        }
    };
    wiring::emit(&text, None)?;
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Whether the model of `[embeddings]` gives vectors, and whether the engine of `[vectors]` answers.
async fn vectors(store: &Store, config: &Config) -> Vec<(&'static str, Result<String, String>)> {
    let store = match dense::attach(store.clone(), config).await {
        Ok(store) => store,
        Err(error) => return vec![("embeddings", Err(format!("{error:#}")))],
    };
    let (model, engine) = (store.dense().embedder().model(), store.dense().engine());
    let sample = [EmbedText::new("The total of an invoice is wrong", "")];
    let embedded = store.dense().embedder().embed(&sample).await.and_then(|v| model.check(v, 1));
    let prepared = match engine.prepare(model).await {
        Ok(()) => engine.count(model).await,
        Err(error) => Err(error),
    };
    vec![
        ("embeddings", embedded.map(|_| model.to_string()).map_err(|error| error.to_string())),
        (
            "vectors",
            prepared
                .map(|count| format!("{}, {count} incidents embedded", engine.name()))
                .map_err(|error| error.to_string()),
        ),
    ]
}

/// Whether the model answers, and in which action modes.
async fn model(name: &str, config: &Config) -> Vec<(&'static str, Result<String, String>)> {
    let settings = match wiring::model(name, config) {
        Ok(settings) => settings,
        Err(error) => return vec![("model", Err(format!("{error:#}")))],
    };
    let at = settings.connection.base_url.clone();
    let probe = match openai::probe(&settings).await {
        Ok(probe) => probe,
        Err(error) => return vec![("model", Err(error.to_string()))],
    };
    if let Some(why) = probe.unreachable {
        let mend = "check model.base_url (or OPENAI_BASE_URL), the key, the model's name, proxy and ca_file";
        return vec![("model", Err(format!("{name} at {at}: {why}; {mend}")))];
    }
    let works = match (&probe.tools, &probe.constrained) {
        (Ok(()), _) => Ok(format!("{name} at {at} makes native tool calls")),
        (Err(_), Ok(())) => Ok(format!(
            "{name} at {at} acts by constrained answers; set model.action_mode = \"constrained\" to spare the first try"
        )),
        (Err(_), Err(_)) => Err(format!(
            "{name} at {at} answers, but neither by calls nor by a schema; take another model, or a server that \
             supports tools or response_format"
        )),
    };
    let told = |mode: Result<(), String>| mode.map(|()| "works".to_owned());
    vec![
        ("model", works),
        ("model: tools", told(probe.tools)),
        ("model: constrained", told(probe.constrained)),
    ]
}
