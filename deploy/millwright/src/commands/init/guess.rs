/*!
Guesses from a repository's own files how it is tested. There is one rule per build system, in the order in which a
developer would trust them: a file that only exists for tests comes before one that merely names a language.
*/

use std::fs;
use std::io::Read;
use std::path::Path;

use super::services;

/// Most bytes read of a manifest; the rest of a larger one is not read.
const MAX_BYTES: u64 = 256 * 1024;
/// Most entries read of a folder.
const MAX_ENTRIES: usize = 2_000;

/// The guesses about a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RepositoryGuess {
    /// Letters, digits, `-` and `_` only.
    pub(crate) name: String,
    pub(crate) languages: Vec<&'static str>,
    pub(crate) branch: Option<String>,
    pub(crate) services: Vec<String>,
    pub(crate) path_prefixes: Vec<String>,
    pub(crate) setup: Vec<String>,
    pub(crate) test: Option<String>,
    /// The reason for the guess of `test`.
    pub(crate) test_because: &'static str,
    pub(crate) test_one: Option<String>,
    /// Further commands that may be the tests, with the file that suggests them.
    pub(crate) other_tests: Vec<(String, &'static str)>,
    /// Further points to check, in full sentences.
    pub(crate) check: Vec<String>,
    /// What ran and worked, in words.
    pub(crate) worked: Vec<String>,
    /// Guesses that do not work here; no other field contains them.
    pub(crate) failed: Vec<FailedGuess>,
}

/// A command that was guessed, run, and did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedGuess {
    /// The key in the configuration, such as `test`.
    pub(crate) key: &'static str,
    /// The command as the file would contain it.
    pub(crate) command: String,
    /// The reason, in one line.
    pub(crate) why: String,
}

impl RepositoryGuess {
    /// What to check, in full sentences; the check that the tests are tests comes first.
    pub(crate) fn checks(&self) -> Vec<String> {
        let tests = self.test.as_ref();
        let tests =
            tests.map(|test| format!("`{test}` runs the tests (guessed from {}).", self.test_because));
        tests.into_iter().chain(self.check.iter().cloned()).collect()
    }

    pub(crate) fn failed(&self, key: &str) -> Option<&FailedGuess> {
        self.failed.iter().find(|failed| failed.key == key)
    }
}

/// A rule looks at the files in the given folder (empty for the root), and adds the language that it recognises.
type Rule = fn(&RepositoryFiles<'_>, &str, &mut Vec<&'static str>) -> Option<Recipe>;

/// One way to run the tests.
#[derive(Debug, Default)]
struct Recipe {
    test: String,
    one: Option<String>,
    setup: Vec<String>,
    because: &'static str,
    check: Option<&'static str>,
}

/// Guesses from the files in `root`. Only reads; a file that cannot be read is treated as missing.
pub(crate) fn guess(root: &Path) -> RepositoryGuess {
    let tree = RepositoryFiles { root };
    let mut guess = RepositoryGuess {
        name: name(&tree),
        branch: branch(&tree),
        services: services::services(root, &tree),
        path_prefixes: services::path_prefixes(&tree),
        ..RepositoryGuess::default()
    };
    let mut recipes = recipes(&tree, "", &mut guess.languages);
    if recipes.is_empty() {
        // Manifests one level down: `backend/`, `server/`.
        for folder in tree.folders().into_iter().take(40) {
            let below = recipes_below(&tree, &folder, &mut guess.languages);
            recipes.extend(below);
        }
    }
    let mut recipes = recipes.into_iter();
    match recipes.next() {
        Some(first) => {
            if first.one.is_none() {
                guess.check.push(
                    "test_one: how is one test run? Without it, a ticket that names a failing test cannot \
                     be replayed automatically."
                        .to_owned(),
                );
            }
            guess.check.extend(first.check.map(str::to_owned));
            guess.setup = first.setup;
            guess.test = Some(first.test);
            guess.test_because = first.because;
            guess.test_one = first.one;
        }
        None => guess.check.push(
            "test: no tests were recognised. Without them a fix can pass its replay, but it is not checked what else \
             it breaks."
                .to_owned(),
        ),
    }
    guess.other_tests = recipes.map(|recipe| (recipe.test, recipe.because)).take(4).collect();
    guess.check.push("The tests run without a network and see no home folder.".to_owned());
    if guess.services.is_empty() {
        guess.check.push("services: which services are built from it?".to_owned());
    } else {
        guess.check.push("services: are these the names that tickets and alerts use?".to_owned());
    }
    guess
}

