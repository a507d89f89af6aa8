use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use millwright_integrations::ChannelAudience;

use super::load::ConfigError;
use super::*;

fn load_text(text: &str, vars: &[(&str, &str)]) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("millwright.toml");
    fs::write(&file, text).unwrap();
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(Some(&file), None, vars)
        .map_err(|error| error.to_string().replace(&file.display().to_string(), "millwright.toml"))
}

const FULL: &str = r#"
[repositories.shop-front]
path = "shop"
branch = "main"
services = ["checkout", "cart"]
path_prefixes = ["/app"]
setup = ["npm ci"]
test = "npm test"
test_one = "npm test -- {test}"
allow_read = ["/opt/node"]
env = { NODE_ENV = "test" }
timeout_s = 30

[sandbox]
memory_mb = 2048
network = "loopback"

[redaction]
personal_data = false
patterns = [{ name = "CUSTOMER", pattern = "K-[0-9]{6}" }]

[store]
url = "sqlite:///var/lib/millwright/db"
unproven_retention_days = 180

[vectors]
url = "http://qdrant:6334"
collection = "incidents"

[embeddings]
model = "text-embedding-3-small"
dimension = 1536
"#;

#[test]
fn a_full_file_is_read_and_paths_are_relative_to_it() {
    let config = load_text(FULL, &[]).unwrap();
    let shop = &config.options.repositories["shop-front"];
    assert!(shop.path.as_ref().unwrap().is_absolute() && shop.path.as_ref().unwrap().ends_with("shop"));
    assert_eq!(shop.env["NODE_ENV"], "test");
    assert_eq!(config.options.sandbox.memory_mb, 2048);
    assert_eq!(config.options.sandbox.wall_s, 600, "what is left out has its default");
    assert!(!config.options.redaction.personal_data && config.options.redaction.enabled);
    assert_eq!(config.options.store.unproven_retention_days, Some(180));
    let (vectors, embeddings) = (&config.options.vectors, &config.options.embeddings);
    assert_eq!((vectors.url.as_str(), vectors.collection.as_str()), ("http://qdrant:6334", "incidents"));
    assert_eq!((embeddings.dimension, embeddings.timeout_s), (Some(1536), 60));
}

/// Names of the previous release are accepted, in the file and as variables, with a warning.
#[test]
fn keys_of_before_are_taken_and_told() {
    let file = "[store]\nkeep_unproven_days = 30\n[server]\njoin_within_h = 12\n";
    let config = load_text(file, &[]).unwrap();
    assert_eq!(config.options.store.unproven_retention_days, Some(30));
    assert_eq!(config.options.server.dedup_window_hours, 12);
    let told = [
        "server.join_within_h is now server.dedup_window_hours; the old name is removed in the next release",
        "store.keep_unproven_days is now store.unproven_retention_days; the old name is removed in the next release",
    ];
    assert_eq!(config.warnings, told);
    let variable = [("MILLWRIGHT__SERVER__JOIN_WITHIN_H", "6")];
    let config = load_text("[server]\ndedup_window_hours = 12\n", &variable).unwrap();
    assert_eq!((config.options.server.dedup_window_hours, config.warnings.len()), (6, 1));
    let both = load_text("[server]\njoin_within_h = 1\ndedup_window_hours = 2\n", &[]).unwrap();
    assert_eq!(both.options.server.dedup_window_hours, 2);
    assert!(both.warnings[0].contains("it is ignored"), "{:?}", both.warnings);
    for (section, old, new) in [
        ("SERVER", "JOIN_WITHIN_H", "DEDUP_WINDOW_HOURS"),
        ("STORE", "KEEP_UNPROVEN_DAYS", "UNPROVEN_RETENTION_DAYS"),
    ] {
        let names = [old, new].map(|key| format!("MILLWRIGHT__{section}__{key}"));
        let config = load_text("", &[(names[0].as_str(), "1"), (names[1].as_str(), "2")]).unwrap();
        let read = match section {
            "SERVER" => Some(config.options.server.dedup_window_hours),
            _ => config.options.store.unproven_retention_days.map(u64::from),
        };
        assert_eq!(read, Some(2), "{section}");
        assert!(config.warnings[0].contains("it is ignored"), "{:?}", config.warnings);
    }
    let wrong = load_text("[server]\njoin_within_h = \"x\"\n", &[]).unwrap_err();
    assert!(wrong.contains("server."), "{wrong}");
    assert!(load_text("", &[]).unwrap().warnings.is_empty());
}

