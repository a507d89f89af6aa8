/*!
Guesses names of services from compose files and Kubernetes manifests, and the folders in which containers run. Reads the
files line by line, because they are templates as often as they are YAML; a missed name can be added by hand.
*/

use std::path::Path;

use super::guess::RepositoryFiles;

const MAX_SERVICES: usize = 30;
const MAX_MANIFESTS: usize = 200;

pub(super) fn services(root: &Path, tree: &RepositoryFiles<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for file in ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"] {
        names.extend(compose(&tree.read(file)));
    }
    let mut manifests = 0;
    for folder in ["k8s", "kubernetes", "manifests", "deploy", "deploy/k8s", "deploy/kubernetes", "ops/k8s"] {
        for name in tree.files(folder) {
            if manifests < MAX_MANIFESTS && (name.ends_with(".yaml") || name.ends_with(".yml")) {
                manifests += 1;
                names.extend(workloads(&tree.read(&format!("{folder}/{name}"))));
            }
        }
    }
    if names.is_empty() && root.join("Procfile").is_file() {
        let procfile = tree.read("Procfile");
        names.extend(procfile.lines().filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned())));
    }
    let mut seen: Vec<String> = Vec::new();
    for name in names {
        let plain = name.chars().all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char));
        if plain && !name.is_empty() && name.len() <= 63 && !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen.truncate(MAX_SERVICES);
    seen
}

/// Services that a compose file builds; those that only use an image (a database, a queue) are not ours.
fn compose(text: &str) -> Vec<String> {
    let mut names: Vec<(String, bool)> = Vec::new();
    let (mut inside, mut depth) = (false, None);
    for line in text.lines() {
        let trimmed = line.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let indent = line.len() - trimmed.len();
        if indent == 0 {
            inside = trimmed.starts_with("services:");
            depth = None;
            continue;
        }
        if !inside {
            continue;
        }
        let depth = *depth.get_or_insert(indent);
        if indent == depth {
            if let Some((name, _)) = trimmed.split_once(':') {
                names.push((name.trim_matches(['"', '\'']).to_owned(), false));
            }
        } else if trimmed.starts_with("build:")
            && let Some((_, built)) = names.last_mut()
        {
            *built = true;
        }
    }
    names.into_iter().filter(|(_, built)| *built).map(|(name, _)| name).collect()
}

fn workloads(text: &str) -> Vec<String> {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Rollout"];
    let mut names = Vec::new();
    for document in text.split("\n---") {
        let value = |key: &str, line: &str| {
            line.strip_prefix(key).map(|rest| rest.trim().trim_matches(['"', '\'']).to_owned())
        };
        let kind = document.lines().find_map(|line| value("kind:", line));
        if !kind.is_some_and(|kind| kinds.contains(&kind.as_str())) {
            continue;
        }
        let mut lines = document.lines().skip_while(|line| !line.starts_with("metadata:")).skip(1);
        let inside = lines.by_ref().take_while(|line| line.starts_with(' '));
        names.extend(inside.filter_map(|line| value("name:", line.trim_start())).next());
    }
    names
}

/// `WORKDIR` of the Dockerfiles: paths in stack traces of a container begin with it.
pub(super) fn path_prefixes(tree: &RepositoryFiles<'_>) -> Vec<String> {
    let mut prefixes: Vec<String> = Vec::new();
    for name in
        tree.files("").iter().filter(|name| name.starts_with("Dockerfile") || name.ends_with(".Dockerfile"))
    {
        for line in tree.read(name).lines() {
            let Some((word, path)) = line.trim().split_once(char::is_whitespace) else { continue };
            let path = path.trim().trim_matches('"').trim_end_matches('/');
            let usable = path.starts_with('/') && !path.contains('$') && path.len() > 1 && path.len() < 200;
            if word.eq_ignore_ascii_case("WORKDIR") && usable && !prefixes.iter().any(|known| known == path) {
                prefixes.push(path.to_owned());
            }
        }
    }
    prefixes.truncate(8);
    prefixes
}