fn recipes_below(tree: &RepositoryFiles<'_>, folder: &str, languages: &mut Vec<&'static str>) -> Vec<Recipe> {
    let plain = folder.chars().all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char));
    if !plain || folder.starts_with(['.', '-']) || folder == "node_modules" || folder == "vendor" {
        return Vec::new();
    }
    let mut found = recipes(tree, &format!("{folder}/"), languages);
    for recipe in &mut found {
        recipe.test = format!("cd {folder} && {}", recipe.test);
        recipe.one = recipe.one.take().map(|one| format!("cd {folder} && {one}"));
        recipe.setup.iter_mut().for_each(|step| *step = format!("cd {folder} && {step}"));
    }
    found
}

fn recipes(tree: &RepositoryFiles<'_>, at: &str, languages: &mut Vec<&'static str>) -> Vec<Recipe> {
    let rules: [Rule; 11] = [python, node, cargo, go, jvm, ruby, dotnet, php, cmake, shell, make];
    rules.iter().filter_map(|rule| rule(tree, at, languages)).collect()
}

fn language(languages: &mut Vec<&'static str>, name: &'static str) {
    if !languages.contains(&name) {
        languages.push(name);
    }
}

fn python(tree: &RepositoryFiles<'_>, at: &str, languages: &mut Vec<&'static str>) -> Option<Recipe> {
    let manifests = [
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "requirements.txt",
        "manage.py",
        "tox.ini",
        "pytest.ini",
        "Pipfile",
    ];
    if !manifests.iter().any(|file| tree.has(&format!("{at}{file}"))) {
        return None;
    }
    language(languages, "Python");
    let check = Some(
        "Python and the packages the tests need can be read in the sandbox: --allow-read the virtual environment, \
         and call its interpreter by path.",
    );
    let texts: String = manifests
        .iter()
        .chain(&["requirements-dev.txt", "dev-requirements.txt", "requirements/test.txt"])
        .map(|file| tree.read(&format!("{at}{file}")))
        .collect();
    let recipe = |test: &str, one: &str, because| Recipe {
        test: test.into(),
        one: Some(one.into()),
        because,
        check,
        ..Recipe::default()
    };
    Some(if tree.has(&format!("{at}tests/runtests.py")) {
        recipe(
            "cd tests && python3 runtests.py",
            "cd tests && python3 runtests.py {test}",
            "tests/runtests.py",
        )
    } else if tree.has(&format!("{at}pytest.ini"))
        || tree.has(&format!("{at}conftest.py"))
        || tree.has(&format!("{at}tests/conftest.py"))
        || texts.contains("pytest")
    {
        recipe("python3 -m pytest -q", "python3 -m pytest -q {test}", "its pytest settings")
    } else if tree.has(&format!("{at}manage.py")) {
        recipe("python3 manage.py test", "python3 manage.py test {test}", "manage.py")
    } else {
        recipe("python3 -m unittest discover", "python3 -m unittest {test}", "its Python manifest")
    })
}

fn node(tree: &RepositoryFiles<'_>, at: &str, languages: &mut Vec<&'static str>) -> Option<Recipe> {
    let manifest: serde_json::Value = serde_json::from_str(&tree.read(&format!("{at}package.json"))).ok()?;
    let typed = tree.has(&format!("{at}tsconfig.json"));
    language(languages, if typed { "TypeScript" } else { "JavaScript" });
    let script = manifest["scripts"]["test"].as_str().filter(|script| !script.contains("no test specified"));
    let depends = |package: &str| {
        ["devDependencies", "dependencies"].iter().any(|kind| manifest[*kind].get(package).is_some())
    };
    let uses = |runner: &str| script.is_some_and(|script| script.contains(runner)) || depends(runner);
    let one = if uses("vitest") {
        Some("npx --no-install vitest run -t {test}")
    } else if uses("jest") || depends("react-scripts") {
        Some("npx --no-install jest -t {test}")
    } else if uses("mocha") {
        Some("npx --no-install mocha --grep {test}")
    } else if script.is_some_and(|script| script.contains("node --test")) {
        Some("node --test --test-name-pattern={test}")
    } else {
        None
    };
    if script.is_none() && one.is_none() {
        return None;
    }
    let runner = match () {
        () if tree.has(&format!("{at}pnpm-lock.yaml")) => "pnpm",
        () if tree.has(&format!("{at}yarn.lock")) => "yarn",
        () => "npm",
    };
    Some(Recipe {
        test: match script {
            Some(_) => format!("{runner} test"),
            None => one.unwrap_or_default().replace(" -t {test}", "").replace(" --grep {test}", ""),
        },
        one: one.map(str::to_owned),
        because: "package.json",
        check: Some(
            "node_modules is there: installed by a setup step that needs no network, or by --allow-read.",
        ),
        ..Recipe::default()
    })
}

