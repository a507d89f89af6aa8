/*!
Tests that plant set-up faults one by one and check what `doctor` and `init` say about each.
*/
#![expect(clippy::unwrap_used, reason = "an answer of another shape fails its test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

mod common;

use common::{CHECK, Ran, Scene};

/// Runs `doctor` on a configuration file beside the repository, and checks it as the service would.
fn doctor(scene: &Scene, configuration: &str, more: &[&str]) -> Ran {
    scene.write("service.toml", configuration);
    let first = ["doctor", "--config", "service.toml", "--format", "json"];
    scene.run(&[&first, more].concat())
}

fn parts(ran: &Ran) -> Vec<Value> {
    let told: Value = serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}\n{}", ran.stdout, ran.stderr));
    told["checks"].as_array().unwrap().clone()
}

fn part<'v>(parts: &'v [Value], name: &str) -> &'v Value {
    parts
        .iter()
        .find(|part| part["name"] == name)
        .unwrap_or_else(|| panic!("{name} is not told of: {parts:?}"))
}

/// Asserts that `doctor` reports the part as one to fix, with these words, and fails.
fn finds(ran: &Ran, name: &str, words: &[&str]) {
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let parts = parts(ran);
    let part = part(&parts, name);
    assert_eq!(part["state"], "broken", "{part}");
    let detail = part["detail"].as_str().unwrap();
    for word in words {
        assert!(detail.contains(word), "{word:?} is not said: {detail}");
    }
}

fn shop(lines: &str) -> String {
    format!("[repositories.shop]\npath = \"repo\"\n{lines}\n")
}

const TESTS: &str = "test = \"sh tests.sh\"";

#[test]
fn a_set_up_that_works_is_told_with_what_ran() {
    let scene = Scene::new();
    let ran = doctor(&scene, &shop(&format!("{TESTS}\nsetup = [\"test -d lib\"]\nbranch = \"main\"")), &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stdout);
    let parts = parts(&ran);
    assert!(part(&parts, "repository shop: test")["detail"].as_str().unwrap().contains("1 test ran"));
    assert!(part(&parts, "repository shop: setup")["detail"].as_str().unwrap().contains("1 step works"));
    assert_eq!(part(&parts, "repository shop: test_one")["state"], "not_set");
    assert!(ran.stderr.contains("trying `sh tests.sh`"), "{}", ran.stderr);
}

#[test]
fn recipes_that_do_not_run_are_named_with_what_to_do() {
    let scene = Scene::new();
    let tries = |lines: &str, name: &str, words: &[&str]| {
        finds(
            &doctor(&scene, &shop(lines), &["--deadline", "2s"]),
            &format!("repository shop: {name}"),
            words,
        );
    };
    tries("test = \"no-such-runner --all\"", "test", &["no-such-runner", "--allow-read"]);
    tries("test = \"echo 1..0\"", "test", &["ran no test"]);
    tries("test = \"sleep 60\"", "test", &["did not end within 2 s"]);
    tries(&format!("{TESTS}\nsetup = [\"true\", \"ls vendored\"]"), "setup", &["`ls vendored`", "vendored"]);
    let one = format!("{TESTS}\ntest_one = \"no-such-runner {{test}}\"");
    fs::create_dir_all(scene.path("repo/tests")).unwrap();
    scene.write("repo/tests/test_cart.py", "def test_total():\n    pass\n");
    scene.repo.commit("a test with a name", &[]);
    let pytest = one.replace("no-such-runner", "no-such-pytest");
    tries(&pytest, "test_one", &["no-such-pytest"]);
    tries(&format!("{TESTS}\nallow_read = [\"/no/such/folder\"]"), "allow_read", &["/no/such/folder"]);
    tries(&format!("{TESTS}\noverlay = [\"no-such-file\"]"), "overlay", &["no-such-file"]);
    tries(&format!("{TESTS}\nbranch = \"production\""), "branch", &["production"]);
}

