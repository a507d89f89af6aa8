/*!
What a printed path may refer to. Each form is one interpretation, most likely first: unchanged, without the folder
of a package manager, by package name, or with the source file's extension instead of the bundle's.
*/

use millwright_model::{Frame, Language};

use super::library;

pub(crate) struct PathForm {
    /// The path with `/` between its parts, without scheme, drive, query and leading dots.
    pub path: String,
    /// Names that should occur in the repository path; they decide between equal matches.
    pub hints: Vec<String>,
    /// Whether this is a dependency's file: then only a match of the complete path counts.
    pub is_library: bool,
    /// Minimum number of parts that must match.
    pub least: usize,
}

pub(crate) fn forms(frame: &Frame, language: Language) -> Vec<PathForm> {
    let printed = frame.path.as_deref().map(normalise);
    let mut out = match language {
        Language::Jvm => jvm(frame, printed.as_deref()),
        Language::DotNet if printed.is_none() => dotnet(frame),
        _ => Vec::new(),
    };
    let Some(path) = printed.filter(|path| !path.is_empty() && language != Language::Jvm) else { return out };
    let hints = hints(frame, language);
    match package_tail(&path) {
        Some(tail) => out.push(PathForm { path: tail, hints, is_library: true, least: 1 }),
        None if frame.in_app || !library::path_is_library(&path) => {
            if language == Language::JavaScript {
                out.extend(sources(&path).into_iter().map(|path| PathForm {
                    path,
                    hints: hints.clone(),
                    is_library: false,
                    least: 2,
                }));
            }
            out.insert(0, PathForm { path, hints, is_library: false, least: 1 });
        }
        None => out.push(PathForm { path, hints, is_library: true, least: 1 }),
    }
    out
}

/// Removes scheme, host, drive, query and dots, and uses `/` as separator.
fn normalise(printed: &str) -> String {
    let mut path = printed.trim().replace('\\', "/");
    for scheme in [
        "webpack-internal:///",
        "webpack:///",
        "webpack://",
        "file://",
        "app:///",
        "app://",
        "turbopack://",
        "rollup://",
        "vite://",
        "ng://",
    ] {
        if let Some(rest) = path.strip_prefix(scheme) {
            path = rest.to_owned();
        }
    }
    for scheme in ["http://", "https://"] {
        if let Some(rest) = path.strip_prefix(scheme) {
            path = rest.split_once('/').map_or("", |(_, tail)| tail).to_owned();
        }
    }
    if let Some(end) = path.find(['?', '#']) {
        path.truncate(end);
    }
    if path.as_bytes().get(1) == Some(&b':') {
        path = path.get(2..).unwrap_or("").to_owned();
    }
    // Folders such as `(rsc)/./src` are made up by bundlers.
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | "." | ".." | "~")).collect();
    parts.join("/")
}

/// The path inside the package, if it follows a package manager's folder.
fn package_tail(path: &str) -> Option<String> {
    let rooted = format!("/{path}");
    let after = |mark: &str| rooted.rfind(mark).and_then(|at| rooted.get(at + mark.len()..));
    if let Some(tail) = after("/site-packages/").or_else(|| after("/dist-packages/")) {
        return Some(tail.to_owned());
    }
    if let Some(tail) = after("/node_modules/") {
        let skip = if tail.starts_with('@') { 2 } else { 1 };
        return Some(tail.splitn(skip + 1, '/').nth(skip).unwrap_or(tail).to_owned());
    }
    if let Some(tail) = after("/go/pkg/mod/") {
        // `github.com/owner/name@v1.2.3/pkg/file.go`
        return tail
            .split_once('@')
            .and_then(|(_, rest)| rest.split_once('/'))
            .map(|(_, inside)| inside.to_owned());
    }
    if let Some(tail) = after("/.cargo/registry/src/").or_else(|| after("/.cargo/git/checkouts/")) {
        return tail.splitn(3, '/').nth(2).map(str::to_owned);
    }
    if let Some(tail) = after("/gems/") {
        return tail.split_once('/').map(|(_, inside)| inside.to_owned());
    }
    if let Some(tail) = rooted.strip_prefix("/rustc/") {
        return tail.split_once('/').map(|(_, inside)| inside.to_owned());
    }
    let python = rooted
        .match_indices("/python")
        .filter(|(at, _)| rooted.get(at + 7..).is_some_and(|rest| rest.starts_with(['2', '3'])))
        .last();
    let (at, _) = python.filter(|_| library::path_is_library(path))?;
    rooted
        .get(at + 1..)
        .and_then(|rest| rest.split_once('/'))
        .map(|(_, inside)| inside.trim_start_matches("Lib/").to_owned())
}

