/*!
Resolves branches, tags and `HEAD` by reading git's files. The borrowing git directory has no references of its
own, and opening the user's directory through git or libgit2 would read its configuration. Reftable storage is not
supported: such a repository accepts commit ids only, and the error says so.
*/

use std::path::Path;

use super::locate::{LocatedRepository, read_small};

/// Longest `packed-refs` read, in bytes: a million references.
const MAX_PACKED_REFS: u64 = 96 << 20;

/// The object id of a reference name, by git's rules of precedence. It may be the id of a tag object.
pub(super) fn lookup(located: &LocatedRepository, name: &str) -> Option<String> {
    let name = if name == "@" { "HEAD" } else { name };
    if !is_well_formed(name) {
        return None;
    }
    let as_is = name.starts_with("refs/") || name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let packed = Packed::read(&located.common_dir);
    [
        as_is.then(|| name.to_owned()),
        Some(format!("refs/{name}")),
        Some(format!("refs/tags/{name}")),
        Some(format!("refs/heads/{name}")),
        Some(format!("refs/remotes/{name}")),
        Some(format!("refs/remotes/{name}/HEAD")),
    ]
    .into_iter()
    .flatten()
    .find_map(|full| follow(located, &packed, full))
}

/// The branch `HEAD` points at, even when that branch has no commit yet.
pub(super) fn head_branch(located: &LocatedRepository) -> Option<String> {
    let head = read_small(&located.git_dir.join("HEAD"), 4096)?;
    Some(String::from_utf8_lossy(head.strip_prefix(b"ref:")?).trim().to_owned())
}

/// Whether any branch, tag or remote branch exists.
pub(super) fn has_any(located: &LocatedRepository) -> bool {
    let loose = |folder: &str| holds_a_file(&located.common_dir.join("refs").join(folder), 0);
    lookup(located, "HEAD").is_some()
        || !Packed::read(&located.common_dir).0.is_empty()
        || ["heads", "tags", "remotes"].into_iter().any(loose)
}

fn holds_a_file(folder: &Path, depth: u8) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => depth < 8 && holds_a_file(&entry.path(), depth + 1),
        Ok(kind) => kind.is_file(),
        Err(_) => false,
    })
}

fn follow(located: &LocatedRepository, packed: &Packed, mut name: String) -> Option<String> {
    // Git gives up after five symbolic references.
    for _ in 0..=5 {
        if !is_well_formed(&name) {
            return None;
        }
        // Only these are stored per worktree; all others are shared.
        let own = !name.starts_with("refs/") || name.starts_with("refs/bisect/");
        let folder = if own { &located.git_dir } else { &located.common_dir };
        let Some(content) = read_small(&folder.join(&name), 4096) else {
            return packed.find(&name);
        };
        let content = String::from_utf8_lossy(&content).into_owned();
        match content.strip_prefix("ref:") {
            Some(target) => name = target.trim().to_owned(),
            None => return content.split_whitespace().next().filter(|id| is_id(id)).map(str::to_owned),
        }
    }
    None
}

/// The packed reference of this name, or one that conflicts with it: `a` conflicts with `a/b`, and the other way
/// round.
pub(super) fn packed_beside(common_dir: &Path, reference: &str) -> Option<(String, String)> {
    let packed = Packed::read(common_dir);
    let lies_below =
        |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
    packed.0.split(|byte| *byte == b'\n').find_map(|line| {
        let (id, name) = std::str::from_utf8(line).ok()?.trim_end().split_once(' ')?;
        let is_near = name == reference || lies_below(name, reference) || lies_below(reference, name);
        (is_near && is_id(id)).then(|| (name.to_owned(), id.to_owned()))
    })
}

pub(super) fn is_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Rejects names that could leave the git directory, following git-check-ref-format(1).
fn is_well_formed(name: &str) -> bool {
    !name.is_empty()
        && name.len() < 1024
        && !name.contains("..")
        && !name.contains("@{")
        && !name.bytes().any(|byte| byte < 0x21 || b"~^:?*[\\\x7f".contains(&byte))
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"))
}

struct Packed(Vec<u8>);

impl Packed {
    fn read(common_dir: &Path) -> Self {
        Self(read_small(&common_dir.join("packed-refs"), MAX_PACKED_REFS).unwrap_or_default())
    }

    fn find(&self, name: &str) -> Option<String> {
        memchr::memmem::find_iter(&self.0, name.as_bytes()).find_map(|at| {
            let after = self.0.get(at + name.len());
            let id = self.0.get(at.checked_sub(41)?..at.checked_sub(1)?)?;
            let starts_line = at == 41 || self.0.get(at.checked_sub(42)?) == Some(&b'\n');
            let id = std::str::from_utf8(id).ok().filter(|id| is_id(id))?;
            let whole = self.0.get(at - 1) == Some(&b' ') && matches!(after, None | Some(b'\n' | b'\r'));
            (starts_line && whole).then(|| id.to_owned())
        })
    }
}
