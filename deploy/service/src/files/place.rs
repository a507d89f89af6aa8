/*!
Where a file may be fetched from. A ticket's author chooses what it says, so an address is only as good as its host: that of
the connector, or the one that the same company serves its files from.
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
        url.set_fragment(None);
        // Jira leads elsewhere unless asked for the bytes.
        if system == "jira" && url.path().contains("/attachment/content/") {
            url.set_query(Some("redirect=false"));
        }
        Ok(Self { url, system: system.to_owned() })
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
        assert!(is("jira", jira, "https://acme.atlassian.net:443/secure/a.log"));
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
            Place::of("zendesk", "https://desk.example", "https://desk.example/attachments/x").unwrap();
        assert!(other.store("https://p16.zdusercontent.com/x").is_err(), "not of their own cloud");
    }
}
