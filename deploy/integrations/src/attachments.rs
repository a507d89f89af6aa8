/*!
Attachments of tickets and messages. A delivery only names them, and the author of a ticket chooses its text. So the
service sends its token only for the paths that a system documents for attachments, on the host of the connector or on the
host from which the same company serves its files. Any other path there may be one that the author can name but may not
read.
*/

use millwright_model::RemoteFile;
use reqwest::Url;
use serde_json::Value;

/// Most files taken from one ticket.
const MOST: usize = 10;
/// Longest address taken, in bytes.
const MOST_URL: usize = 2_000;
/// Most links of one text that are checked. People who attach files write fewer; a text with more tries to keep the service
/// busy.
pub(crate) const MOST_LINKS: usize = 1_000;

/// Which files the deliveries of a system name, and where the system stores them.
pub trait AttachmentSource: Send + Sync {
    /// The files that a payload names. This reads only their names; they are fetched later, and only from allowed addresses.
    fn named_in(&self, payload: &Value) -> Vec<RemoteFile>;

    /// The full address of a file, for a system whose deliveries name files without their host.
    fn resolve(&self, _base: &str, _address: &str) -> Option<String> {
        None
    }

    /// Whether an address on one of the system's hosts is an address of attachments. `below` is the path below that of the
    /// API, in segments, if the address lies there.
    fn is_attachment(&self, below: &[&str], url: &Url) -> bool;

    /// Additional hosts: a system whose API is at the first host has its files at the second.
    fn sisters(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The storage hosts to which the system redirects for the bytes, by signed addresses that expire: the suffix of the
    /// system's own hosts, and the suffix of the storage hosts.
    fn stores(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Whether a request to this address carries our token.
    fn is_told_the_token(&self, _url: &Url) -> bool {
        true
    }

    /// Changes the address so that the system answers with the bytes, if it would otherwise answer with something else.
    fn ask_for_bytes(&self, _url: &mut Url) {}
}

/// The files that a payload of a system names, up to the limit for one ticket.
pub fn files_in(source: &dyn AttachmentSource, payload: &Value) -> Vec<RemoteFile> {
    source.named_in(payload).into_iter().take(MOST).collect()
}

/// The objects of a list in a payload.
pub(crate) fn list<'v>(payload: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    payload.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// A file that an object names under these keys.
pub(crate) fn file(one: &Value, urls: &[&str], names: &[&str], media: &[&str]) -> Option<RemoteFile> {
    let text =
        |keys: &[&str]| keys.iter().find_map(|key| one.get(key)?.as_str().filter(|text| !text.is_empty()));
    let url = text(urls).filter(|url| is_short(url))?;
    let short =
        |text: Option<&str>| text.unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
    Some(RemoteFile { url: url.to_owned(), name: short(text(names)), media_type: short(text(media)) })
}

/// Whether an address is short enough to be stored.
pub(crate) fn is_short(url: &str) -> bool {
    url.len() <= MOST_URL
}

/// Words of a text that may be addresses: the text between blanks, brackets and quotes.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '<' | '>' | '[' | ']' | '"' | '\'');
    text.split(is_end)
}

/// Names and addresses of the links in a Markdown text, as `[NAME](ADDRESS)`. Each search starts after the link before, so
/// that a text of only opening brackets takes no longer than any other text of its length.
pub(crate) struct MarkdownLinks<'t> {
    rest: &'t str,
    links_left: usize,
    /// Bytes examined, counted each time: the measure of the work.
    looked_at: usize,
}

impl<'t> MarkdownLinks<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        Self { rest: text, links_left: MOST_LINKS, looked_at: 0 }
    }
}

impl<'t> Iterator for MarkdownLinks<'t> {
    type Item = (&'t str, &'t str);

