/*!
Checks what the files of a revision need but a checkout lacks.
*/

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobSetBuilder};
use millwright_code::SourceLanguage;
use millwright_git::{EntryKind, Repo, RepoError, TreeEntry, blob_at, entries_at};
use millwright_replay::TestRecipes;

use super::packages::PackageManager;
use super::{SetupCheck, SetupPart};

/// Lock files in deeper folders belong to examples and fixtures.
const DEEPEST_LOCK_FILE: usize = 2;
const MAX_NAMED: usize = 5;
/// Maximum number of files tracked by Git LFS that are opened to see whether they are pointers.
const MAX_OPENED: usize = 20;

/// What a checkout of `revision` (full id) lacks. `tests_ran`: whether the project's tests could run there, which
/// shows that they need none of the missing parts; `None` if they were not tried.
///
/// # Errors
/// When the revision cannot be read.
pub fn check_checkout(
    repo: &Repo,
    revision: &str,
    recipes: &TestRecipes,
    tests_ran: Option<bool>,
) -> Result<Vec<SetupCheck>, RepoError> {
    let contents =
        CheckoutContents { repo, revision, entries: entries_at(repo, revision)?, recipes, tests_ran };
    let mut checks = Vec::new();
    if repo.is_shallow() {
        let detail = "the clone is shallow, so older culprits cannot be found; fetch the whole history: git \
                      fetch --unshallow";
        checks.push(SetupCheck::doubtful(SetupPart::History, detail));
    }
    if repo.lacks_contents() {
        let detail = "the clone is partial: revisions whose files it lacks are neither read nor replayed, and nothing is \
                      fetched; fetch all of it: git fetch --refetch --no-filter";
        checks.push(SetupCheck::doubtful(SetupPart::History, detail));
    }
    checks.push(contents.units());
    checks.extend(contents.submodules());
    checks.extend(contents.lock_files());
    checks.extend(contents.large_files());
    Ok(checks)
}

struct CheckoutContents<'a> {
    repo: &'a Repo,
    revision: &'a str,
    entries: Vec<TreeEntry>,
    recipes: &'a TestRecipes,
    tests_ran: Option<bool>,
}

