//! Which files the deliveries of every system name, and from where they may be fetched, so that no system fetches what only
//! another may.

use serde_json::json;

use super::*;
use crate::integration;

fn source(name: &str) -> Option<&'static dyn AttachmentSource> {
    integration(name).unwrap().attachments()
}

#[test]
fn each_system_names_its_files_in_its_own_way() {
    let names = |system, payload: &Value| {
        let files = source(system).map(|source| files_in(source, payload)).unwrap_or_default().into_iter();
        files.map(|file| format!("{} {} {}", file.url, file.name, file.media_type)).collect::<Vec<_>>()
    };
    let jira = json!({ "issue": { "fields": { "attachment": [
        { "content": "https://a.atlassian.net/rest/api/3/attachment/content/7", "filename": "app.log", "mimeType": "text/plain" },
        { "filename": "without.txt" }, 7, null,
    ] } } });
    assert_eq!(
        names("jira", &jira),
        ["https://a.atlassian.net/rest/api/3/attachment/content/7 app.log text/plain"]
    );
    let zendesk = json!({ "event": { "comment": { "attachments": [
        { "content_url": "https://a.zendesk.com/attachments/token/x/?name=a", "filename": "a", "content_type": "text/plain" } ] } } });
    assert_eq!(
        names("zendesk", &zendesk),
        ["https://a.zendesk.com/attachments/token/x/?name=a a text/plain"]
    );
    let slack =
        json!({ "files": [{ "url_private": "https://files.slack.com/files-pri/T1-F1/a", "name": "a\nb" }] });
    assert_eq!(names("slack", &slack), ["https://files.slack.com/files-pri/T1-F1/a ab "]);
    let github = json!({ "issue": { "body":
        "see [app.log](https://github.com/user-attachments/files/12/app.log), again\nhttps://github.com/user-attachments/files/12/app.log \
         and https://github.com/acme/calc/files/x/no and https://github.com/a/b" } });
    assert_eq!(names("github", &github), ["https://github.com/user-attachments/files/12/app.log app.log "]);
    let own = json!({ "repository": { "full_name": "Acme/calc" }, "issue": { "body":
        "https://github.com/acme/calc/files/7/a.txt https://github.com/acme/secret/files/8/b.txt \
         https://api.github.com/repos/acme/secret/contents/.env?x=/files/1/c.txt" } });
    assert_eq!(names("github", &own), ["https://github.com/acme/calc/files/7/a.txt a.txt "]);
    assert!(names("generic", &jira).is_empty());
    let many = json!({ "files": vec![json!({ "url_private": "https://x/y" }); 99] });
    assert_eq!(names("slack", &many).len(), MOST);
    let long = json!({ "files": [{ "url_private": "x".repeat(3_000) }] });
    assert!(names("slack", &long).is_empty());
}

#[test]
fn only_the_systems_own_host_is_asked() {
    let is = |system, base, url| FileLocation::of(source(system).unwrap(), base, url).is_ok();
    let jira = "https://acme.atlassian.net";
    assert!(is("jira", jira, "https://acme.atlassian.net/rest/api/3/attachment/content/7"));
    assert!(is("jira", jira, "https://acme.atlassian.net:443/secure/attachment/7/a.log"));
    assert!(is("jira", "https://desk.example/jira", "https://desk.example/jira/secure/attachment/7/a.log"));
    for url in [
        "https://evil.example/a.log",
        "http://acme.atlassian.net/a.log",
        "https://acme.atlassian.net:8443/a.log",
        "https://acme.atlassian.net.evil.example/a.log",
        "https://acme.atlassian.net@evil.example/a.log",
        "https://u:p@acme.atlassian.net/a.log",
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:7070/metrics",
        "file:///etc/passwd",
        "//acme.atlassian.net/a.log",
        "/etc/passwd",
    ] {
        assert!(!is("jira", jira, url), "{url}");
    }
    assert!(is("slack", "https://slack.com/api", "https://files.slack.com/files-pri/T1-F1/a.log"));
    assert!(!is("slack", "http://slack.com/api", "http://files.slack.com/a.log"));
    assert!(!is("jira", jira, "https://files.slack.com/a.log"));
    assert!(is("github", "https://api.github.com", "https://github.com/user-attachments/files/1/a.log"));
    assert!(is("github", "https://ghe.example/api/v3", "https://ghe.example/user-attachments/files/1/a.log"));
    assert!(!is("github", "https://ghe.example/api/v3", "https://github.com/user-attachments/files/1/a.log"));
    // Paths of the system that are not attachments: the token could read what the author may not.
    let (api, server) = ("https://api.github.com", "https://ghe.example/api/v3");
    for (system, base, url) in [
        ("github", api, "https://api.github.com/repos/acme/secret/contents/.env?x=/files/1/a.txt"),
        ("github", api, "https://api.github.com/repos/acme/secret/files/1/a.txt"),
        ("github", api, "https://github.com/acme/secret/raw/main/files/1/a.txt"),
        ("github", api, "https://github.com/acme/secret/files/1/a.txt?raw=1"),
        ("github", api, "https://github.com/acme/secret/files/x/a.txt"),
        ("github", server, "https://ghe.example/api/v3/repos/acme/secret/contents/.env?x=/files/1/a"),
        ("github", server, "https://ghe.example/user-attachments/../acme/secret/raw/files/1/a.txt"),
        ("github", server, "https://ghe.example/user-attachments/%2e%2e/acme/files/1/a.txt"),
        ("github", server, "https://ghe.example/acme%2fsecret/x/files/1/a.txt"),
        ("jira", jira, "https://acme.atlassian.net/rest/api/3/issue/SECRET-1"),
        ("jira", "https://desk.example/jira", "https://desk.example/jira-other/secure/attachment/7/a.log"),
        ("jira", "https://desk.example/jira", "https://desk.example/jira..;/secure/attachment/7/a.log"),
        ("jira", jira, "https://acme.atlassian.net/rest/api/3/attachment/content/7/../../../myself"),
        ("zendesk", "https://a.zendesk.com", "https://a.zendesk.com/api/v2/users.json"),
        ("zendesk", "https://a.zendesk.com", "https://a.zendesk.com/attachments/token/"),
        ("slack", "https://slack.com/api", "https://slack.com/api/conversations.history"),
        ("slack", "https://slack.com/api", "https://files.slack.com/files-pri/"),
    ] {
        assert!(!is(system, base, url), "{url}");
    }
    let whole = FileLocation::of(
        source("jira").unwrap(),
        jira,
        "https://acme.atlassian.net/rest/api/3/attachment/content/7#x",
    )
    .unwrap();
    assert_eq!(
        whole.url.as_str(),
        "https://acme.atlassian.net/rest/api/3/attachment/content/7?redirect=false"
    );
}

