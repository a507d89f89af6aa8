/*!
Which files judge the program, so that a candidate fix may not change them. The `ingest` crate decides whether a
line or a changed file is test or product code.
*/

/// Whether a path looks like test code or test data.
fn is_test_path(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let mut parts = lower.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let folders = [
        "test",
        "tests",
        "testing",
        "__tests__",
        "__mocks__",
        "spec",
        "specs",
        "testdata",
        "fixtures",
        "e2e",
        "integration_tests",
        "unittests",
        "androidtest",
        "jvmtest",
        "commontest",
    ];
    if parts
        .any(|folder| folders.contains(&folder) || folder.ends_with("_tests") || folder.ends_with("_test"))
    {
        return true;
    }
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let original_stem = path.rsplit('/').next().and_then(|name| name.split('.').next()).unwrap_or_default();
    match extension {
        "py" => stem == "tests" || stem == "conftest" || stem.starts_with("test_") || stem.ends_with("_test"),
        "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts" => {
            stem.ends_with(".test") || stem.ends_with(".spec") || stem.ends_with("_test")
        }
        "go" | "rs" | "c" | "cc" | "cpp" => {
            stem.ends_with("_test")
                || stem.ends_with("_tests")
                || stem.starts_with("test_")
                || stem == "tests"
        }
        // Without upper case, a name like `Latest` would match.
        "java" | "kt" | "scala" | "cs" => {
            ["Test", "Tests", "TestCase", "IT", "Spec"].iter().any(|end| original_stem.ends_with(end))
                || original_stem.strip_prefix("Test").is_some_and(|rest| rest.starts_with(char::is_uppercase))
        }
        "rb" => stem.ends_with("_test") || stem.ends_with("_spec"),
        "php" => original_stem.ends_with("Test"),
        _ => false,
    }
}

/// Whether a file takes part in judging the program: a test by its own name, a file in a folder for tests, or the
/// configuration of a test runner. Narrower than [`is_test_path`] where a product folder is named `test` or
/// `testing`, and wider because it includes the configuration.
pub fn judges(path: &str) -> bool {
    const FOLDERS: &[&str] = &[
        "tests",
        "__tests__",
        "__mocks__",
        "spec",
        "specs",
        "testdata",
        "e2e",
        "integration_tests",
        "unittests",
    ];
    const RUNNERS: &[&str] = &[
        "pytest.ini",
        "tox.ini",
        "noxfile.py",
        "sitecustomize.py",
        "usercustomize.py",
        "phpunit.xml",
        "phpunit.xml.dist",
        ".rspec",
        ".mocharc",
    ];
    const CONFIGURED: &[&str] =
        &["jest.config.", "vitest.config.", "karma.conf.", ".mocharc.", "playwright.config."];
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or_default();
    let folders = lower.strip_suffix(name).unwrap_or_default();
    let own_name = path.rsplit('/').next().unwrap_or_default();
    is_test_path(own_name)
        || folders.split('/').any(|folder| FOLDERS.contains(&folder) || folder.ends_with("_tests"))
        || folders.starts_with("test/")
        || folders.contains("src/test/")
        || RUNNERS.contains(&name)
        || CONFIGURED.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::{is_test_path, judges};

    #[test]
    fn what_judges_is_told_from_products_about_testing() {
        for path in [
            "tests/data/x.json",
            "app/tests.py",
            "conftest.py",
            "test/cart.js",
            "src/test/java/org/acme/Helper.java",
            "pytest.ini",
            "web/jest.config.ts",
            "pkg/server_test.go",
        ] {
            assert!(judges(path), "{path}");
        }
        for path in
            ["django/test/client.py", "lib/testing/assert.py", "src/cart.py", "setup.cfg", "package.json"]
        {
            assert!(!judges(path), "{path}");
        }
    }

    #[test]
    fn knows_the_habits() {
        for path in [
            "tests/x.py",
            "app/tests.py",
            "app/test_views.py",
            "conftest.py",
            "src/__tests__/a.ts",
            "src/a.test.tsx",
            "pkg/server_test.go",
            "src/test/java/org/acme/Foo.java",
            "org/acme/FooTest.java",
            "org/acme/TestDateTime.java",
            "spec/user_spec.rb",
            "crate/src/parse_tests.rs",
        ] {
            assert!(is_test_path(path), "{path}");
        }
        for path in [
            "src/contest.py",
            "src/latest.py",
            "org/acme/Latest.java",
            "org/acme/Testimony.java",
            "django/test_utils_like/x.py",
            "src/attest.rs",
            "lib/protester.go",
            "README",
        ] {
            assert!(!is_test_path(path), "{path}");
        }
    }
}