#[test]
fn what_a_checkout_lacks_is_named() {
    let scene = Scene::new();
    let lock = r#"{"lockfileVersion": 3, "packages": {"node_modules/left-pad": {"version": "1.3.0"}}}"#;
    scene.write("repo/package-lock.json", lock);
    scene.repo.commit("packages", &[]);
    let needs = "test = \"test -e node_modules/left-pad\"";
    finds(&doctor(&scene, &shop(needs), &[]), "repository shop: packages", &["package-lock.json", "npm ci"]);
    // With `--no-replay`, `doctor` runs nothing.
    let ran = doctor(&scene, &shop(needs), &["--no-replay"]);
    finds(&ran, "repository shop: packages", &["npm ci"]);
    assert!(!ran.stderr.contains("trying"), "{}", ran.stderr);

    let head = scene.id("HEAD");
    scene.repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},third_party/zlib")]);
    scene.repo.git(&["commit", "-q", "-m", "a submodule"]);
    finds(
        &doctor(&scene, &shop(needs), &[]),
        "repository shop: submodules",
        &["third_party/zlib", "--allow-read"],
    );
    // Tests that run without the submodule cause no warning.
    assert_eq!(doctor(&scene, &shop(TESTS), &[]).status, Some(0));
}

#[test]
fn each_repository_and_system_of_the_service_is_looked_at_by_name() {
    let scene = Scene::new();
    let configuration = format!(
        "{}[repositories.gone]\npath = \"no-such-clone\"\n[repositories.far]\nurl = \"file:///no/such/place.git\"\n\
         [repositories.locked]\nurl = \"https://127.0.0.1:1/a.git\"\ntoken_env = \"NO_SUCH_TOKEN\"\n\
         [connectors.sentry]\nsecret_env = \"NO_SUCH_SECRET\"\n[connectors.github]\nbase_url = \"http://127.0.0.1:1\"\n\
         token_env = \"SOME_TOKEN\"\n[connectors.gitlab]\nbase_url = \"http://127.0.0.1:1\"\ntoken_env = \"SOME_TOKEN\"\n\
         [connectors.linear]\nbase_url = \"http://127.0.0.1:1\"\ntoken_env = \"SOME_TOKEN\"\n\
         [channels.slack]\nbot_token_env = \"NO_SUCH_BOT\"\nsigning_secret_env = \"NO_SUCH_BOT\"\n",
        shop(TESTS)
    );
    scene.write("service.toml", configuration);
    let mut command = scene.command(&["doctor", "--config", "service.toml", "--format", "json"]);
    let ran: Ran = command.env("SOME_TOKEN", "t0ken").output().unwrap().into();
    finds(&ran, "repository gone", &["no-such-clone"]);
    finds(&ran, "repository far", &["file:///no/such/place.git"]);
    finds(&ran, "repository locked", &["NO_SUCH_TOKEN", "not set"]);
    finds(&ran, "hook sentry", &["NO_SUCH_SECRET", "not set"]);
    finds(&ran, "tickets of github", &["http://127.0.0.1:1", "base_url"]);
    finds(&ran, "tickets of gitlab", &["http://127.0.0.1:1", "base_url"]);
    finds(&ran, "tickets of linear", &["http://127.0.0.1:1", "base_url"]);
    finds(&ran, "slack", &["NO_SUCH_BOT", "not set"]);
    assert_eq!(part(&parts(&ran), "repository shop")["state"], "works");
    assert!(!ran.stdout.contains("t0ken"));
}

#[test]
fn a_token_is_bound_to_repositories_that_are_there() {
    let scene = Scene::new();
    scene.write("service.toml", shop(TESTS));
    let token = |more: &[&str]| {
        scene.run(&[&["token", "--config", "service.toml", "--format", "json"][..], more].concat())
    };
    let made =
        token(&["create", "desk", "--role", "support", "--repository", "shop", "--repository", "shpo"]);
    assert_eq!(made.status, Some(0), "{}", made.stderr);
    assert!(made.stderr.contains("[repositories.shpo] is not in this configuration"), "{}", made.stderr);
    let listed: Value = serde_json::from_str(&token(&["list"]).stdout).unwrap();
    assert_eq!(listed[0]["repositories"], serde_json::json!(["shop", "shpo"]));
    let refused = token(&["create", "boss", "--role", "admin", "--repository", "shop"]);
    refused.refuses(&["cannot be bound to repositories"]);
    let ran = doctor(&scene, &shop(TESTS), &[]);
    assert_eq!(ran.status, Some(0), "a doubt is no fault: {}", ran.stdout);
    let parts = parts(&ran);
    let told = part(&parts, "tokens")["detail"].as_str().unwrap();
    assert!(told.contains("desk") && told.contains("[repositories.shpo]"), "{told}");
}