    fn next(&mut self) -> Option<Self::Item> {
        self.links_left = self.links_left.checked_sub(1)?;
        let Some((before, behind)) = self.rest.split_once("](") else {
            self.looked_at += self.rest.len();
            self.rest = "";
            return None;
        };
        let address = behind.split([')', '(', '[', ']', ' ', '\n']).next().unwrap_or_default();
        self.looked_at += 2 * before.len() + 2 + address.len();
        self.rest = &behind[address.len()..];
        Some((before.rsplit_once('[').map_or("", |(_, name)| name), address))
    }
}

/// Each file once, in the order in which they were named, up to the limit for one ticket.
pub(crate) fn once(files: impl Iterator<Item = RemoteFile>) -> Vec<RemoteFile> {
    let mut found: Vec<RemoteFile> = Vec::new();
    for file in files {
        if !found.iter().any(|other| other.url == file.url) {
            found.push(file);
        }
        // Every file is compared with all found so far, so the number of comparisons needs this limit.
        if found.len() == MOST {
            break;
        }
    }
    found
}

pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a path is plain: no server could decode it once more and get another path.
fn is_plain(url: &Url) -> bool {
    let lowered = url.path().to_ascii_lowercase();
    !["%2f", "%5c", "%2e", "//", "\\", ";"].iter().any(|odd| lowered.contains(odd))
}

/// A file that may be fetched.
pub struct FileLocation<'s> {
    pub url: Url,
    source: &'s dyn AttachmentSource,
}

impl<'s> FileLocation<'s> {
    /// The address of a file, if its host may receive the credentials of the system at `base`.
    ///
    /// # Errors
    /// Why the file is not fetched.
    pub fn of(source: &'s dyn AttachmentSource, base: &str, address: &str) -> Result<Self, &'static str> {
        let parse = |text: &str| Url::parse(text).map_err(|_| "its address cannot be read");
        let whole = source.resolve(base, address);
        let (base, mut url) = (parse(base)?, parse(whole.as_deref().unwrap_or(address))?);
        if !url.username().is_empty() || url.password().is_some() {
            return Err("its address contains credentials");
        }
        let own = url.scheme() == base.scheme()
            && url.host_str().is_some()
            && url.host_str() == base.host_str()
            && url.port_or_known_default() == base.port_or_known_default();
        let is = |url: &Url, host: &str| {
            url.scheme() == "https" && url.port().is_none() && url.host_str() == Some(host)
        };
        let sister = source.sisters().iter().any(|(api, files)| is(&base, api) && is(&url, files));
        if !own && !sister {
            return Err("it is on a different host than its system");
        }
        // An API may lie below a path of its own; paths beside it do not belong to the system.
        let root = base.path().trim_end_matches('/');
        let below = url.path().strip_prefix(root).filter(|below| below.starts_with('/'));
        let parts: Vec<&str> = below.unwrap_or_default().split('/').skip(1).collect();
        if !is_plain(&url) || !source.is_attachment(&parts, &url) {
            return Err("it is not the address of an attachment");
        }
        url.set_fragment(None);
        source.ask_for_bytes(&mut url);
        Ok(Self { url, source })
    }

    /// Whether the request carries our token.
    pub fn is_told_the_token(&self) -> bool {
        self.source.is_told_the_token(&self.url)
    }

    /// The redirect target, if the system keeps its files there.
    ///
    /// # Errors
    /// Why the redirect is not followed.
    pub fn store(&self, target: &str) -> Result<Url, &'static str> {
        let to = self.url.join(target).map_err(|_| "it redirects to an address that cannot be read")?;
        let ends = |url: &Url, end: &str| {
            url.host_str().is_some_and(|host| host == end || (end.starts_with('.') && host.ends_with(end)))
        };
        let known = self.source.stores().iter().any(|(own, store)| {
            ends(&self.url, own) && to.scheme() == "https" && to.port().is_none() && ends(&to, store)
        });
        match known && to.username().is_empty() && to.password().is_none() {
            true => Ok(to),
            false => Err("it redirects to a different host than its system"),
        }
    }
}

#[cfg(test)]
#[path = "attachments_tests.rs"]
mod tests;
