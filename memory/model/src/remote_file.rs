/*!
Attachments of tickets and messages before they are fetched.
*/

/// A file as its system names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteFile {
    /// Where its system says that it is; nothing is known of that yet.
    pub url: String,
    pub name: String,
    /// Empty where the system does not tell.
    pub media_type: String,
}