fn cargo(tree: &RepositoryFiles<'_>, at: &str, languages: &mut Vec<&'static str>) -> Option<Recipe> {
    if !tree.has(&format!("{at}Cargo.toml")) {
        return None;
    }
    language(languages, "Rust");
    let workspace =
        if tree.read(&format!("{at}Cargo.toml")).contains("[workspace]") { " --workspace" } else { "" };
    Some(Recipe {
        test: format!("cargo test --offline{workspace}"),
        one: Some(format!("cargo test --offline{workspace} -- --exact {{test}}")),
        because: "Cargo.toml",
        check: Some("The crates are vendored, or the registry's folder is given with --allow-read."),
        ..Recipe::default()
    })
}

fn go(tree: &RepositoryFiles<'_>, at: &str, languages: &mut Vec<&'static str>) -> Option<Recipe> {
    if !tree.has(&format!("{at}go.mod")) {
        return None;
    }
    language(languages, "Go");
    Some(Recipe {
        test: "go test ./...".into(),
        one: Some("go test ./... -run {test}".into()),
        because: "go.mod",
        check: Some(
            "The modules are vendored, or the module cache is given with --allow-read and GOFLAGS=-mod=mod.",
        ),
        ..Recipe::default()
    })
}

fn jvm(tree: &RepositoryFiles<'_>, at: &str, languages: &mut Vec<&'static str>) -> Option<Recipe> {
    let gradle = ["build.gradle", "build.gradle.kts"].iter().any(|file| tree.has(&format!("{at}{file}")));
    let maven = tree.has(&format!("{at}pom.xml"));
    if !gradle && !maven {
        return None;
    }
    let kotlin = tree.has(&format!("{at}src/main/kotlin"));
    language(languages, if kotlin { "Kotlin" } else { "Java" });
    let check = Some(
        "The local Maven or Gradle repository can be read (--allow-read), because the build is offline.",
    );
    Some(if maven {
        let command = if tree.has(&format!("{at}mvnw")) { "./mvnw" } else { "mvn" };
        Recipe {
            test: format!("{command} -o -q test"),
            one: Some(format!("{command} -o -q test -Dtest={{test}} -DfailIfNoTests=false")),
            because: "pom.xml",
            check,
            ..Recipe::default()
        }
    } else {
        let command = if tree.has(&format!("{at}gradlew")) { "./gradlew" } else { "gradle" };
        Recipe {
            test: format!("{command} --offline --no-daemon test"),
            one: Some(format!("{command} --offline --no-daemon test --tests {{test}}")),
            because: "build.gradle",
            check,
            ..Recipe::default()
        }
    })
}

fn ruby(tree: &RepositoryFiles<'_>, at: &str, languages: &mut Vec<&'static str>) -> Option<Recipe> {
    if !tree.has(&format!("{at}Gemfile")) && !tree.has(&format!("{at}Rakefile")) {
        return None;
    }
    language(languages, "Ruby");
    let recipe = |test: &str, one: Option<&str>, because| Recipe {
        test: test.into(),
        one: one.map(str::to_owned),
        because,
        check: Some("The gems are vendored, or their folder is given with --allow-read."),
        ..Recipe::default()
    };
    if tree.has(&format!("{at}spec")) {
        Some(recipe("bundle exec rspec", Some("bundle exec rspec -e {test}"), "the spec folder"))
    } else if tree.has(&format!("{at}bin/rails")) {
        Some(recipe("bin/rails test", Some("bin/rails test -n {test}"), "bin/rails"))
    } else {
        tree.has(&format!("{at}Rakefile")).then(|| recipe("bundle exec rake test", None, "Rakefile"))
    }
}

fn dotnet(tree: &RepositoryFiles<'_>, at: &str, languages: &mut Vec<&'static str>) -> Option<Recipe> {
    let project =
        |name: &String| [".sln", ".slnx", ".csproj", ".fsproj"].iter().any(|end| name.ends_with(end));
    if !tree.files(at).iter().any(project) {
        return None;
    }
    language(languages, ".NET");
    Some(Recipe {
        test: "dotnet test --no-restore".into(),
        one: Some("dotnet test --no-restore --filter FullyQualifiedName~{test}".into()),
        because: "its solution or project file",
        check: Some("The packages are restored without a network (--allow-read their folder)."),
        ..Recipe::default()
    })
}

fn php(tree: &RepositoryFiles<'_>, at: &str, languages: &mut Vec<&'static str>) -> Option<Recipe> {
    let composer = tree.read(&format!("{at}composer.json"));
    if composer.is_empty() {
        return None;
    }
    language(languages, "PHP");
    let configured = ["phpunit.xml", "phpunit.xml.dist"].iter().any(|file| tree.has(&format!("{at}{file}")));
    (configured || composer.contains("phpunit")).then(|| Recipe {
        test: "vendor/bin/phpunit".into(),
        one: Some("vendor/bin/phpunit --filter {test}".into()),
        because: "composer.json",
        check: Some("vendor/ is there: committed, or made by a setup step that needs no network."),
        ..Recipe::default()
    })
}