#[test]
fn a_redirect_is_followed_to_the_systems_store_only() {
    let zendesk = "https://acme.zendesk.com";
    let place =
        FileLocation::of(source("zendesk").unwrap(), zendesk, "https://acme.zendesk.com/attachments/token/x")
            .unwrap();
    assert!(place.store("https://p16.zdusercontent.com/attachment/1?token=x").is_ok());
    for to in [
        "http://p16.zdusercontent.com/x",
        "https://p16.zdusercontent.com:8443/x",
        "https://zdusercontent.com.evil.example/x",
        "https://evilzdusercontent.com/x",
        "https://a@p16.zdusercontent.com/x",
        "https://objects.githubusercontent.com/x",
        "http://169.254.169.254/",
        "/elsewhere",
    ] {
        assert!(place.store(to).is_err(), "{to}");
    }
    let other = FileLocation::of(
        source("zendesk").unwrap(),
        "https://desk.example",
        "https://desk.example/attachments/token/x",
    )
    .unwrap();
    assert!(other.store("https://p16.zdusercontent.com/x").is_err(), "not of their own cloud");
}

/// How many bytes a scan of a text examines, and how many links it finds.
fn scanned(text: &str) -> (usize, usize) {
    let mut links = MarkdownLinks::of(text);
    let found = links.by_ref().count();
    (links.looked_at, found)
}

#[test]
fn a_text_full_of_openings_is_gone_through_once() {
    for opening in [
        "](https://",
        "](",
        "[](https://",
        "[x](https://a ",
        "[",
        "]",
        "](https://x)",
        "[[[](((",
        "(",
        "é](é",
    ] {
        let (once, _) = scanned(&opening.repeat(200));
        let (four_times, _) = scanned(&opening.repeat(800));
        assert!(
            four_times <= 4 * (once + opening.len()),
            "{opening:?}: {once} bytes, and {four_times} of a text four times as long"
        );
        assert!(once <= 2 * opening.len() * 200, "{opening:?}: {once}");
        // Beyond the limit no further link is examined, however many there are.
        let (work, found) = scanned(&opening.repeat(40_000));
        assert!(found <= MOST_LINKS && work <= 2 * opening.len() * 40_000, "{opening:?}: {found}, {work}");
    }
    let links: Vec<_> = MarkdownLinks::of("see [a](b), ![c d](e\n[f] (g) [h](i").collect();
    assert_eq!(links, [("a", "b"), ("c d", "e"), ("h", "i")]);
}

#[test]
fn no_more_files_are_gathered_than_are_taken() {
    let pulled = |count: usize| {
        let mut pulled = 0;
        let file = |at: usize| RemoteFile {
            url: format!("https://x/{at}"),
            name: String::new(),
            media_type: String::new(),
        };
        let found = once((0..count).map(file).inspect(|_| pulled += 1));
        assert_eq!(found.len(), MOST);
        pulled
    };
    assert_eq!((pulled(100), pulled(400)), (MOST, MOST));
}
