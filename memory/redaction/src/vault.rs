/*!
The map between placeholders and originals: the only place that keeps a secret. It has no serialisation and no debug
output, and it is removed with its run.

Originals are sealed with a key that is made for the run, also in memory, so that a core dump, a swapped page or the
run's folder never holds one in the clear. A lookup does not unseal anything: a keyed digest finds the value. A run
that has to survive a restart keeps the sealed map and its key in its own folder, which is removed with the run;
nobody can unseal what is left on a disk afterwards.
*/

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chacha20poly1305::aead::{Aead, Generate, Key, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

/// Distinct values that a redactor numbers; further ones share the placeholder `[KIND_0]`, so that memory stays
/// bounded.
const MAX_VALUES: usize = 200_000;
const NONCE: usize = 24;
/// Largest sealed value that is read back; a larger length means that the file is damaged.
const MAX_SEALED: usize = 1 << 20;
const KEY_FILE: &str = "redaction.key";
const MAP_FILE: &str = "redaction.map";
/// Binds a sealed value to its purpose.
const PURPOSE: &[u8] = b"millwright redaction 1";

pub(crate) struct Vault {
    key: Key<XChaCha20Poly1305>,
    cipher: XChaCha20Poly1305,
    /// The number of each value, by its keyed digest.
    numbers: HashMap<[u8; 32], usize>,
    /// Nonce and sealed original, by placeholder.
    originals: HashMap<String, Vec<u8>>,
    next: HashMap<String, usize>,
    /// The file that new values are also written to.
    file: Option<File>,
}

impl Default for Vault {
    fn default() -> Self {
        Self::with_key(Key::<XChaCha20Poly1305>::generate())
    }
}

impl Vault {
    fn with_key(key: Key<XChaCha20Poly1305>) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(&key),
            key,
            numbers: HashMap::new(),
            originals: HashMap::new(),
            next: HashMap::new(),
            file: None,
        }
    }

    pub(crate) fn placeholder(&mut self, kind: &str, original: &str) -> String {
        let digest = self.digest(kind, original);
        if let Some(number) = self.numbers.get(&digest) {
            return format!("[{kind}_{number}]");
        }
        if self.numbers.len() >= MAX_VALUES {
            return format!("[{kind}_0]");
        }
        let next = self.next.entry(kind.to_owned()).or_default();
        *next += 1;
        let number = *next;
        let placeholder = format!("[{kind}_{number}]");
        self.numbers.insert(digest, number);
        if let Some(sealed) = self.seal(&placeholder, original) {
            if let Some(file) = &mut self.file
                && let Err(error) = write_record(file, &sealed)
            {
                // The run continues; after a restart this value gets another number.
                tracing::warn!(%error, "the redaction map could not be written");
                self.file = None;
            }
            self.originals.insert(placeholder.clone(), sealed);
        }
        placeholder
    }

    /// Keeps the sealed map in `folder`, with its key beside it; loads what an earlier process of the run left there.
    pub(crate) fn keep_in(&mut self, folder: &Path) -> io::Result<()> {
        let before: Vec<(String, String)> = self.opened();
        let key_path = folder.join(KEY_FILE);
        let map_path = folder.join(MAP_FILE);
        let mut kept = match read_key(&key_path)? {
            Some(key) => Self::with_key(key),
            None => {
                let mut file = private(&key_path)?;
                file.write_all(&self.key)?;
                // Nobody can unseal a map without its key.
                fs::write(&map_path, b"")?;
                Self::with_key(self.key)
            }
        };
        let content = fs::read(&map_path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(Vec::new()),
            _ => Err(error),
        })?;
        let whole = kept.take_up(&content);
        let file = File::options().create(true).append(true).mode(0o600).open(&map_path)?;
        file.set_len(whole as u64)?;
        kept.file = Some(file);
        for (placeholder, original) in before {
            let Some((kind, _)) = split(&placeholder) else { continue };
            kept.placeholder(kind, &original);
        }
        *self = kept;
        Ok(())
    }

    /// Reads sealed records; returns the byte length of the complete ones. A record that a crash cut off is left out.
    fn take_up(&mut self, content: &[u8]) -> usize {
        let mut whole = 0;
        loop {
            let rest = content.get(whole..).unwrap_or_default();
            let Some((length, rest)) = rest.split_first_chunk::<4>() else { return whole };
            let length = u32::from_le_bytes(*length) as usize;
            let Some(sealed) = rest.get(..length).filter(|_| length <= MAX_SEALED) else { return whole };
            let Some((placeholder, original)) = self.open(sealed) else { return whole };
            let Some((kind, number)) = split(&placeholder) else { return whole };
            let next = self.next.entry(kind.to_owned()).or_default();
            *next = number.max(*next);
            self.numbers.insert(self.digest(kind, &original), number);
            self.originals.insert(placeholder, sealed.to_vec());
            whole += 4 + length;
        }
    }

    /// Every value in the order it was numbered.
    fn opened(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> =
            self.originals.values().filter_map(|sealed| self.open(sealed)).collect();
        all.sort_by_key(|(placeholder, _)| split(placeholder).map(|(_, number)| number));
        all
    }

    pub(crate) fn unmask(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('[') {
            let (before, from) = rest.split_at(open);
            out.push_str(before);
            let known = from.find(']').and_then(|close| {
                let sealed = self.originals.get(from.get(..=close)?)?;
                Some((self.open(sealed)?.1, close + 1))
            });
            match known {
                Some((original, used)) => {
                    out.push_str(&original);
                    rest = from.get(used..).unwrap_or_default();
                }
                None => {
                    out.push('[');
                    rest = from.get(1..).unwrap_or_default();
                }
            }
        }
        out.push_str(rest);
        out
    }

    /// A keyed digest that is only compared inside this process.
    fn digest(&self, kind: &str, original: &str) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(b"digest of a value");
        digest.update(self.key);
        digest.update(kind.as_bytes());
        digest.update([0]);
        digest.update(original.as_bytes());
        digest.finalize().into()
    }

    fn seal(&self, placeholder: &str, original: &str) -> Option<Vec<u8>> {
        let nonce = XNonce::generate();
        let message = format!("{placeholder}\0{original}");
        let sealed = self.cipher.encrypt(&nonce, Payload { msg: message.as_bytes(), aad: PURPOSE }).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    fn open(&self, sealed: &[u8]) -> Option<(String, String)> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let nonce = XNonce::from(*nonce);
        let message = self.cipher.decrypt(&nonce, Payload { msg: sealed, aad: PURPOSE }).ok()?;
        let (placeholder, original) = std::str::from_utf8(&message).ok()?.split_once('\0')?;
        Some((placeholder.to_owned(), original.to_owned()))
    }
}