/// `org.joda.time.DateTime` + `DateTime.java` → `org/joda/time/DateTime.java`. Kotlin may omit the common root of
/// its packages from the folders, so shorter suffixes count too, but at least two parts, because a name such as
/// `Util.java` is common.
fn jvm(frame: &Frame, file: Option<&str>) -> Vec<PathForm> {
    let module = frame.module.as_deref().unwrap_or("");
    let class = module.split('$').next().unwrap_or(module);
    let (package, simple) = class.rsplit_once('.').unwrap_or(("", class));
    let folder = package.replace('.', "/");
    let files: Vec<String> = match file {
        Some(file) => vec![file.to_owned()],
        None => ["java", "kt", "scala"].iter().map(|extension| format!("{simple}.{extension}")).collect(),
    };
    let mut forms = Vec::new();
    for name in files.iter().filter(|_| !package.is_empty()) {
        let kotlin = name.ends_with(".kt") || name.ends_with(".kts") || name.ends_with(".scala");
        let least = if kotlin { 2 } else { folder.split('/').count() + 1 };
        forms.push(PathForm {
            path: format!("{folder}/{name}"),
            hints: vec!["main".to_owned()],
            is_library: false,
            least,
        });
    }
    forms
}

/// If the frame has no file, `Shop.Orders.OrderService` is searched as `Shop/Orders/OrderService.cs`.
fn dotnet(frame: &Frame) -> Vec<PathForm> {
    let Some(class) = frame.module.as_deref().filter(|_| frame.in_app) else { return Vec::new() };
    let class = class.split(['`', '+', '<']).next().unwrap_or(class);
    let hints = class.split('.').map(str::to_owned).collect();
    vec![PathForm { path: format!("{}.cs", class.replace('.', "/")), hints, is_library: false, least: 1 }]
}

fn hints(frame: &Frame, language: Language) -> Vec<String> {
    let named = match language {
        // The first part is the crate's name: every crate of a workspace has a `src/lib.rs`.
        Language::Rust => {
            frame.module.as_deref().or(frame.function.as_deref()).and_then(|name| name.split("::").next())
        }
        _ => frame.module.as_deref(),
    };
    let separators: &[char] = if language == Language::Rust { &[] } else { &['.', '/', '\\', ':'] };
    named
        .map(|name| {
            name.split(separators)
                .filter(|part| !part.is_empty())
                .map(|part| part.replace('-', "_"))
                .collect()
        })
        .unwrap_or_default()
}

/// Source files that a built file may come from: `dist/cart.js` ← `src/cart.ts`.
fn sources(path: &str) -> Vec<String> {
    let Some((stem, "js" | "mjs" | "cjs")) = path.rsplit_once('.') else { return Vec::new() };
    let folders: Vec<&str> = stem.split('/').collect();
    let built = folders.iter().position(|part| matches!(*part, "dist" | "build" | "lib" | "out" | ".next"));
    let stems: Vec<String> = match built {
        Some(at) => {
            let inside = folders.get(at + 1..).unwrap_or_default().join("/");
            vec![format!("src/{inside}"), stem.to_owned()]
        }
        None => vec![stem.to_owned()],
    };
    stems
        .iter()
        .flat_map(|stem| ["ts", "tsx", "jsx", "mts", "js"].map(|extension| format!("{stem}.{extension}")))
        .filter(|candidate| candidate != path)
        .collect()
}
