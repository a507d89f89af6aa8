/*!
Files that people attached to an issue; only the text of the issue names them.
*/

use millwright_model::RemoteFile;
use reqwest::Url;
use serde_json::Value;

use super::GitHubIntegration;
use crate::attachments::{AttachmentSource, MOST_LINKS, is_number, is_short, once, words};

/// The address of a file attached to an issue: `/user-attachments/files/ID/NAME`, and before 2024
/// `/OWNER/REPOSITORY/files/ID/NAME`.
#[derive(Debug, PartialEq, Eq)]
struct IssueFile<'u> {
    /// Owner and name of the repository, if the address contains them.
    repository: Option<(&'u str, &'u str)>,
    name: &'u str,
}

impl<'u> IssueFile<'u> {
    fn of(url: &'u Url) -> Option<Self> {
        let parts: Vec<&str> = url.path().split('/').skip(1).collect();
        let (repository, id, name) = match *parts.as_slice() {
            ["user-attachments", "files", id, name] => (None, id, name),
            [owner, repository, "files", id, name] => (Some((owner, repository)), id, name),
            _ => return None,
        };
        (is_number(id) && !name.is_empty() && url.query().is_none()).then_some(Self { repository, name })
    }
}

impl AttachmentSource for GitHubIntegration {
    fn named_in(&self, payload: &Value) -> Vec<RemoteFile> {
        let repository = payload.pointer("/repository/full_name").and_then(Value::as_str);
        let text = payload.pointer("/issue/body").and_then(Value::as_str).unwrap_or_default();
        let urls = words(text).filter(|word| word.starts_with("https://") || word.starts_with("http://"));
        once(urls.take(MOST_LINKS).filter(|url| is_short(url)).filter_map(|url| {
            let parsed = Url::parse(url).ok()?;
            let file = IssueFile::of(&parsed)?;
            // The author of this issue may not be allowed to read a file of another repository.
            let is_own = |(owner, name): (&str, &str)| {
                repository.is_some_and(|own| own.eq_ignore_ascii_case(&format!("{owner}/{name}")))
            };
            file.repository.is_none_or(is_own).then(|| RemoteFile {
                url: url.to_owned(),
                name: file.name.chars().take(200).collect(),
                media_type: String::new(),
            })
        }))
    }

    /// The API lies below a path of its own; the files do not.
    fn is_attachment(&self, _: &[&str], url: &Url) -> bool {
        IssueFile::of(url).is_some()
    }

    fn sisters(&self) -> &'static [(&'static str, &'static str)] {
        &[("api.github.com", "github.com")]
    }

    fn stores(&self) -> &'static [(&'static str, &'static str)] {
        &[("github.com", ".githubusercontent.com")]
    }

    /// An address in the common folder does not say which repository owns the file, and everyone may read files of public
    /// repositories.
    fn is_told_the_token(&self, url: &Url) -> bool {
        IssueFile::of(url).is_some_and(|file| file.repository.is_some())
    }
}