/// Splits `[AWS_KEY_3]` into its kind and number.
fn split(placeholder: &str) -> Option<(&str, usize)> {
    let (kind, number) = placeholder.strip_prefix('[')?.strip_suffix(']')?.rsplit_once('_')?;
    Some((kind, number.parse().ok()?))
}

fn private(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

/// A key that a crash cut off counts as missing: nothing was sealed with it yet.
fn read_key(path: &Path) -> io::Result<Option<Key<XChaCha20Poly1305>>> {
    let mut key = [0; 32];
    match File::open(path).and_then(|mut file| file.read_exact(&mut key)) {
        Ok(()) => Ok(Some(key.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => fs::remove_file(path).map(|()| None),
        Err(error) => Err(error),
    }
}

fn write_record(file: &mut File, sealed: &[u8]) -> io::Result<()> {
    let length = u32::try_from(sealed.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    file.write_all(&[&length.to_le_bytes(), sealed].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_started_again_keeps_its_placeholders() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Vault::default();
        assert_eq!(first.placeholder("EMAIL", "a@corp.io"), "[EMAIL_1]");
        first.keep_in(folder.path()).unwrap();
        assert_eq!(first.placeholder("AWS_KEY", "AKIA-one"), "[AWS_KEY_1]");
        assert_eq!(first.placeholder("EMAIL", "b@corp.io"), "[EMAIL_2]");
        drop(first);
        // A record that is cut off in the middle.
        let map = folder.path().join(MAP_FILE);
        let mut content = fs::read(&map).unwrap();
        content.extend_from_slice(&[200, 0, 0, 0, 1, 2]);
        fs::write(&map, content).unwrap();

        let mut second = Vault::default();
        assert_eq!(second.placeholder("EMAIL", "a@corp.io"), "[EMAIL_1]");
        second.keep_in(folder.path()).unwrap();
        assert_eq!(second.placeholder("EMAIL", "b@corp.io"), "[EMAIL_2]");
        assert_eq!(second.placeholder("EMAIL", "c@corp.io"), "[EMAIL_3]");
        assert_eq!(second.unmask("to [EMAIL_2] [EMAIL_9]["), "to b@corp.io [EMAIL_9][");
        drop(second);
        let mut third = Vault::default();
        third.keep_in(folder.path()).unwrap();
        assert_eq!(third.placeholder("EMAIL", "c@corp.io"), "[EMAIL_3]");
    }

    #[test]
    fn nothing_is_kept_in_the_clear_and_nothing_opens_without_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mut vault = Vault::default();
        vault.keep_in(folder.path()).unwrap();
        vault.placeholder("PASSWORD", "correct-horse-battery");
        for entry in fs::read_dir(folder.path()).unwrap().flatten() {
            let content = fs::read(entry.path()).unwrap();
            assert!(memchr::memmem::find(&content, b"correct-horse").is_none(), "{:?}", entry.file_name());
            if entry.file_name() == KEY_FILE {
                assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            }
        }
        assert!(vault.originals.values().all(|sealed| memchr::memmem::find(sealed, b"horse").is_none()));
        // The key was removed with the run: the map is unreadable, and a new run starts with an empty one.
        fs::remove_file(folder.path().join(KEY_FILE)).unwrap();
        let mut other = Vault::default();
        other.keep_in(folder.path()).unwrap();
        assert_eq!(other.unmask("[PASSWORD_1]"), "[PASSWORD_1]");
        assert_eq!(other.placeholder("PASSWORD", "x"), "[PASSWORD_1]");
    }
}
