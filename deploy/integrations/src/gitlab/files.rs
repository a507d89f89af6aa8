/*!
Files that were dropped into an issue. They stand in its text as `/uploads/SECRET/NAME`, which belongs to the issue's own
project, and are asked for by the path of the API alone.
*/

use millwright_model::RemoteFile;
use reqwest::Url;
use serde_json::Value;

use super::GitLabIntegration;
use crate::attachments::{AttachmentSource, MOST_LINKS, is_number, is_short, once, words};

/// Where the API has the projects.
const PROJECTS: &str = "/api/v4/projects/";

impl AttachmentSource for GitLabIntegration {
    fn named_in(&self, payload: &Value) -> Vec<RemoteFile> {
        let project = payload.pointer("/project/id").and_then(Value::as_u64);
        let text = payload.pointer("/object_attributes/description").and_then(Value::as_str);
        let (Some(project), Some(text)) = (project, text) else { return Vec::new() };
        let uploads = words(text).filter_map(|word| word.strip_prefix("/uploads/")).take(MOST_LINKS);
        once(uploads.filter(|upload| is_short(upload)).filter_map(|upload| {
            let (secret, name) = upload.split_once('/')?;
            let url = format!("{PROJECTS}{project}/uploads/{secret}/{name}");
            (is_secret(secret) && is_name(name) && is_short(&url)).then(|| RemoteFile {
                url,
                name: name.chars().take(200).collect(),
                media_type: String::new(),
            })
        }))
    }

    /// Deliveries name no host.
    fn resolve(&self, base: &str, address: &str) -> Option<String> {
        address.starts_with(PROJECTS).then(|| format!("{}{address}", base.trim_end_matches('/')))
    }

    fn is_attachment(&self, below: &[&str], url: &Url) -> bool {
        let is_upload = match below {
            ["api", "v4", "projects", project, "uploads", secret, name] => {
                is_number(project) && is_secret(secret) && !name.is_empty()
            }
            _ => false,
        };
        is_upload && url.query().is_none()
    }
}

/// The part of an upload's address that nobody guesses: 32 hexadecimal digits.
fn is_secret(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a text is a name that an upload can have: letters, digits and few signs.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '+');
    !text.is_empty() && text.chars().all(plain) && text.chars().any(|c| c != '.')
}
