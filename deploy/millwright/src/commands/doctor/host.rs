/*!
Checks this machine: git, the data folder and its content, the sandbox.
*/

use std::path::Path;

use anyhow::Result;
use millwright_model::{RepositoryName, SandboxLevel, VisibleSet};
use millwright_sandbox::Mechanism;
use millwright_store::embed::EmbedText;
use millwright_store::{AccessToken, Store};

use super::findings::DoctorFindings;
use crate::config::Config;
use crate::{dense, wiring};

pub(super) async fn check_git(findings: &mut DoctorFindings) -> Result<()> {
    let git = tokio::task::spawn_blocking(millwright_sandbox::trusted::version).await?;
    findings.note("git", git.map_err(|error| error.to_string()));
    Ok(())
}

pub(super) async fn check_data(findings: &mut DoctorFindings, dir: &Path, config: &Config) {
    let store = match wiring::open_store(dir, config).await {
        Ok(store) => store,
        Err(error) => {
            let name = if config.options.store.url.is_some() { "database" } else { "data folder" };
            return findings.note(name, Err(format!("{error:#}")));
        }
    };
    let count = store.count_incidents().await;
    // A remote database does not show whether checkouts and indexes can be written.
    let writable = tempfile::tempfile_in(dir).map(|_| dir.display().to_string());
    findings.note(
        "data folder",
        writable.map_err(|error| {
            format!("{} cannot be written: {error}; give another one with --data-dir", dir.display())
        }),
    );
    findings.note("database", store.described().await.map_err(|error| error.to_string()));
    findings.note(
        "memory",
        count.map(|count| format!("{count} incidents remembered")).map_err(|error| error.to_string()),
    );
    if let Ok(tokens) = store.list_tokens().await {
        for unknown in bound_elsewhere(&tokens, config) {
            findings.doubt("tokens", unknown);
        }
    }
    for (name, result) in vectors(&store, config).await {
        findings.note(name, result);
    }
    store.close().await;
}

/// Tokens that are bound to repositories missing from this configuration.
fn bound_elsewhere(tokens: &[AccessToken], config: &Config) -> Vec<String> {
    let is_known = |name: &RepositoryName| config.options.repositories.contains_key(name.as_str());
    let mut unknown = Vec::new();
    for token in tokens.iter().filter(|token| token.revoked_at.is_none()) {
        let VisibleSet::Only(names) = &token.repositories else { continue };
        unknown.extend(names.iter().filter(|name| !is_known(name)).map(|name| {
            format!(
                "{} ({}) is bound to the repository {name}, which is not configured here, so it gives no access to that \
                 repository; add [repositories.{name}], or create another token",
                token.name, token.id
            )
        }));
    }
    unknown
}

/// Checks that the model of `[embeddings]` returns vectors, and that the engine of `[vectors]` answers.
async fn vectors(store: &Store, config: &Config) -> Vec<(&'static str, Result<String, String>)> {
    let store = match dense::attach(store.clone(), config).await {
        Ok(store) => store,
        Err(error) => return vec![("embeddings", Err(format!("{error:#}")))],
    };
    let (model, engine) = (store.vector_index().embedder().model(), store.vector_index().engine());
    let sample = [EmbedText::new("The total of an invoice is wrong", "")];
    let embedded = store.vector_index().embedder().embed(&sample).await.and_then(|v| model.check(v, 1));
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

pub(super) async fn check_sandbox(findings: &mut DoctorFindings) -> Result<()> {
    let probe = tokio::task::spawn_blocking(millwright_sandbox::probe).await?;
    findings.note(
        "sandbox",
        match probe.level {
            Some(SandboxLevel::Full) => Ok("full: namespaces, Landlock and seccomp".into()),
            Some(SandboxLevel::Reduced) => Ok("reduced: Landlock and seccomp, without namespaces".into()),
            Some(SandboxLevel::None) | None => {
                Err("replays are refused here; see the parts below, or allow a weaker sandbox with \
                     sandbox.allow_weaker"
                    .into())
            }
        },
    );
    for part in probe.mechanisms {
        note_mechanism(findings, part);
    }
    Ok(())
}

fn note_mechanism(findings: &mut DoctorFindings, part: Mechanism) {
    let name = format!("sandbox: {}", part.name);
    match part {
        Mechanism { works: true, detail, .. } => findings.note_alternative(&name, Ok(detail)),
        Mechanism { is_extra: true, detail, .. } => findings.doubt(&name, detail),
        Mechanism { detail, .. } => findings.note_alternative(&name, Err(detail)),
    }
}

#[cfg(test)]
mod tests {
    use millwright_redaction::Redactor;

    use super::*;

    #[test]
    fn an_extra_that_is_lacking_is_nothing_to_mend() {
        let mut findings = DoctorFindings::new(Redactor::default());
        let lacking =
            |name, is_extra| Mechanism { name, works: false, is_extra, detail: "it is lacking".into() };
        note_mechanism(&mut findings, lacking("namespaces", false));
        note_mechanism(&mut findings, lacking("control groups", true));
        let text = findings.as_text();
        assert!(text.contains("MEND sandbox: namespaces "), "{text}");
        assert!(text.contains("note sandbox: control groups "), "{text}");
        assert!(findings.is_healthy(), "another level of the sandbox may work");
    }
}