impl CheckoutContents<'_> {
    /// The check result for a missing part: broken, unless the tests ran without it, or a configured step may provide
    /// it.
    fn missing(&self, part: SetupPart, what: &str, remedy: &str, is_brought: bool) -> SetupCheck {
        match self.tests_ran {
            Some(true) => SetupCheck::works(part, format!("{what}; the tests ran anyway")),
            Some(false) => SetupCheck::broken(part, format!("{what}. {remedy}")),
            None if is_brought => SetupCheck::doubtful(
                part,
                format!(
                    "{what}; whether setup, overlay and allow_read provide it was not tried. Otherwise: \
                     {remedy}"
                ),
            ),
            None => SetupCheck::broken(part, format!("{what}. {remedy}")),
        }
    }

    fn is_named(&self, path: &str) -> bool {
        let leaf = path.rsplit('/').next().unwrap_or(path);
        let recipes = self.recipes;
        let read = recipes.allow_read.iter().any(|shown| shown.to_string_lossy().contains(leaf));
        read || recipes.setup.iter().chain(&recipes.overlay).any(|text| text.contains(leaf))
    }

    /// Of which files the functions and types can be followed.
    fn units(&self) -> SetupCheck {
        let files = self.entries.iter().filter(|entry| entry.kind == EntryKind::File);
        let mut by_language: BTreeMap<&str, usize> = BTreeMap::new();
        let mut all = 0;
        for entry in files {
            all += 1;
            if let Some(language) = SourceLanguage::from_path(&entry.path) {
                *by_language.entry(language.name()).or_default() += 1;
            }
        }
        let read: usize = by_language.values().sum();
        if read == 0 {
            let detail =
                "no file is in a language whose functions and types are read; lines and files are followed";
            return SetupCheck::works(SetupPart::Units, detail);
        }
        let mut languages: Vec<(&str, usize)> = by_language.into_iter().collect();
        languages.sort_by_key(|(name, files)| (std::cmp::Reverse(*files), *name));
        let languages: Vec<String> =
            languages.iter().map(|(name, files)| format!("{name} {files}")).collect();
        let detail = format!(
            "functions and types are followed in {read} of {all} files ({}); `millwright history PATH::NAME` shows one",
            languages.join(", ")
        );
        SetupCheck::works(SetupPart::Units, detail)
    }

    fn submodules(&self) -> Option<SetupCheck> {
        let modules: Vec<&str> = self
            .entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Submodule)
            .map(|entry| entry.path.as_str())
            .collect();
        if modules.is_empty() {
            return None;
        }
        let is_brought = modules.iter().all(|path| self.is_named(path));
        let first = modules.first().copied().unwrap_or_default();
        let here = self.repo.work_tree().map(|folder| folder.join(first));
        let cloned =
            here.filter(|folder| std::fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some()));
        let from = match &cloned {
            Some(folder) => folder.display().to_string(),
            None => format!("/path/to/a/clone/of/{}", first.rsplit('/').next().unwrap_or(first)),
        };
        let fetch = if cloned.is_none() { "fetch it (git submodule update --init), then " } else { "" };
        let remedy = format!(
            "Checkouts have no submodules and no network: {fetch}set setup = [\"cp -r {from}/. {first}/\"] in \
             [repositories.NAME], and {}",
            allow_read(&from)
        );
        let what = format!("{} empty in every checkout", listed(&modules, "is", "are"));
        Some(self.missing(SetupPart::Submodules, &what, &remedy, is_brought))
    }

    fn lock_files(&self) -> Vec<SetupCheck> {
        let mut checks = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.kind == EntryKind::File) {
            let (folder, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
            let depth = if folder.is_empty() { 0 } else { folder.split('/').count() };
            let Some(manager) = PackageManager::of(name).filter(|_| depth <= DEEPEST_LOCK_FILE) else {
                continue;
            };
            let text = blob_at(self.repo, self.revision, &entry.path).ok().and_then(|blob| blob.text().ok());
            // A file that is too large to read certainly names packages.
            if text.is_some_and(|text| !manager.names_packages(&text)) {
                continue;
            }
            checks.extend(self.lock_file(&entry.path, folder, manager));
            if checks.len() == MAX_NAMED {
                break;
            }
        }
        checks
    }

    fn lock_file(&self, path: &str, folder: &str, manager: &PackageManager) -> Option<SetupCheck> {
        let beside =
            |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let committed = manager.folders.iter().map(|name| beside(name)).find(|installed| {
            let below = format!("{installed}/");
            self.entries.iter().any(|entry| entry.path.starts_with(&below) || entry.path == *installed)
        });
        if committed.is_some() {
            return None;
        }
        let is_brought = !self.recipes.allow_read.is_empty()
            || self.recipes.setup.iter().chain(&self.recipes.overlay).any(|text| {
                text.contains(path) || manager.folders.iter().any(|installed| text.contains(installed))
            });
        let tree = self.repo.work_tree().unwrap_or_else(|| self.repo.path().to_owned());
        let installed = manager.folders.iter().map(|name| beside(name)).find(|name| tree.join(name).exists());
        let remedy = match (&installed, cache(manager)) {
            (Some(name), _) => show_folder(&tree.join(name), name),
            (None, Some((cache, variable))) => format!(
                "The sandbox sees no home folder: fetch them (`{}`), set env = {{ {variable} = \"{}\" }} in \
                 [repositories.NAME], and {}",
                manager.install,
                cache.display(),
                allow_read(&cache.to_string_lossy())
            ),
            (None, None) => {
                let name = beside(manager.folders.first().copied().unwrap_or_default());
                format!(
                    "Install them in the work tree (`{}`), then {}",
                    manager.install,
                    uncapitalised(&show_folder(&tree.join(&name), &name))
                )
            }
        };
        let what = format!("{path} names packages that no checkout has");
        Some(self.missing(SetupPart::Packages, &what, &remedy, is_brought))
    }

    fn large_files(&self) -> Option<SetupCheck> {
        let attributes = blob_at(self.repo, self.revision, ".gitattributes").ok()?.text().ok()?;
        let mut globs = GlobSetBuilder::new();
        for line in attributes.lines().filter(|line| line.contains("filter=lfs")) {
            let pattern = line.split_whitespace().next().unwrap_or_default();
            let pattern = if pattern.contains('/') {
                pattern.trim_start_matches('/').to_owned()
            } else {
                format!("**/{pattern}")
            };
            globs.add(Glob::new(&pattern).ok()?);
        }
        let globs = globs.build().ok()?;
        let is_pointer = |path: &str| {
            let blob = blob_at(self.repo, self.revision, path);
            blob.is_ok_and(|blob| blob.bytes.starts_with(b"version https://git-lfs"))
        };
        let matching =
            self.entries.iter().map(|entry| entry.path.as_str()).filter(|path| globs.is_match(path));
        let pointers: Vec<&str> = matching.take(MAX_OPENED).filter(|path| is_pointer(path)).collect();
        if pointers.is_empty() {
            return None;
        }
        let what = format!(
            "{} a pointer of Git LFS in every checkout, not the file",
            listed(&pointers, "is", "are each")
        );
        let is_brought = pointers.iter().all(|path| self.is_named(path));
        let first = pointers.first().copied().unwrap_or_default();
        let tree = self.repo.work_tree().unwrap_or_else(|| self.repo.path().to_owned());
        let from = tree.join(first).display().to_string();
        let remedy = format!(
            "Fetch the files (git lfs pull), set setup = [\"cp {from} {first}\"] in [repositories.NAME], and {}",
            allow_read(&from)
        );
        Some(self.missing(SetupPart::LargeFiles, &what, &remedy, is_brought))
    }
}

/// How to make a folder of the work tree available in checkouts.
fn show_folder(folder: &Path, name: &str) -> String {
    let folder = folder.display();
    format!(
        "Show them to the sandbox: setup = [\"ln -s {folder} {name}\"] in [repositories.NAME], and {}",
        allow_read(&folder.to_string())
    )
}

/// How to let the sandbox read a path outside of the checkout.
fn allow_read(path: &str) -> String {
    format!("--allow-read {path} (or allow_read in a configuration outside of the repository)")
}

fn uncapitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// The package manager's own folder on this machine, where there is one.
fn cache(manager: &PackageManager) -> Option<(PathBuf, &'static str)> {
    let (below, variable) = manager.cache?;
    let named = std::env::var_os(variable).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(below));
    Some((named.or_else(home)?, variable))
}

/// The first names, with the verb that goes with their number.
fn listed(names: &[&str], one: &str, many: &str) -> String {
    let shown = names.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len() {
        1 => format!("{shown} {one}"),
        count if count > MAX_NAMED => format!("{shown} and {} more {many}", count - MAX_NAMED),
        _ => format!("{shown} {many}"),
    }
}
