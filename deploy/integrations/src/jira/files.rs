/*!
Files of issues: `/rest/api/VERSION/attachment/content/ID` and `/secure/attachment/ID/NAME`.
*/

use millwright_model::RemoteFile;
use reqwest::Url;
use serde_json::Value;

use super::JiraIntegration;
use crate::attachments::{AttachmentSource, file, is_number, list};

impl AttachmentSource for JiraIntegration {
    fn named_in(&self, payload: &Value) -> Vec<RemoteFile> {
        list(payload, "/issue/fields/attachment")
            .filter_map(|one| file(one, &["content"], &["filename"], &["mimeType"]))
            .collect()
    }

    fn is_attachment(&self, below: &[&str], _: &Url) -> bool {
        match below {
            ["rest", "api", "2" | "3" | "latest", "attachment", "content", id] => is_number(id),
            ["secure", "attachment", id, name] => is_number(id) && !name.is_empty(),
            _ => false,
        }
    }

    fn stores(&self) -> &'static [(&'static str, &'static str)] {
        &[(".atlassian.net", ".media.atlassian.com")]
    }

    fn ask_for_bytes(&self, url: &mut Url) {
        if url.path().contains("/attachment/content/") {
            url.set_query(Some("redirect=false"));
        }
    }
}
