/*!
Where a file may be fetched from. A ticket's author chooses what it says, so that nothing but the paths that a system
documents for attachments is asked for with our token, on the host of the connector or the one that the same company serves
its files from. Everything else there may be the author's to name and not to read.
*/

use reqwest::Url;

/// Hosts besides a connector's own: of the system, whose API is at this host, files are at that one.
const SISTERS: &[(&str, &str, &str)] =
    &[("github", "api.github.com", "github.com"), ("slack", "slack.com", "files.slack.com")];
/// Where systems lead to for the bytes, by addresses that are signed and expire; their own hosts' ends, and the stores'.
const STORES: &[(&str, &str, &str)] = &[
    ("github", "github.com", ".githubusercontent.com"),
    ("jira", ".atlassian.net", ".media.atlassian.com"),
    ("zendesk", ".zendesk.com", ".zdusercontent.com"),
];

/// Whether an address is one that the system gives to attachments.
///
/// - GitHub: `/user-attachments/files/ID/NAME`, and before 2024 `/OWNER/REPOSITORY/files/ID/NAME`
/// - Jira: `/rest/api/VERSION/attachment/content/ID`, `/secure/attachment/ID/NAME`
/// - Zendesk: `/attachments/token/TOKEN/…`
/// - Slack: `/files-pri/TEAM-FILE/…`
fn is_attachment(system: &str, base: &str, url: &Url) -> bool {
    let path = url.path();
    let lowered = path.to_ascii_lowercase();
    // What is decoded once more behind our back could be another path.
    if ["%2f", "%5c", "%2e", "//", "\\", ";"].iter().any(|odd| lowered.contains(odd)) {
        return false;
    }
    // Jira may lie below a path of its own; GitHub's API does, its files do not.
    let below = match system {
        "github" => Some(path),
        _ => path.strip_prefix(base.trim_end_matches('/')).filter(|below| below.starts_with('/')),
    };
    let parts: Vec<&str> = below.unwrap_or_default().split('/').skip(1).collect();
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match (system, parts.as_slice()) {
        ("github", ["user-attachments", "files", id, name] | [_, _, "files", id, name]) => {
            number(id) && !name.is_empty() && url.query().is_none()
        }
        ("jira", ["rest", "api", "2" | "3" | "latest", "attachment", "content", id]) => number(id),
        ("jira", ["secure", "attachment", id, name]) => number(id) && !name.is_empty(),
        ("zendesk", ["attachments", "token", token, ..]) => !token.is_empty(),
        // Its API is at slack.com/api, its files are not below that.
        ("slack", _) => matches!(
            path.split('/').skip(1).collect::<Vec<_>>().as_slice(),
            ["files-pri", file, .., name] if !file.is_empty() && !name.is_empty()
        ),
        _ => false,
    }
}

/// A file that may be asked for.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) url: Url,
    system: String,
}

impl Place {
    /// The address of a file, if its host may be told the credentials of the system at `base`.
    pub(super) fn of(system: &str, base: &str, address: &str) -> Result<Self, &'static str> {
        let parse = |text: &str| Url::parse(text).map_err(|_| "its address cannot be read");
        let (base, mut url) = (parse(base)?, parse(address)?);
        if !url.username().is_empty() || url.password().is_some() {
            return Err("its address holds credentials");
        }
        let own = url.scheme() == base.scheme()
            && url.host_str().is_some()
            && url.host_str() == base.host_str()
            && url.port_or_known_default() == base.port_or_known_default();
        let is = |url: &Url, host: &str| {
            url.scheme() == "https" && url.port().is_none() && url.host_str() == Some(host)
        };
        let sister =
            SISTERS.iter().any(|(of, api, files)| *of == system && is(&base, api) && is(&url, files));
        if !own && !sister {
            return Err("it lies on another host than its system");
        }
        if !is_attachment(system, base.path(), &url) {
            return Err("it is no address of an attachment");
        }
        url.set_fragment(None);
        // Jira leads elsewhere unless asked for the bytes.
        if system == "jira" && url.path().contains("/attachment/content/") {
            url.set_query(Some("redirect=false"));
        }
        Ok(Self { url, system: system.to_owned() })
    }

    /// Whether our token is told. GitHub's common folder does not say whose file it is, and everybody may read those of public
    /// repositories.
    pub(super) fn is_told_the_token(&self) -> bool {
        !(self.system == "github" && self.url.path().starts_with("/user-attachments/"))
    }

    /// Where it leads to, if that is where the system keeps its files.
    pub(super) fn store(&self, target: &str) -> Result<Url, &'static str> {
        let to = self.url.join(target).map_err(|_| "it leads to an address that cannot be read")?;
        let ends = |url: &Url, end: &str| {
            url.host_str().is_some_and(|host| host == end || (end.starts_with('.') && host.ends_with(end)))
        };
        let known = STORES.iter().any(|(of, own, store)| {
            *of == self.system
                && ends(&self.url, own)
                && to.scheme() == "https"
                && to.port().is_none()
                && ends(&to, store)
        });
        match known && to.username().is_empty() && to.password().is_none() {
            true => Ok(to),
            false => Err("it leads to another host than its system"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_systems_own_host_is_asked() {
        let is = |system, base, url| Place::of(system, base, url).is_ok();
        let jira = "https://acme.atlassian.net";
        assert!(is("jira", jira, "https://acme.atlassian.net/rest/api/3/attachment/content/7"));
        assert!(is("jira", jira, "https://acme.atlassian.net:443/secure/attachment/7/a.log"));
        assert!(is(
            "jira",
            "https://desk.example/jira",
            "https://desk.example/jira/secure/attachment/7/a.log"
        ));
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
        assert!(is(
            "github",
            "https://ghe.example/api/v3",
            "https://ghe.example/user-attachments/files/1/a.log"
        ));
        assert!(!is(
            "github",
            "https://ghe.example/api/v3",
            "https://github.com/user-attachments/files/1/a.log"
        ));
        // Paths of the system that are no attachments: the token would read what the author may not.
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
            (
                "jira",
                "https://desk.example/jira",
                "https://desk.example/jira-other/secure/attachment/7/a.log",
            ),
            ("jira", "https://desk.example/jira", "https://desk.example/jira..;/secure/attachment/7/a.log"),
            ("jira", jira, "https://acme.atlassian.net/rest/api/3/attachment/content/7/../../../myself"),
            ("zendesk", "https://a.zendesk.com", "https://a.zendesk.com/api/v2/users.json"),
            ("zendesk", "https://a.zendesk.com", "https://a.zendesk.com/attachments/token/"),
            ("slack", "https://slack.com/api", "https://slack.com/api/conversations.history"),
            ("slack", "https://slack.com/api", "https://files.slack.com/files-pri/"),
        ] {
            assert!(!is(system, base, url), "{url}");
        }
        let whole =
            Place::of("jira", jira, "https://acme.atlassian.net/rest/api/3/attachment/content/7#x").unwrap();
        assert_eq!(
            whole.url.as_str(),
            "https://acme.atlassian.net/rest/api/3/attachment/content/7?redirect=false"
        );
    }

    #[test]
    fn a_redirect_is_followed_to_the_systems_store_only() {
        let zendesk = "https://acme.zendesk.com";
        let place = Place::of("zendesk", zendesk, "https://acme.zendesk.com/attachments/token/x").unwrap();
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
        let other =
            Place::of("zendesk", "https://desk.example", "https://desk.example/attachments/token/x").unwrap();
        assert!(other.store("https://p16.zdusercontent.com/x").is_err(), "not of their own cloud");
    }
}
