/*!
Ids as types, so that a run's id cannot be passed where an incident's id is expected. An id can only be built from
valid text: the prefix of its kind, an underscore, and digits and lower-case letters. Text that a person typed may be
shortened, so it is not an id until the store has resolved it.
*/

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Letters behind the prefix: enough for what any version ever wrote, and no room for a payload.
const MAX_LETTERS: usize = 40;

/// Digits of SHA-1, by which git names objects.
const COMMIT_DIGITS: usize = 40;

/// Other versions and other systems name repositories otherwise than by a root commit.
const MAX_REPOSITORY: usize = 200;

/// Digits of a commit id that people are shown: enough for any repository, few enough to read.
const SHORT_COMMIT: usize = 10;

/// Crockford's base 32: digits and small letters without look-alikes.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Text that is not an id of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the id of {of}: write {form}")]
pub struct InvalidId {
    /// What the id was to name, with its article: `an incident`.
    pub of: &'static str,
    /// What it looks like, in words.
    pub form: String,
    /// The beginning of what was given.
    pub text: String,
}

impl InvalidId {
    fn new(of: &'static str, form: String, text: &str) -> Self {
        Self { of, form, text: text.chars().take(80).collect() }
    }
}

/// What all ids can do; the types themselves say what they name.
pub trait TextId: Sized + AsRef<str> + TryFrom<String, Error = InvalidId> {
    /// What it names: `incident`.
    const NAMES: &'static str;
    const PREFIX: &'static str;

    /// The id of so many bits in 26 letters. The highest 48 are milliseconds since 1970 where ids are to sort by time.
    fn from_bits(bits: u128) -> Self;
}

/// What is the same for every id that is text: it is made by `parse` alone, and read as the text that it is.
macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident, $pattern:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        /// As text in quotes: in messages it reads as the text that it is.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<String> for $name {
            fn eq(&self, other: &String) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }

        impl PartialEq<$name> for String {
            fn eq(&self, other: &$name) -> bool {
                **self == *other.0
            }
        }

        impl PartialEq<$name> for &str {
            fn eq(&self, other: &$name) -> bool {
                **self == *other.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(D::Error::custom)
            }
        }

        /// A string of a known form on every wire.
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}

/// `Name("prefix", "an x", "x")`; a second prefix is one that is read, but not made.
macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident($prefix:literal $(or $read:literal)?, $of:literal, $names:literal);)*) => {$(
        text_newtype! {
            $(#[$doc])*
            $name, format!("^({})_[0-9a-z]{{1,{MAX_LETTERS}}}$", concat!($prefix $(, "|", $read)?))
        }

        impl $name {
            /// # Errors
            /// When the text is not an id of this kind.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                if is_valid($prefix, text) $(|| is_valid($read, text))? {
                    return Ok(Self(text.into()));
                }
                let form = format!("`{}_` and 1 to {MAX_LETTERS} digits or small letters", $prefix);
                Err(InvalidId::new($of, form, text))
            }

            /// The id of so many bits in 26 letters; sorts by them.
            pub fn from_bits(bits: u128) -> Self {
                Self(format!("{}_{}", $prefix, letters(bits)).into())
            }
        }

        impl TextId for $name {
            const NAMES: &'static str = $names;
            const PREFIX: &'static str = $prefix;

            fn from_bits(bits: u128) -> Self {
                Self::from_bits(bits)
            }
        }
    )*};
}

text_ids! {
    /// Sorts by when the incident was made here, or happened where it was taken over from elsewhere.
    IncidentId("inc", "an incident", "incident");
    /// One investigation of an incident.
    RunId("run", "a run", "run");
    /// Reports of runs go by the run's id.
    ReportId("rep" or "run", "a report", "report");
    ResolutionId("res", "a resolution", "resolution");
    /// Incidents of one problem are recurrences of each other.
    ProblemId("prb", "a problem", "problem");
    /// Something that was said to an incident, or an answer of ours.
    MessageId("msg", "a message", "message");
    JobId("job", "a job", "job");
    /// A note in another system; it also marks the note there.
    NoteId("note", "a note", "note");
    /// A file that hangs on a ticket in its system.
    FileId("file", "a file", "file");
    /// Of a deployment that was told of.
    DeploymentId("dep", "a deployment", "deployment");
    /// Of a delivery that brought no id of its own.
    DeliveryId("del", "a delivery", "delivery");
    AuditId("aud", "an audit entry", "audit entry");
    EvaluationId("evl", "an evaluation", "evaluation");
}

impl From<&RunId> for ReportId {
    fn from(run: &RunId) -> Self {
        Self(run.0.clone())
    }
}

impl ReportId {
    /// Of the one report that an incident gets where nothing was run for it.
    pub fn of_incident(incident: &IncidentId) -> Self {
        let letters = incident.as_str().trim_start_matches(IncidentId::PREFIX);
        Self(format!("{}{letters}", Self::PREFIX).into())
    }
}

text_newtype! {
    /// A commit of a repository, by its whole id: 40 hexadecimal digits in small letters. What a person typed for one (a
    /// branch, a tag, some digits) is a revision until the repository has found its commit.
    CommitId, format!("^[0-9a-f]{{{COMMIT_DIGITS}}}$")
}

