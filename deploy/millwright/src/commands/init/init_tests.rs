use super::*;
use crate::config::Config;

/// A folder with these files; the rules look only at their names and contents.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn check(files: &[(&str, &str)], language: &str, test: &str, one: Option<&str>) {
    let dir = tree(files);
    let found = guess(dir.path());
    assert_eq!(found.languages.first().copied().unwrap_or(""), language, "{files:?}");
    assert_eq!(found.test.as_deref().unwrap_or(""), test, "{files:?}");
    assert_eq!(found.test_one.as_deref(), one, "{files:?}");
    let written = init(dir.path(), ExistingFilePolicy::Keep, |_| {}).unwrap();
    let config = Config::load(None, Some(dir.path()), []).unwrap();
    let (_, entry) = config.repository(dir.path()).unwrap();
    assert_eq!((&entry.test, &entry.test_one), (&found.test, &found.test_one), "what is written loads");
    assert!(written.tell().contains("Check:"));
}

#[test]
fn test_recipes_of_many_languages() {
    check(
        &[("pyproject.toml", "[tool.pytest.ini_options]\n")],
        "Python",
        "python3 -m pytest -q",
        Some("python3 -m pytest -q {test}"),
    );
    check(
        &[("manage.py", ""), ("requirements.txt", "django\n")],
        "Python",
        "python3 manage.py test",
        Some("python3 manage.py test {test}"),
    );
    check(&[("setup.py", "")], "Python", "python3 -m unittest discover", Some("python3 -m unittest {test}"));
    check(
        &[("setup.cfg", ""), ("tests/runtests.py", "")],
        "Python",
        "cd tests && python3 runtests.py",
        Some("cd tests && python3 runtests.py {test}"),
    );
    check(
        &[("package.json", r#"{"scripts":{"test":"jest --ci"}}"#)],
        "JavaScript",
        "npm test",
        Some("npx --no-install jest -t {test}"),
    );
    check(
        &[("package.json", r#"{"devDependencies":{"vitest":"1"}}"#), ("tsconfig.json", "{}")],
        "TypeScript",
        "npx --no-install vitest run",
        Some("npx --no-install vitest run -t {test}"),
    );
    check(
        &[("package.json", r#"{"scripts":{"test":"node --test"}}"#), ("yarn.lock", "")],
        "JavaScript",
        "yarn test",
        Some("node --test --test-name-pattern={test}"),
    );
    check(
        &[("package.json", r#"{"scripts":{"test":"echo \"Error: no test specified\""}}"#)],
        "JavaScript",
        "",
        None,
    );
    check(&[("package.json", "not json")], "", "", None);
    check(
        &[("Cargo.toml", "[package]\nname = \"x\"\n")],
        "Rust",
        "cargo test --offline",
        Some("cargo test --offline -- --exact {test}"),
    );
    check(
        &[("go.mod", "module example.org/team/cart\n")],
        "Go",
        "go test ./...",
        Some("go test ./... -run {test}"),
    );
    check(
        &[("pom.xml", ""), ("mvnw", "")],
        "Java",
        "./mvnw -o -q test",
        Some("./mvnw -o -q test -Dtest={test} -DfailIfNoTests=false"),
    );
    check(
        &[("build.gradle.kts", ""), ("src/main/kotlin/A.kt", "")],
        "Kotlin",
        "gradle --offline --no-daemon test",
        Some("gradle --offline --no-daemon test --tests {test}"),
    );
    check(
        &[("Gemfile", ""), ("spec/a_spec.rb", "")],
        "Ruby",
        "bundle exec rspec",
        Some("bundle exec rspec -e {test}"),
    );
    check(
        &[("shop.sln", "")],
        ".NET",
        "dotnet test --no-restore",
        Some("dotnet test --no-restore --filter FullyQualifiedName~{test}"),
    );
    check(
        &[("composer.json", "{}"), ("phpunit.xml.dist", "")],
        "PHP",
        "vendor/bin/phpunit",
        Some("vendor/bin/phpunit --filter {test}"),
    );
    check(
        &[("CMakeLists.txt", "enable_testing()\n")],
        "C or C++",
        "cmake --build build -j && ctest --test-dir build --output-on-failure",
        Some("cmake --build build -j && ctest --test-dir build --output-on-failure -R {test}"),
    );
    check(&[("Makefile", "all:\ncheck: all\n"), ("src/a.c", "")], "C or C++", "make check", None);
    check(&[("tests/run.sh", "")], "shell", "sh tests/run.sh", None);
    check(
        &[("backend/go.mod", "module x\n")],
        "Go",
        "cd backend && go test ./...",
        Some("cd backend && go test ./... -run {test}"),
    );
    check(&[("README", "")], "", "", None);
}

#[test]
fn names_services_and_prefixes() {
    let dir = tree(&[
        ("package.json", r#"{"name":"@acme/shop front\"]"}"#),
        (
            "compose.yaml",
            "services:\n  web:\n    build: .\n  # no\n  db:\n    image: postgres\n  worker:\n    build:\n      context: .\nvolumes:\n  data:\n    build: x\n",
        ),
        (
            "k8s/all.yaml",
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: not-this\n---\nkind: Deployment\nmetadata:\n  labels: {}\n  name: \"checkout\"\nspec:\n  name: nor-this\n",
        ),
        ("Dockerfile", "FROM x\nWORKDIR /usr/src/app/\nworkdir $HOME\n"),
        (".git/HEAD", "ref: refs/heads/trunk\n"),
    ]);
    let found = guess(dir.path());
    assert_eq!(found.name, "shop-front");
    assert_eq!(found.services, ["web", "worker", "checkout"]);
    assert_eq!(found.path_prefixes, ["/usr/src/app"]);
    assert_eq!(found.branch.as_deref(), Some("trunk"));
    init(dir.path(), ExistingFilePolicy::Keep, |_| {}).unwrap();
    let config = Config::load(None, Some(dir.path()), []).unwrap();
    assert_eq!(config.options.repositories["shop-front"].services, found.services);
}

#[test]
fn several_languages_leave_the_choice_in_the_file() {
    let dir = tree(&[
        ("setup.py", ""),
        ("package.json", r#"{"scripts":{"test":"mocha"}}"#),
        ("Makefile", "test:\n"),
    ]);
    let found = guess(dir.path());
    assert_eq!(found.languages, ["Python", "JavaScript"]);
    let text = render(&found);
    assert!(text.contains("# or: test = \"npm test\"  (package.json)"), "{text}");
    assert!(text.contains("# or: test = \"make test\"  (the Makefile)"), "{text}");
}

#[test]
fn an_existing_file_stays_unless_forced() {
    let dir = tree(&[("millwright.toml", "# mine\n"), ("go.mod", "module x\n")]);
    let path = dir.path().join("millwright.toml");
    assert!(matches!(init(dir.path(), ExistingFilePolicy::Keep, |_| {}), Err(InitError::Exists { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "# mine\n");
    init(dir.path(), ExistingFilePolicy::Overwrite, |_| {}).unwrap();
    assert!(fs::read_to_string(&path).unwrap().contains("go test"));

    // A link that leads out of the repository is replaced, not followed.
    let outside = dir.path().join("outside");
    fs::write(&outside, "keep").unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&outside, &path).unwrap();
    assert!(matches!(init(dir.path(), ExistingFilePolicy::Keep, |_| {}), Err(InitError::Exists { .. })));
    init(dir.path(), ExistingFilePolicy::Overwrite, |_| {}).unwrap();
    assert_eq!(fs::read_to_string(&outside).unwrap(), "keep");
    assert!(matches!(init(&outside, ExistingFilePolicy::Keep, |_| {}), Err(InitError::NotAFolder { .. })));
}

#[test]
fn hostile_trees_are_bounded() {
    let dir = tree(&[("Cargo.toml", "[package]\nname = \"a\\\"]\\n[x]\"\n")]);
    fs::write(dir.path().join("package.json"), vec![0xff; 1 << 20]).unwrap();
    fs::write(
        dir.path().join("compose.yaml"),
        "services:\n".to_owned() + &"  a:\n    build: .\n".repeat(50_000),
    )
    .unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("go.mod")).unwrap();
    let found = guess(dir.path());
    assert_eq!(found.services, ["a"]);
    assert!(render(&found).parse::<toml::Table>().is_ok());
}
