/*!
Files that people attached to an issue. Its text contains them as links to the storage, by ids alone, so the text of a
link is the name of the file.
*/

use millwright_model::RemoteFile;
use reqwest::Url;
use serde_json::Value;

use super::{LinearIntegration, is_id};
use crate::attachments::{AttachmentSource, MarkdownLinks, is_short, once};

impl AttachmentSource for LinearIntegration {
    fn named_in(&self, payload: &Value) -> Vec<RemoteFile> {
        let text = payload.pointer("/data/description").and_then(Value::as_str).unwrap_or_default();
        let links = MarkdownLinks::of(text).filter(|(_, url)| url.starts_with("https://") && is_short(url));
        let links = links.filter_map(|(name, url)| {
            let parsed = Url::parse(url).ok().filter(is_stored)?;
            (parsed.query().is_none() && parsed.fragment().is_none()).then(|| RemoteFile {
                url: url.to_owned(),
                name: name.chars().filter(|c| !c.is_control()).take(200).collect(),
                media_type: String::new(),
            })
        });
        once(links)
    }

    /// The storage has only ids, and is not below the path of the API.
    fn is_attachment(&self, _: &[&str], url: &Url) -> bool {
        is_stored(url) && url.query().is_none()
    }

    fn sisters(&self) -> &'static [(&'static str, &'static str)] {
        &[("api.linear.app", "uploads.linear.app")]
    }
}

/// Whether a path is a path of the storage: the ids of the workspace, the file, and its version.
fn is_stored(url: &Url) -> bool {
    let parts: Vec<&str> = url.path().split('/').skip(1).collect();
    (2..=3).contains(&parts.len()) && parts.iter().all(|part| is_id(part))
}