#[test]
fn a_configuration_or_a_data_folder_that_is_wrong_is_told() {
    let scene = Scene::new();
    finds(
        &doctor(&scene, "[repositories.shop]\ntset = \"make test\"\n", &[]),
        "configuration",
        &["tset", "test"],
    );
    scene.write("taken", "a file");
    finds(&doctor(&scene, &shop(TESTS), &["--data-dir", "taken"]), "data folder", &["taken", "--data-dir"]);
    let model = "[model]\nname = \"some\"\nbase_url = \"http://127.0.0.1:1/v1\"\n";
    finds(&doctor(&scene, model, &[]), "model", &["127.0.0.1:1", "model.base_url"]);
    finds(
        &scene.run(&["doctor", "--repo", "data", "--format", "json"]),
        "repository",
        &["not a git repository"],
    );
}

/// `init` keeps the commands that ran, and says why the others did not run.
#[test]
fn init_tries_what_it_guesses_and_refuses_outside_of_a_repository() {
    let scene = Scene::new();
    fs::create_dir_all(scene.path("nowhere")).unwrap();
    scene.run(&["init", "--repo", "nowhere"]).refuses(&["not a git repository"]);
    assert!(!scene.path("nowhere/millwright.toml").exists());

    scene.write("repo/Makefile", "test:\n\tsh tests.sh\n");
    scene.repo.commit("a Makefile", &[]);
    let ran = scene.run(&["init", "--repo", "repo"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("1 test ran"), "{}", ran.stdout);
    let written = fs::read_to_string(scene.path("repo/millwright.toml")).unwrap();
    assert!(written.contains("\ntest = \"make test\""), "{written}");

    // A manifest alone does not mean that there are tests.
    scene.repo.git(&["rm", "-q", "-f", "Makefile"]);
    scene.write("repo/setup.py", "");
    scene.repo.commit("a manifest without tests", &[]);
    let ran = scene.run(&["init", "--repo", "repo", "--force"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let written = fs::read_to_string(scene.path("repo/millwright.toml")).unwrap();
    assert!(!written.contains("\ntest = "), "{written}");
    assert!(written.contains("# test = \"python3 -m unittest discover\""), "{written}");
}

#[test]
fn usage_errors_and_paths_that_cannot_be_written_are_told_before_anything_runs() {
    let scene = Scene::new();
    for wrong in
        [&["investigate", "--no-such-option"][..], &["no-such-command"], &["doctor", "--format", "xml"], &[]]
    {
        let ran = scene.run(wrong);
        assert_eq!(ran.status, Some(1), "{wrong:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{wrong:?}");
    }
    assert_eq!(scene.run(&["--help"]).status, Some(0));
    assert_eq!(scene.run(&["--version"]).status, Some(0));
    for option in ["--out", "--write-fix"] {
        scene
            .investigate(&["--replay", CHECK, option, "no/such/folder/file"])
            .refuses(&["no/such/folder/file"]);
        assert!(!scene.path("data").exists(), "nothing was begun");
    }
    scene.investigate(&["--replay", CHECK, "--out", "repo"]).refuses(&["repo", "folder"]);
}

/// The configuration has one unusable entry of each kind. `doctor` names each one, and `serve` names all of them at once.
#[test]
fn everything_that_is_not_there_is_named() {
    let scene = Scene::new();
    let configuration = "[repositories.gone]\npath = \"nowhere\"\n\
        [repositories.away]\nurl = \"https://git.example.com/a/b.git\"\ntoken_env = \"GIT_TOKEN\"\n\
        [connectors.alertmanager]\nsecret_env = \"ALERT_SECRET\"\n\
        [connectors.jira]\nbase_url = \"https://jira.example.com\"\nemail = \"a@example.com\"\ntoken_env = \"JIRA_TOKEN\"\n\
        [channels.slack]\nbot_token_env = \"BOT_TOKEN\"\napp_token_env = \"APP_TOKEN\"\n";
    let ran = doctor(&scene, configuration, &["--no-replay"]);
    finds(&ran, "repository gone", &["nowhere", "does not exist", "path"]);
    finds(&ran, "repository away", &["GIT_TOKEN", "not set"]);
    finds(&ran, "hook alertmanager", &["ALERT_SECRET", "not set", "[connectors.alertmanager]"]);
    finds(&ran, "tickets of jira", &["JIRA_TOKEN", "not set", "[connectors.jira]"]);
    finds(&ran, "slack", &["BOT_TOKEN and APP_TOKEN", "not set", "[channels.slack]"]);
    let variables = ["GIT_TOKEN", "ALERT_SECRET", "JIRA_TOKEN", "BOT_TOKEN", "APP_TOKEN"];
    scene.run(&["serve", "--config", "service.toml"]).refuses(&variables);
    scene.write("service.toml", "[telemetry]\nmetrics_listen = \"nine\"\n");
    scene
        .run(&["serve", "--config", "service.toml"])
        .refuses(&["telemetry.metrics_listen", "127.0.0.1:9464"]);
}

/// A replay that hangs uses up the time, but the suspects are still reported.
#[test]
fn a_deadline_keeps_the_suspects() {
    let scene = Scene::new();
    let ran = scene.investigate(&["--replay", "sleep 600", "--deadline", "6s", "--good", "HEAD~11"]);
    let report = ran.report();
    assert!(report["suspects"].as_array().unwrap().len() >= 5, "{}", report["suspects"]);
    assert_eq!(report["suspects"][0]["commit"], scene.id("HEAD~5").as_str());
    assert_ne!(report["verdict"], "verified");
    let missing = report["escalate"]["missing"].to_string();
    assert!(missing.contains("deadline"), "{missing}");
    assert!(!missing.contains("narrower range"), "{missing}");
}

/// The data folder holds keys that sign links, and also tickets and code, so only its owner may read it.
#[test]
fn what_is_kept_is_its_owners_alone() {
    let scene = Scene::new();
    let rights = |name: &str| fs::metadata(scene.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(scene.run(&["memory", "list"]).status, Some(0));
    assert_eq!((rights("data"), rights("data/millwright.db")), (0o700, 0o600));
    // An existing folder gets stricter permissions.
    fs::set_permissions(scene.path("data"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(scene.path("data/millwright.db"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(scene.run(&["memory", "list"]).status, Some(0));
    assert_eq!((rights("data"), rights("data/millwright.db")), (0o700, 0o600));
    // A folder that an investigation without memory creates also gets strict permissions.
    scene.investigate(&["--no-memory", "--no-replay", "--data-dir", "other"]);
    assert_eq!(rights("other"), 0o700);
}

/// A superproject may belong to another person, and so may a folder above a clone.
#[test]
fn what_lies_above_a_repository_is_not_obeyed() {
    let scene = Scene::new();
    for section in
        ["[model]\nname = \"m\"\nbase_url = \"http://127.0.0.1:1/v1\"\n", "[redaction]\nenabled = false\n"]
    {
        scene.write("millwright.toml", section);
        scene.investigate(&["--no-replay"]).refuses(&["millwright.toml", "--config"]);
    }
    scene.write("millwright.toml", "[repositories.a]\npath = \"repo\"\ntest = \"sh tests.sh\"\n");
    let ran = scene.run(&["investigate", "ticket.txt", "--repo", "repo", "--no-replay"]);
    assert!(ran.stdout.contains("test commands of this repository come from"), "{}", ran.stdout);
}