#[test]
fn variables_go_before_the_file() {
    let vars = [
        ("MILLWRIGHT__SANDBOX__WALL_S", "5"),
        ("MILLWRIGHT__SANDBOX__NETWORK", "none"),
        ("MILLWRIGHT__REPOSITORIES__SHOP_FRONT__TEST", "make check"),
        ("MILLWRIGHT__REPOSITORIES__SHOP_FRONT__SERVICES", r#"["a"]"#),
        ("MILLWRIGHT__REPOSITORIES__SHOP_FRONT__ENV__NODE_ENV", "ci"),
        ("MILLWRIGHT__REPOSITORIES__OTHER__BRANCH", "1.0"),
        ("MILLWRIGHT_CONFIGURATION", "none of ours"),
        ("HOME", "/home/somebody"),
    ];
    let config = load_text(FULL, &vars).unwrap();
    assert_eq!(config.options.sandbox.wall_s, 5);
    assert_eq!(config.options.sandbox.network, NetworkOption::None);
    let shop = &config.options.repositories["shop-front"];
    assert_eq!((shop.test.as_deref(), shop.services.len()), (Some("make check"), 1));
    assert_eq!(shop.env.get("node_env").or(shop.env.get("NODE_ENV")).unwrap(), "ci");
    assert_eq!(config.options.repositories["other"].branch.as_deref(), Some("1.0"), "a text stays one");
}

#[test]
fn who_reads_and_who_judges_is_configured_in_words() {
    let text = "[server]\njudge_link_days = 7\n[auth]\nconfirming_role = \"admin\"\n\
        [connectors.github]\nsecret_env = \"S\"\naudience = \"internal\"\n\
        [connectors.sentry]\nsecret_env = \"S\"\naudience = \"public\"\n\
        [channels.slack]\nbot_token_env = \"B\"\nsigning_secret_env = \"S\"\naudience = \"public\"\n\
        guests_judge = true\njudging_teams = [\"T024BE7LD\"]\n";
    let options = load_text(text, &[]).unwrap().options;
    assert_eq!((options.server.judge_link_days, options.auth.confirming_role), (7, ConfirmingRole::Admin));
    let connectors = options.connectors.0;
    assert_eq!(connectors["github"].audience, Some(ChannelAudience::Internal));
    assert_eq!(connectors["sentry"].audience, Some(ChannelAudience::Public));
    let slack = options.channels.slack.unwrap();
    assert!(slack.guests_judge && slack.audience == Some(ChannelAudience::Public));
    let refused = |text: &str, words: &str| {
        let error = load_text(text, &[]).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    };
    for days in ["0", "3651"] {
        refused(&format!("[server]\njudge_link_days = {days}\n"), "between 1 and 3650");
    }
    refused("[auth]\nconfirming_role = \"viewer\"\n", "\"support\", \"responder\", \"admin\"");
    refused("[connectors.jira]\nsecret_env = \"S\"\naudience = \"friends\"\n", "\"internal\", \"public\"");
    let slack = "[channels.slack]\nbot_token_env = \"B\"\nsigning_secret_env = \"S\"\n";
    refused(&format!("{slack}judging_teams = [\"acme\"]\n"), "not a workspace id");
}

#[test]
fn a_connector_takes_the_keys_of_its_own_system() {
    let load =
        |text: &str, vars: &[(&str, &str)]| load_text(text, vars).map(|config| config.options.connectors.0);
    let refused = |text: &str, words: &str| {
        let error = load(text, &[]).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    };
    for integration in millwright_integrations::INTEGRATIONS {
        let name = integration.name();
        let text = format!("[connectors.{name}]\nsecret_env = \"S\"\naudience = \"public\"\n");
        match integration.connector() {
            Some(_) => assert_eq!(load(&text, &[]).unwrap()[name].secret_env.as_deref(), Some("S")),
            None => refused(&text, &format!("unknown key connectors.{name}")),
        }
    }
    let jira = "[connectors.jira]\nbase_url = \"https://a.example\"\nemail = \"a@b.c\"\ntoken_env = \"T\"\n";
    assert!(load(&format!("{jira}service_desk = true\n"), &[]).unwrap()["jira"].switches["service_desk"]);
    refused(&format!("{jira}service_desk = \"yes\"\n"), "connectors.jira.service_desk must be true or false");
    refused(
        "[connectors.github]\nsecret_env = \"S\"\nservice_desk = true\n",
        "unknown key connectors.github.service_desk",
    );
    refused(
        "[connectors.sentry]\nsecret_env = \"S\"\nbase_url = \"https://x\"\n",
        "unknown key connectors.sentry.base_url",
    );
    refused("[connectors.sentry]\naudience = \"public\"\n", "connectors.sentry needs secret_env");
    refused(
        "[connectors.zendesk]\nbase_url = \"https://x\"\ntoken_env = \"T\"\n",
        "connectors.zendesk.email must name",
    );
    refused("[connectors.gitlba]\nsecret_env = \"S\"\n", "did you mean gitlab?");
    let by_environment = [
        ("MILLWRIGHT__CONNECTORS__LINEAR__TOKEN_ENV", "T"),
        ("MILLWRIGHT__CONNECTORS__JIRA__SERVICE_DESK", "true"),
    ];
    let connectors = load(jira, &by_environment).unwrap();
    assert_eq!(connectors["linear"].token_env.as_deref(), Some("T"));
    assert!(connectors["jira"].switches["service_desk"]);
    let odd = [("MILLWRIGHT__CONNECTORS__LINEAR__EMAIL", "a@b.c")];
    assert!(load("", &odd).unwrap_err().contains("unknown option connectors.linear.email"));
}

#[test]
fn mistakes_name_the_place_and_the_remedy() {
    let check = |text: &str, wanted: &str| {
        assert_eq!(load_text(text, &[]).unwrap_err(), wanted, "{text}");
    };
    check(
        "[sandbox]\nmemroy_mb = 1\n",
        "millwright.toml:2:1: unknown key sandbox.memroy_mb; did you mean memory_mb?",
    );
    check("[sandbx]\n", "millwright.toml:1:2: unknown key sandbx; did you mean sandbox?");
    check(
        "[zebra]\n",
        "millwright.toml:1:2: unknown key zebra; the nearest is vectors (there are repositories, sandbox, redaction, store, model, vectors, embeddings, server, auth, connectors, channels, telemetry)",
    );
    check(
        "[repositories.a]\n\n  tests = \"x\"\n",
        "millwright.toml:3:3: unknown key repositories.a.tests; did you mean test?",
    );
    check(
        "[repositories.a]\nsetup = \"npm ci\"\n",
        "millwright.toml:2:9: repositories.a.setup must be a list, not a text; write for instance setup = [\"…\"]",
    );
    check(
        "[repositories.a]\nsetup = [\"ä\", 1]\n",
        "millwright.toml:2:15: repositories.a.setup[1] must be a text, not a whole number; write for instance setup = \"…\"",
    );
    check(
        "[sandbox]\nwall_s = \"60\"\n",
        "millwright.toml:2:10: sandbox.wall_s must be a whole number, not a text; write for instance wall_s = 60",
    );
    check("[sandbox]\nwall_s = -1\n", "millwright.toml:2:10: sandbox.wall_s must not be negative");
    check(
        "[sandbox]\nnetwork = \"all\"\n",
        "millwright.toml:2:11: sandbox.network must be one of \"none\", \"loopback\"",
    );
    check(
        "sandbox = 3\n",
        "millwright.toml:1:11: sandbox must be a table, not a whole number; write for instance [sandbox]",
    );
    check(
        "[repositories.a]\ntest_one = \"pytest\"\n",
        "repositories.a.test_one must contain {test} where the test's name goes; write for instance test_one = \"pytest {test}\"",
    );
    check("[sandbox]\nprocesses = 0\n", "sandbox.processes must be at least 1; leave it out for the default");
    check(
        "[store]\nurl = \"mysql://x\"\n",
        "store.url must be sqlite://PATH or postgres://USER@HOST:5432/DATABASE; leave it out for a file in the data folder",
    );
    for url in ["postgres://me:secret@db/x", "postgres://db/x?a=b&password=secret"] {
        check(
            &format!("[store]\nurl = \"{url}\"\n"),
            "store.url contains a password; remove it there and set PGPASSWORD, or the variable that \
             store.password_env names",
        );
    }
    check(
        "[redaction]\npatterns = [{ name = \"A\", pattern = \"(\" }]\n",
        "redaction.pattern \"A\" is not a regular expression: error: unclosed group",
    );
    assert!(load_text("[sandbox\n", &[]).unwrap_err().starts_with("millwright.toml:1:"));
    assert!(load_text("a = 1\na = 2\n", &[]).unwrap_err().contains("2:1: duplicate key"));
    assert!(
        load_text("[redaction]\npatterns = [{ name = \"A\" }]\n", &[]).unwrap_err().contains("missing field")
    );
}

#[test]
fn mistakes_in_variables() {
    let check = |name: &str, value: &str, wanted: &str| {
        assert_eq!(load_text("", &[(name, value)]).unwrap_err(), wanted);
    };
    check(
        "MILLWRIGHT__SANDBOX__WALS_S",
        "5",
        "MILLWRIGHT__SANDBOX__WALS_S: unknown option sandbox.wals_s; did you mean wall_s?",
    );
    check("MILLWRIGHT__SANDBOX__WALL_S", "soon", "MILLWRIGHT__SANDBOX__WALL_S: it must be a whole number");
    check("MILLWRIGHT__SANDBOX__WALL_S", "1\n[x]", "MILLWRIGHT__SANDBOX__WALL_S: it must be a whole number");
    check(
        "MILLWRIGHT__ZEBRA__PORT",
        "1",
        "MILLWRIGHT__ZEBRA__PORT: unknown option zebra; the nearest is vectors (there are repositories, sandbox, redaction, store, model, vectors, embeddings, server, auth, connectors, channels, telemetry)",
    );
    assert!(load_text("", &[("MILLWRIGHT__SANDBOX__WALL_S", "true")]).is_err());
    assert!(load_text("", &[("MILLWRIGHT__", "x")]).is_err());
}

/// The author of a superproject, or of a shared folder above a clone, is as untrusted as the author of the clone.
#[test]
fn what_is_found_in_or_above_a_repository_cannot_weaken_anything() {
    let top = tempfile::tempdir().unwrap();
    let repo = top.path().join("repo");
    let deep = repo.join("src/deep");
    fs::create_dir_all(&deep).unwrap();
    fs::create_dir(repo.join(".git")).unwrap();
    let load = || Config::load(None, Some(&deep), []);
    let above = top.path().join("millwright.toml");
    for section in
        ["[sandbox]\nallow_weaker = true\n", "[model]\nbase_url = \"http://attacker.example/v1\"\n"]
    {
        fs::write(&above, section).unwrap();
        let refused = load().unwrap_err().to_string();
        assert!(refused.contains("is not read from it") && refused.contains("--config"), "{refused}");
    }
    fs::write(&above, "[repositories.a]\npath = \"repo\"\ntest = \"make check\"\n").unwrap();
    let config = load().unwrap();
    assert_eq!(config.origin, ConfigOrigin { own: None, found: Some(fs::canonicalize(&above).unwrap()) });
    assert_eq!(config.repository(&repo).and_then(|(_, entry)| entry.test.as_deref()), Some("make check"));

    let inside = repo.join("millwright.toml");
    let refused = |text: &str| {
        fs::write(&inside, text).unwrap();
        load().unwrap_err().to_string()
    };
    assert!(refused("[sandbox]\nallow_weaker = true\n").contains("[sandbox] is not read from it"));
    assert!(
        refused("[repositories.a]\nallow_read = [\"/srv/keys\"]\n").contains("repositories.a.allow_read")
    );
    let remotes = "[repositories.a.remotes]\norigin = \"file:///srv/git/a.git\"\n";
    assert!(refused(remotes).contains("repositories.a.remotes"));
    assert_eq!(load_text(remotes, &[]).unwrap().options.repositories["a"].remotes.len(), 1);
    let far = load_text("[repositories.a.remotes]\norigin = \"https://host/a.git\"\n", &[]).unwrap_err();
    assert!(far.contains("repositories.a.remotes.origin") && far.contains("file:///"), "{far}");
    assert!(refused("[repositories.a]\npath = \"../other\"\n").contains("outside of the repository"));
    assert!(refused("[redaction]\nenabled = false\n").contains("--config"));
    let key = top.path().join("key");
    fs::write(&key, "secret").unwrap();
    std::os::unix::fs::symlink(&key, repo.join("link")).unwrap();
    for laid in [key.display().to_string(), "../key".to_owned(), "link".to_owned(), "link=x".to_owned()] {
        let refused = refused(&format!("[repositories.a]\noverlay = [\"{laid}\"]\n"));
        assert!(refused.contains("overlay"), "{laid}: {refused}");
    }
    let below = repo.join("below");
    fs::create_dir(&below).unwrap();
    std::os::unix::fs::symlink(&key, below.join("linked")).unwrap();
    assert!(refused("[repositories.a]\npath = \"below\"\noverlay = [\"linked\"]\n").contains("overlay"));
    fs::write(&inside, "[repositories.a]\npath = \".\"\ntest = \"make test\"\n").unwrap();
    let config = load().unwrap();
    assert_eq!(config.origin.found, Some(fs::canonicalize(&inside).unwrap()));
    assert_eq!(config.repository(&repo).map(|(name, _)| name), Some("a"));
    assert_eq!(config.repository(top.path()).map(|(name, _)| name), None);

    fs::write(&inside, "[sandbox]\nallow_weaker = true\n").unwrap();
    let named = Config::load(Some(&inside), Some(&deep), []).unwrap();
    assert!(named.options.sandbox.allow_weaker, "a file that is named is trusted");
}

#[test]
fn the_users_own_file_goes_before_what_is_found() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/millwright");
    let repo = home.path().join("work/repo");
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir_all(&repo).unwrap();
    let own = folder.join("millwright.toml");
    let path = repo.display();
    fs::write(
        &own,
        format!("[sandbox]\nwall_s = 7\n[repositories.mine]\npath = \"{path}\"\ntest = \"mine\"\n"),
    )
    .unwrap();
    let found =
        "[repositories.theirs]\ntest = \"theirs\"\n[repositories.other]\npath = \"sub\"\ntest = \"sub\"\n";
    fs::write(repo.join("millwright.toml"), found).unwrap();
    let vars = || [("HOME".to_owned(), home.path().display().to_string())];
    let config = Config::load(None, Some(&repo), vars()).unwrap();
    assert_eq!(config.options.sandbox.wall_s, 7);
    assert_eq!(config.repository(&repo).map(|(name, _)| name), Some("mine"));
    assert!(!config.options.repositories.contains_key("theirs"), "the operator's own entry stands");
    assert_eq!(config.options.repositories["other"].test.as_deref(), Some("sub"));
    // A file that others can write does not count as the user's own.
    fs::set_permissions(&own, fs::Permissions::from_mode(0o666)).unwrap();
    let refused = Config::load(None, Some(&repo), vars()).unwrap_err();
    assert!(matches!(refused, ConfigError::NotOurs { .. }), "{refused}");
}