impl CommitId {
    /// # Errors
    /// When the text is not 40 hexadecimal digits in small letters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == COMMIT_DIGITS && text.bytes().all(is_digit) {
            return Ok(Self(text.into()));
        }
        let form = format!("{COMMIT_DIGITS} hexadecimal digits in small letters");
        Err(InvalidId::new("a commit", form, text))
    }

    /// Of an object's binary name.
    pub fn from_bytes(bytes: &[u8; COMMIT_DIGITS / 2]) -> Self {
        Self(hex::encode(bytes).into())
    }

    /// As git names the object in binary; turns [`CommitId::from_bytes`] around.
    pub fn to_bytes(&self) -> [u8; COMMIT_DIGITS / 2] {
        let mut bytes = [0; COMMIT_DIGITS / 2];
        // Valid text has an even number of digits, and enough of them, so this cannot fail.
        let _ = hex::decode_to_slice(self.as_str(), &mut bytes);
        bytes
    }

    /// Its first digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..SHORT_COMMIT).unwrap_or(&self.0)
    }
}

text_newtype! {
    /// What stays the same over all clones of one repository, so that memory does not mix code bases. What the
    /// configuration calls it is its [`crate::RepositoryName`].
    RepositoryId, format!("^[!-~]{{1,{MAX_REPOSITORY}}}$")
}

impl RepositoryId {
    /// # Errors
    /// When the text is empty, too long, or holds blanks, control characters or anything beyond ASCII.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        if (1..=MAX_REPOSITORY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(text.into()));
        }
        let form = format!("1 to {MAX_REPOSITORY} ASCII characters without blanks");
        Err(InvalidId::new("a repository", form, text))
    }
}

impl From<CommitId> for RepositoryId {
    fn from(root: CommitId) -> Self {
        Self(root.0)
    }
}

/// Reads an id from a field that other versions or other systems leave blank; a blank one is `None`.
///
/// # Errors
/// When the text is neither blank nor an id.
pub fn id_or_blank<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = InvalidId>,
{
    let text = Option::<Cow<'_, str>>::deserialize(deserializer)?.filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

/// A function that takes a revision also takes a commit.
impl Deref for CommitId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

fn is_valid(prefix: &str, text: &str) -> bool {
    let Some(letters) = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')) else {
        return false;
    };
    (1..=MAX_LETTERS).contains(&letters.len())
        && letters.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

fn letters(bits: u128) -> String {
    let letter = |i: u32| {
        let digit = usize::try_from((bits >> (5 * i)) & 31).unwrap_or_default();
        char::from(ALPHABET.get(digit).copied().unwrap_or(b'0'))
    };
    (0..26).rev().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_text_becomes_an_id_of_its_kind() {
        for text in ["inc_01m8mx80fmeeh9gfhk7gmf6785", "inc_1", "inc_0199c2f4d1d27a10b3d7a7e6d6f4d3a1"] {
            assert_eq!(IncidentId::parse(text).unwrap(), text);
        }
        let long = format!("inc_{}", "0".repeat(MAX_LETTERS + 1));
        for text in
            ["", "inc", "inc_", "run_1", "INC_1", "inc_A", "inc_1 ", "inc_../..", "inc_1\n", "inc-1", &long]
        {
            assert!(IncidentId::parse(text).is_err(), "{text}");
        }
        let wrong = RunId::parse("inc_1").unwrap_err().to_string();
        assert_eq!(
            wrong,
            "\"inc_1\" is not the id of a run: write `run_` and 1 to 40 digits or small letters"
        );
    }

    #[test]
    fn a_commit_is_its_whole_id_and_nothing_shorter() {
        let whole = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(CommitId::parse(whole).unwrap().short(), "0123456789");
        for text in
            ["", "HEAD", &whole[1..], &whole.to_uppercase(), &format!("{whole}\n"), &whole.replace('0', "g")]
        {
            assert!(CommitId::parse(text).is_err(), "{text}");
        }
        assert_eq!(CommitId::from_bytes(&CommitId::parse(whole).unwrap().to_bytes()), whole);
        let wrong = CommitId::parse("main").unwrap_err().to_string();
        assert_eq!(wrong, "\"main\" is not the id of a commit: write 40 hexadecimal digits in small letters");
    }

    #[test]
    fn a_repository_is_a_word() {
        for text in ["0123456789abcdef0123456789abcdef01234567", "root:1", "acme/shop"] {
            assert_eq!(RepositoryId::parse(text).unwrap(), text);
        }
        for text in ["", "a b", "a\n", "gr\u{fc}n", &"r".repeat(MAX_REPOSITORY + 1)] {
            assert!(RepositoryId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bits_sort_as_text() {
        let ids: Vec<IncidentId> = [0, 1, 31, 32, 1 << 80, u128::MAX].map(IncidentId::from_bits).into();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| IncidentId::parse(id.as_str()).as_ref() == Ok(id)));
        assert_eq!(ids[3], "inc_00000000000000000000000010");
    }

    #[test]
    fn on_the_wire_an_id_is_its_text_and_nothing_else_is_read() {
        let id: IncidentId = serde_json::from_str("\"inc_1\"").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"inc_1\"");
        let wrong = serde_json::from_str::<IncidentId>("\"../1\"").unwrap_err();
        assert!(wrong.to_string().contains("not the id of an incident"), "{wrong}");
    }
}
