/*!
Files of tickets and their comments: `/attachments/token/TOKEN/…`.
*/

use millwright_model::RemoteFile;
use reqwest::Url;
use serde_json::Value;

use super::ZendeskIntegration;
use crate::attachments::{AttachmentSource, file, list};

impl AttachmentSource for ZendeskIntegration {
    fn named_in(&self, payload: &Value) -> Vec<RemoteFile> {
        ["/detail/attachments", "/event/attachments", "/event/comment/attachments"]
            .into_iter()
            .flat_map(|pointer| list(payload, pointer))
            .filter_map(|one| file(one, &["content_url"], &["filename", "file_name"], &["content_type"]))
            .collect()
    }

    fn is_attachment(&self, below: &[&str], _: &Url) -> bool {
        matches!(below, ["attachments", "token", token, ..] if !token.is_empty())
    }

    fn stores(&self) -> &'static [(&'static str, &'static str)] {
        &[(".zendesk.com", ".zdusercontent.com")]
    }
}
