/*!
Which files are test code, judged by path. Test code shows what the program should do and is never the cause, so
frame mapping, ranking and fixes all use this check.
*/

/// Folders in which every file is a test, regardless of its name.
const FOLDERS: &[&str] = &[
    "test",
    "tests",
    "testing",
    "__tests__",
    "__test__",
    "spec",
    "specs",
    "e2e",
    "testdata",
    "test-data",
    "test_data",
    "androidtest",
    "integrationtest",
    "integration-test",
    "integration-tests",
    "integration_tests",
    "functionaltest",
    "unittest",
    "unittests",
    "unit_tests",
    "cypress",
    "__mocks__",
    "__snapshots__",
    "__fixtures__",
    "testlib",
    "testsuite",
    "testfixtures",
    "jmh",
    "src-test",
    "testcases",
];

/// Whether `path` (inside a repository, with `/` or `\` as separator) is test code.
pub fn is_test_path(path: &str) -> bool {
    let path = path.replace('\\', "/");
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let Some(file) = parts.pop() else { return false };
    in_test_folder(&parts, file.ends_with(".py")) || is_test_file(file, &parts)
}

fn in_test_folder(parts: &[&str], is_python: bool) -> bool {
    parts.iter().enumerate().any(|(depth, part)| {
        let lower = part.to_ascii_lowercase();
        // Inside a package, these names hold test support that the product ships for its users (`django/test`,
        // `numpy/testing`).
        let shipped = depth > 0 && (lower == "testing" || lower == "test" && is_python);
        !shipped && FOLDERS.contains(&lower.as_str())
            || [".tests", ".test", "-tests", "_tests", ".unittests", ".integrationtests", ".specs"]
                .iter()
                .any(|end| lower.ends_with(end))
    })
}

fn is_test_file(file: &str, parts: &[&str]) -> bool {
    let (stem, extension) = file.rsplit_once('.').unwrap_or((file, ""));
    let lower = stem.to_ascii_lowercase();
    let camel = |ends: &[&str]| ends.iter().any(|end| stem.ends_with(end) && stem.len() > end.len());
    match extension {
        "py" | "pyi" => {
            lower.starts_with("test_")
                || lower.ends_with("_test")
                || lower.ends_with("_tests")
                || matches!(lower.as_str(), "tests" | "test" | "conftest" | "runtests")
        }
        "go" => lower.ends_with("_test"),
        "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts" | "vue" | "snap" => {
            [".test", ".spec", ".e2e", ".cy", "-test", "_test", "-spec", ".stories"]
                .iter()
                .any(|end| lower.ends_with(end))
                || extension == "snap"
        }
        "java" | "kt" | "kts" | "scala" | "groovy" => {
            camel(&["Test", "Tests", "TestCase", "IT", "ITCase", "Spec", "Specification", "Suite"])
                || stem
                    .strip_prefix("Test")
                    .is_some_and(|rest| rest.starts_with(char::is_uppercase) && !parts.contains(&"main"))
        }
        "cs" | "fs" | "vb" => camel(&["Test", "Tests", "Spec", "Specs", "Fixture"]),
        "rs" => {
            lower == "tests"
                || lower == "test"
                || lower.ends_with("_test")
                || lower.ends_with("_tests")
                || lower.starts_with("test_")
        }
        "rb" => {
            lower.ends_with("_spec")
                || lower.ends_with("_test")
                || lower.starts_with("test_")
                || matches!(lower.as_str(), "spec_helper" | "test_helper" | "rails_helper")
        }
        "php" => camel(&["Test", "TestCase", "Cest", "Spec"]),
        "c" | "cc" | "cpp" | "cxx" | "h" | "hpp" | "m" | "mm" | "swift" => {
            lower.ends_with("_test")
                || lower.ends_with("_tests")
                || lower.ends_with("_unittest")
                || lower.starts_with("test_")
                || camel(&["Test", "Tests"])
        }
        "feature" | "t" | "bats" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_test_path;

    #[test]
    fn tests_of_all_languages() {
        for path in [
            "tests/prefetch_related/tests.py",
            "pkg/test_views.py",
            "pkg/views_test.py",
            "conftest.py",
            "app/tests.py",
            "pkg/cart/cart_test.go",
            "testing/fixtures/a.txt",
            "src/cart.spec.ts",
            "src/__tests__/cart.js",
            "src/cart.test.tsx",
            "src/test/java/org/joda/time/TestDateTime.java",
            "module/src/FooTest.java",
            "src/FooTests.cs",
            "Shop.Tests/Cart.cs",
            "crates/a/tests/it.rs",
            "src/cart_tests.rs",
            "spec/models/user_spec.rb",
            "test/user_test.rb",
            "tests/CartTest.php",
            "lib/parser_unittest.cc",
            "cypress/integration/a.js",
            "src\\test\\java\\A.java",
            "web/e2e/login.ts",
            "x/src/androidTest/A.kt",
        ] {
            assert!(is_test_path(path), "{path}");
        }
    }

    #[test]
    fn shipped_code_is_none() {
        for path in [
            "django/db/models/query.py",
            "django/test/client.py",
            "src/main/java/org/joda/time/DateTime.java",
            "src/latest.py",
            "pkg/contest.go",
            "src/attestation.ts",
            "lib/protest.rb",
            "src/main/java/a/TestBed.java",
            "src/Manifest.java",
            "README.md",
            "src/testimony.rs",
            "app/models/specification.rb",
            "src/Latest.cs",
            "",
        ] {
            assert!(!is_test_path(path), "{path}");
        }
    }
}
