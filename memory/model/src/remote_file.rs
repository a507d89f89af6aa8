/*!
Attachments of tickets and messages before they are fetched.
*/

/// A file as its system describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteFile {
    /// Where its system says that the file is. Nothing has checked this URL yet.
    pub url: String,
    pub name: String,
    /// Empty if the system does not give one.
    pub media_type: String,
}