fn cmake(tree: &RepositoryFiles<'_>, at: &str, languages: &mut Vec<&'static str>) -> Option<Recipe> {
    let lists = tree.read(&format!("{at}CMakeLists.txt"));
    if lists.is_empty() {
        return None;
    }
    language(languages, "C or C++");
    lists.contains("enable_testing").then(|| Recipe {
        test: "cmake --build build -j && ctest --test-dir build --output-on-failure".into(),
        one: Some("cmake --build build -j && ctest --test-dir build --output-on-failure -R {test}".into()),
        setup: vec!["cmake -S . -B build".into()],
        because: "CMakeLists.txt",
        check: None,
    })
}

fn shell(tree: &RepositoryFiles<'_>, at: &str, languages: &mut Vec<&'static str>) -> Option<Recipe> {
    let names =
        ["tests/run.sh", "tests/run_tests.sh", "test/run.sh", "run_tests.sh", "run-tests.sh", "test.sh"];
    let found = names.iter().find(|file| tree.has(&format!("{at}{file}")))?;
    if languages.is_empty() {
        language(languages, "shell");
    }
    Some(Recipe { test: format!("sh {found}"), because: found, ..Recipe::default() })
}

fn make(tree: &RepositoryFiles<'_>, at: &str, languages: &mut Vec<&'static str>) -> Option<Recipe> {
    let names = ["Makefile", "GNUmakefile", "makefile"];
    let makefile: String = names.iter().map(|file| tree.read(&format!("{at}{file}"))).collect();
    let target = ["test", "tests", "check"].into_iter().find(|target| {
        makefile
            .lines()
            .any(|line| line.strip_prefix(target).is_some_and(|rest| rest.trim_start().starts_with(':')))
    })?;
    let c = tree.files(at).iter().any(|name| name.ends_with(".c") || name == "configure.ac");
    if c || tree.files(&format!("{at}src/")).iter().any(|name| name.ends_with(".c")) {
        language(languages, "C or C++");
    }
    Some(Recipe { test: format!("make {target}"), because: "the Makefile", ..Recipe::default() })
}

fn name(tree: &RepositoryFiles<'_>) -> String {
    let toml = |file: &str| tree.read(file).parse::<toml::Table>().ok();
    let nested = |table: Option<toml::Table>, section: &str| {
        table?.get(section)?.get("name")?.as_str().map(str::to_owned)
    };
    let package: Option<serde_json::Value> = serde_json::from_str(&tree.read("package.json")).ok();
    let module = tree.read("go.mod");
    let module = module.lines().find_map(|line| line.strip_prefix("module ")).map(str::to_owned);
    let folder = || {
        let path = fs::canonicalize(tree.root).ok()?;
        Some(path.file_name()?.to_string_lossy().into_owned())
    };
    let found = nested(toml("Cargo.toml"), "package")
        .or_else(|| nested(toml("pyproject.toml"), "project"))
        .or_else(|| package?.get("name")?.as_str().map(str::to_owned))
        .or(module)
        .or_else(folder)
        .unwrap_or_default();
    let last = found.trim().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let safe: String = last
        .chars()
        .map(|char| if char.is_ascii_alphanumeric() || char == '_' { char } else { '-' })
        .take(60)
        .collect();
    let safe = safe.trim_matches('-');
    if safe.is_empty() { "main".to_owned() } else { safe.to_owned() }
}

fn branch(tree: &RepositoryFiles<'_>) -> Option<String> {
    // The remote's HEAD takes precedence over the checked-out branch.
    let heads =
        [(".git/refs/remotes/origin/HEAD", "ref: refs/remotes/origin/"), (".git/HEAD", "ref: refs/heads/")];
    heads.iter().find_map(|(file, prefix)| {
        let name = tree.read(file).trim().strip_prefix(prefix)?.to_owned();
        Some(name).filter(|name| !name.is_empty() && !name.chars().any(char::is_control))
    })
}

/// The files of the repository, read with size limits and never through links that lead outside.
pub(super) struct RepositoryFiles<'a> {
    root: &'a Path,
}

impl RepositoryFiles<'_> {
    pub(super) fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// The text of a regular file; empty when it cannot be read.
    pub(super) fn read(&self, path: &str) -> String {
        let path = self.root.join(path);
        let regular = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file());
        let mut bytes = Vec::new();
        if regular && let Ok(file) = fs::File::open(&path) {
            let _ = file.take(MAX_BYTES).read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The sorted names of the entries of a folder.
    pub(super) fn files(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.join(folder)) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .flatten()
            .take(MAX_ENTRIES)
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn folders(&self) -> Vec<String> {
        let is_folder = |name: &String| self.root.join(name).is_dir();
        self.files("").into_iter().filter(is_folder).collect()
    }
}
