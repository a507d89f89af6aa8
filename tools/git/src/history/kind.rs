/*!
Classifies a path by its name alone: product source, test, documentation or something else. Ranking must
distinguish a change to shipped code from other changes, even for files that no longer exist at the failing
revision.
*/

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PathKind {
    Source,
    Test,
    Docs,
    /// Configuration, data, binaries, build files.
    Other,
}

/// Code, templates and style sheets: all of them can break a program.
const SOURCE_EXTENSIONS: &[&str] = &[
    "py", "pyi", "pyx", "java", "kt", "kts", "scala", "groovy", "js", "jsx", "mjs", "cjs", "ts", "tsx",
    "vue", "svelte", "rs", "go", "rb", "erb", "php", "cs", "fs", "vb", "c", "h", "cc", "cpp", "cxx", "hpp",
    "hh", "m", "mm", "swift", "pl", "pm", "sh", "bash", "css", "scss", "less", "html", "jinja", "j2", "hbs",
    "ejs", "sql", "ex", "exs", "erl", "hs", "ml", "clj", "lua", "dart", "r", "jl", "zig", "proto", "graphql",
    "y", "l", "s", "py-tpl", "razor", "cshtml", "tpl", "mustache", "xsl", "xslt",
];

const DOCS_EXTENSIONS: &[&str] = &["md", "rst", "adoc", "asciidoc", "txt", "po", "mo", "pot", "tex", "org"];

/// Classifies `path` (with `/` between its parts).
pub fn path_kind(path: &str) -> PathKind {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let extension = extension.to_ascii_lowercase();
    let is_code = SOURCE_EXTENSIONS.contains(&extension.as_str());
    if is_test_name(stem, &extension) || in_test_folder(folders, &extension) {
        return PathKind::Test;
    }
    let in_docs = folders
        .split('/')
        .next()
        .is_some_and(|top| matches!(top.to_ascii_lowercase().as_str(), "doc" | "docs" | "documentation"))
        || folders.starts_with("src/site")
        || folders.starts_with("src/changes");
    if in_docs || DOCS_EXTENSIONS.contains(&extension.as_str()) {
        PathKind::Docs
    } else if is_code {
        PathKind::Source
    } else {
        PathKind::Other
    }
}

fn is_test_name(stem: &str, extension: &str) -> bool {
    let jvm = matches!(extension, "java" | "kt" | "scala" | "groovy" | "cs");
    stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with("_tests")
        || stem.ends_with(".test")
        || stem.ends_with(".spec")
        || stem.ends_with("_spec")
        || stem == "conftest"
        || (stem == "tests" && matches!(extension, "py" | "rs"))
        || (jvm
            && (stem.ends_with("Test")
                || stem.ends_with("Tests")
                || stem.ends_with("TestCase")
                || stem.ends_with("IT")
                || (stem.starts_with("Test") && stem.as_bytes().get(4).is_some_and(u8::is_ascii_uppercase))))
}

fn in_test_folder(folders: &str, extension: &str) -> bool {
    let mut before = "";
    for folder in folders.split('/') {
        let folder_lower = folder.to_ascii_lowercase();
        match folder_lower.as_str() {
            "tests" | "__tests__" | "spec" | "specs" | "testdata" | "test-data" | "__snapshots__" | "e2e" => {
                return true;
            }
            // A Python package may call its shipped test helpers `test`; in any other position or language, `test`
            // is a test folder.
            "test" if before.is_empty() || before == "src" || extension != "py" => return true,
            _ => before = folder,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_a_path_is() {
        let check = |path: &str, kind: PathKind| assert_eq!(path_kind(path), kind, "{path}");
        check("django/test/runner.py", PathKind::Source);
        check("django/db/models/query.py", PathKind::Source);
        check("tests/queries/tests.py", PathKind::Test);
        check("src/test/java/org/acme/Helper.java", PathKind::Test);
        check("src/java/org/acme/HelperTest.java", PathKind::Test);
        check("src/java/org/acme/TestHelper.java", PathKind::Test);
        check("src/java/org/acme/Testament.java", PathKind::Source);
        check("pkg/server/handler_test.go", PathKind::Test);
        check("web/button.spec.ts", PathKind::Test);
        check("docs/releases/4.0.txt", PathKind::Docs);
        check("README.md", PathKind::Docs);
        check("package.json", PathKind::Other);
        check("web/style.css", PathKind::Source);
        check("Makefile", PathKind::Other);
    }
}
