/*!
Keys that had another name in the previous release: they still work, in the file and as variables, and each use warns with
the new name. The next release removes them.
*/

use toml::{Table, Value};

/// Section, old name, new name.
const RENAMED_KEYS: &[(&str, &str, &str)] = &[
    ("server", "join_within_h", "dedup_window_hours"),
    ("store", "keep_unproven_days", "unproven_retention_days"),
];

/// The new name of a key, if `path` has its old name, as in `server.join_within_h`.
pub(super) fn name_now(path: &str) -> Option<&'static str> {
    let renamed = RENAMED_KEYS.iter().find(|(section, old, _)| {
        path.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')) == Some(old)
    });
    renamed.map(|(_, _, new)| *new)
}

/// Renames old keys to their new names; returns the warnings. If both are present, the new name counts.
pub(super) fn rename(table: &mut Table) -> Vec<String> {
    let mut warnings = Vec::new();
    for (section, old, new) in RENAMED_KEYS {
        let Some(keys) = table.get_mut(*section).and_then(Value::as_table_mut) else { continue };
        let Some(value) = keys.remove(*old) else { continue };
        let is_ignored = keys.contains_key(*new);
        keys.entry(*new).or_insert(value);
        warnings.push(warning(&format!("{section}.{old}"), &format!("{section}.{new}"), is_ignored));
    }
    warnings
}

/// The warning about a key or variable with an old name. If both are given, the new name counts.
pub(super) fn warning(old: &str, new: &str, is_ignored: bool) -> String {
    let ignored = if is_ignored { "; it is ignored, since both are given" } else { "" };
    format!("{old} is now {new}{ignored}; the old name is removed in the next release")
}
