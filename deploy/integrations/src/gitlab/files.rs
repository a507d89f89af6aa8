/*!
Files that people attached to an issue. The text of the issue names them as `/uploads/SECRET/NAME`, which belongs to the
project of the issue; they are fetched only by the path of the API.
*/

use millwright_model::RemoteFile;
use reqwest::Url;
use serde_json::Value;

use super::GitLabIntegration;
use crate::attachments::{AttachmentSource, MOST_LINKS, is_number, is_short, once, words};

/// The path of projects in the API.
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

    /// Deliveries do not name the host.
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

/// Whether this is the secret part of an upload's address: 32 hexadecimal digits.
fn is_secret(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a text can be the name of an upload: letters, digits and a few other characters.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '+');
    !text.is_empty() && text.chars().all(plain) && text.chars().any(|c| c != '.')
}
