/*!
Which files a delivery names, one shape a system. Only names are read here; what lies behind them is fetched later, and
only where it may be.
*/

use millwright_memory::store::RemoteFile;
use reqwest::Url;
use serde_json::Value;

/// Files taken of one ticket.
const MOST: usize = 10;
/// Longest address taken, in bytes.
const MOST_URL: usize = 2_000;

/// The files that a payload of this system names.
pub(crate) fn in_payload(system: &str, payload: &Value) -> Vec<RemoteFile> {
    let list = |pointer: &str| payload.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let files: Vec<RemoteFile> = match system {
        "jira" => list("/issue/fields/attachment")
            .filter_map(|one| file(one, &["content"], &["filename"], &["mimeType"]))
            .collect(),
        "zendesk" => ["/detail/attachments", "/event/attachments", "/event/comment/attachments"]
            .into_iter()
            .flat_map(list)
            .filter_map(|one| file(one, &["content_url"], &["filename", "file_name"], &["content_type"]))
            .collect(),
        "slack" => list("/files")
            .filter_map(|one| file(one, &["url_private_download", "url_private"], &["name"], &["mimetype"]))
            .collect(),
        // GitHub names the files of an issue in its text only.
        "github" => {
            let repository = payload.pointer("/repository/full_name").and_then(Value::as_str);
            let text = payload.pointer("/issue/body").and_then(Value::as_str);
            text.map(|text| in_text(text, repository)).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    files.into_iter().take(MOST).collect()
}

fn file(one: &Value, urls: &[&str], names: &[&str], media: &[&str]) -> Option<RemoteFile> {
    let text =
        |keys: &[&str]| keys.iter().find_map(|key| one.get(key)?.as_str().filter(|text| !text.is_empty()));
    let url = text(urls).filter(|url| url.len() <= MOST_URL)?;
    let short =
        |text: Option<&str>| text.unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
    Some(RemoteFile { url: url.to_owned(), name: short(text(names)), media_type: short(text(media)) })
}

/// Links of the forms that GitHub makes of a file that is dropped into an issue of this repository:
/// `/user-attachments/files/NUMBER/NAME`, and before 2024 `/OWNER/REPOSITORY/files/NUMBER/NAME`.
fn in_text(text: &str, repository: Option<&str>) -> Vec<RemoteFile> {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '<' | '>' | '[' | ']' | '"' | '\'');
    let words = text.split(is_end).filter(|word| word.starts_with("https://") || word.starts_with("http://"));
    let files = words.filter_map(|url| {
        let parsed = Url::parse(url).ok().filter(|parsed| parsed.query().is_none())?;
        let parts: Vec<&str> = parsed.path().split('/').skip(1).collect();
        let (number, name) = match parts.as_slice() {
            ["user-attachments", "files", number, name] => (*number, *name),
            // A file of another repository is not for this author to read.
            [owner, name_of, "files", number, name]
                if repository.is_some_and(|own| own.eq_ignore_ascii_case(&format!("{owner}/{name_of}"))) =>
            {
                (*number, *name)
            }
            _ => return None,
        };
        let plain = !name.is_empty() && !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit());
        (plain && url.len() <= MOST_URL).then(|| RemoteFile {
            url: url.to_owned(),
            name: name.chars().take(200).collect(),
            media_type: String::new(),
        })
    });
    let mut found: Vec<RemoteFile> = Vec::new();
    for file in files {
        if !found.contains(&file) {
            found.push(file);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_system_names_its_files_in_its_own_way() {
        let names = |system, payload: &Value| {
            let files = in_payload(system, payload).into_iter();
            files.map(|file| format!("{} {} {}", file.url, file.name, file.media_type)).collect::<Vec<_>>()
        };
        let jira = json!({ "issue": { "fields": { "attachment": [
            { "content": "https://a.atlassian.net/rest/api/3/attachment/content/7", "filename": "app.log", "mimeType": "text/plain" },
            { "filename": "without.txt" }, 7, null,
        ] } } });
        assert_eq!(
            names("jira", &jira),
            ["https://a.atlassian.net/rest/api/3/attachment/content/7 app.log text/plain"]
        );
        let zendesk = json!({ "event": { "comment": { "attachments": [
            { "content_url": "https://a.zendesk.com/attachments/token/x/?name=a", "filename": "a", "content_type": "text/plain" } ] } } });
        assert_eq!(
            names("zendesk", &zendesk),
            ["https://a.zendesk.com/attachments/token/x/?name=a a text/plain"]
        );
        let slack = json!({ "files": [{ "url_private": "https://files.slack.com/files-pri/T1-F1/a", "name": "a\nb" }] });
        assert_eq!(names("slack", &slack), ["https://files.slack.com/files-pri/T1-F1/a ab "]);
        let github = json!({ "issue": { "body":
            "see [app.log](https://github.com/user-attachments/files/12/app.log), again\nhttps://github.com/user-attachments/files/12/app.log \
             and https://github.com/acme/calc/files/x/no and https://github.com/a/b" } });
        assert_eq!(
            names("github", &github),
            ["https://github.com/user-attachments/files/12/app.log app.log "]
        );
        let own = json!({ "repository": { "full_name": "Acme/calc" }, "issue": { "body":
            "https://github.com/acme/calc/files/7/a.txt https://github.com/acme/secret/files/8/b.txt \
             https://api.github.com/repos/acme/secret/contents/.env?x=/files/1/c.txt" } });
        assert_eq!(names("github", &own), ["https://github.com/acme/calc/files/7/a.txt a.txt "]);
        assert!(names("generic", &jira).is_empty());
        let many = json!({ "files": vec![json!({ "url_private": "https://x/y" }); 99] });
        assert_eq!(names("slack", &many).len(), MOST);
        let long = json!({ "files": [{ "url_private": "x".repeat(3_000) }] });
        assert!(names("slack", &long).is_empty());
    }
}