#[test]
fn missing_files_and_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let absent = dir.path().join("absent.toml");
    assert!(matches!(Config::load(Some(&absent), None, []), Err(ConfigError::Missing { .. })));
    let vars = [("MILLWRIGHT_CONFIG".to_owned(), absent.display().to_string())];
    assert!(matches!(Config::load(None, Some(dir.path()), vars), Err(ConfigError::Missing { .. })));
    let config = Config::load(None, None, []).unwrap();
    assert_eq!(config.options, ConfigFile::default());
    assert_eq!(config.repository(Path::new("/nowhere")), None);
}

#[test]
fn models_and_servers_of_memory_are_checked() {
    for (text, wanted) in [
        ("[embeddings]\nmodel = \"text-embedding-3-small\"\n", "embeddings.dimension must say how many"),
        ("[embeddings]\nmodel = \"all-MiniLM-L6-v2\"\n", "embeddings.path must name the folder"),
        (
            "[embeddings]\nmodel = \"m\"\ndimension = 8\ntimeout_s = 0\n",
            "embeddings.timeout_s must be at least 1",
        ),
        ("[vectors]\nurl = \"qdrant:6334\"\n", "vectors.url \"qdrant:6334\" must be"),
        ("[vectors]\ntimeout_s = 0\n", "vectors.timeout_s must be at least 1"),
    ] {
        let error = load_text(text, &[]).unwrap_err();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}
