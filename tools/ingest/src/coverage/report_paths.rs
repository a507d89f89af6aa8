/*!
Where the paths of a coverage report lie in a repository. A report was written on some machine: its absolute paths share
the folder of that machine's checkout, its relative ones may begin below a source folder or with a module's name.
*/

use std::collections::HashMap;

use millwright_model::Language;

use crate::mapping::RepoFiles;

/// How one report names the files of a repository.
pub(super) struct ReportPaths {
    /// What most of its paths have in front of the repository's: the checkout's folder on the machine that wrote the
    /// report, or the name of a Go module.
    prefix: Option<String>,
}

impl ReportPaths {
    /// Finds the prefix: the one without which most of the paths are the repository's.
    pub(super) fn of<'p>(paths: impl Iterator<Item = &'p str>, repository: &RepoFiles) -> Self {
        let mut votes: HashMap<String, usize> = HashMap::new();
        for path in paths.map(normalised).filter(|path| !repository.contains(path)) {
            for (at, _) in path.match_indices('/') {
                let (folder, inside) = path.split_at(at);
                if repository.contains(inside.trim_start_matches('/')) {
                    *votes.entry(folder.to_owned()).or_default() += 1;
                    break;
                }
            }
        }
        let most = votes.into_iter().max_by(|(a, one), (b, other)| one.cmp(other).then_with(|| b.cmp(a)));
        Self { prefix: most.map(|(folder, _)| folder) }
    }

    /// The repository's path for a path of the report.
    pub(super) fn locate(&self, path: &str, repository: &RepoFiles) -> Option<String> {
        let path = normalised(path);
        if path.split('/').any(|part| part == "..") {
            return None;
        }
        if repository.contains(&path) {
            return Some(path);
        }
        if let Some(prefix) = &self.prefix {
            let inside = path.strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_prefix('/'));
            if let Some(inside) = inside.filter(|inside| repository.contains(inside)) {
                return Some(inside.to_owned());
            }
            // Other absolute paths are of libraries.
            if is_absolute(&path) {
                return None;
            }
        }
        // The end of the path is all there is; a name alone is too little of an absolute path.
        let found = repository.locate(&path, Language::Unknown)?;
        (!is_absolute(&path) || found.contains('/')).then(|| found.to_owned())
    }
}

fn normalised(path: &str) -> String {
    let path = path.trim_start_matches("file://").replace('\\', "/");
    path.trim_start_matches("./").to_owned()
}

/// Also with the letter of a drive.
fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.as_bytes().get(1) == Some(&b':')
}

/// A path below an absolute folder, without `.` and `..`.
pub(super) fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.trim_end_matches('/').split('/').collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            // The first part is the empty one before the root's slash.
            ".." => parts.truncate(parts.len().saturating_sub(1).max(1)),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
