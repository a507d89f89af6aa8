/*!
Files attached to a message: `/files-pri/TEAM-FILE/…`.
*/

use millwright_model::RemoteFile;
use reqwest::Url;
use serde_json::Value;

use super::SlackIntegration;
use crate::attachments::{AttachmentSource, file, list};

impl AttachmentSource for SlackIntegration {
    fn named_in(&self, payload: &Value) -> Vec<RemoteFile> {
        list(payload, "/files")
            .filter_map(|one| file(one, &["url_private_download", "url_private"], &["name"], &["mimetype"]))
            .collect()
    }

    /// The API is at slack.com/api; the files are not below that path.
    fn is_attachment(&self, _: &[&str], url: &Url) -> bool {
        let parts: Vec<&str> = url.path().split('/').skip(1).collect();
        matches!(parts.as_slice(), ["files-pri", file, .., name] if !file.is_empty() && !name.is_empty())
    }

    fn sisters(&self) -> &'static [(&'static str, &'static str)] {
        &[("slack.com", "files.slack.com")]
    }
}
