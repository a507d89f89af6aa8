/*!
Parses a unified diff as a model writes it. Counts and line numbers are hints, and fences or prose may surround the
diff: the parser ignores them, because the lines themselves show where a hunk belongs. It refuses everything that
would change the meaning (renames, modes, binary parts).
*/

use millwright_git::unified_diff::{DiffFile, DiffHunk, DiffLineKind, DiffParser, FileStatus};

/// `Err` says what is wrong with the diff and how to write it instead.
pub(super) fn parse(diff: &str) -> Result<Vec<DiffFile<'_>>, String> {
    let diff = without_fence(diff);
    if diff.lines().any(|line| line.starts_with("*** Begin Patch")) {
        return Err(
            "this is not a unified diff; write `--- a/path`, `+++ b/path` and `@@` lines, or use `edits`"
                .to_owned(),
        );
    }
    let mut files = DiffParser::of_written_text().parse(diff).files;
    for file in &files {
        if let Some(why) = refusal(file) {
            return Err(why.to_owned());
        }
        if !file.has_names && !file.hunks.is_empty() {
            return Err("an `@@` line comes before any `--- a/path` and `+++ b/path` lines".to_owned());
        }
        if let Some(at) = file.hunks.iter().position(|hunk| !has_changes(hunk)) {
            return Err(format!("hunk {} of the diff changes nothing: it has no + or - line", at + 1));
        }
    }
    files.retain(|file| file.has_names);
    if files.is_empty() {
        return Err(
            "no file is named; a diff needs `--- a/path` and `+++ b/path` before its `@@` lines".into()
        );
    }
    match files.iter().find(|file| file.hunks.is_empty()) {
        Some(empty) => {
            let named = empty.new.as_ref().or(empty.old.as_ref());
            let path = named.map_or("a file", |path| path.written.as_str());
            Err(format!("the diff names {path} but has no `@@` hunk for it"))
        }
        None => Ok(files),
    }
}

fn has_changes(hunk: &DiffHunk<'_>) -> bool {
    hunk.lines.iter().any(|line| line.kind != DiffLineKind::Context)
}

fn without_fence(diff: &str) -> &str {
    let is_fence = |line: &str| line.trim() == "```";
    let inside = diff.trim_start();
    let Some((_, inside)) = inside.split_once('\n').filter(|(first, _)| first.starts_with("```")) else {
        return diff;
    };
    let mut end = inside.len();
    for line in inside.split_inclusive('\n').rev() {
        end -= line.len();
        if is_fence(line) {
            return inside.get(..end).unwrap_or_default();
        }
    }
    inside
}

/// Why the file's change cannot be proposed, and what to write instead.
fn refusal(file: &DiffFile<'_>) -> Option<&'static str> {
    if file.is_binary {
        return Some("binary changes cannot be proposed");
    }
    match file.status {
        FileStatus::Renamed => {
            return Some("renames cannot be proposed; delete the one file and create the other");
        }
        FileStatus::Copied => return Some("copies cannot be proposed; create the whole new file"),
        FileStatus::Added | FileStatus::Deleted | FileStatus::Modified => {}
    }
    match file.new_mode {
        Some("120000") => Some("symbolic links cannot be proposed"),
        Some("160000") => Some("submodules cannot be proposed"),
        _ if file.changes_mode() => Some("changes of a file's mode cannot be proposed"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use millwright_git::unified_diff::{DiffLine, DiffPath};

    use super::*;

    fn check(diff: &str, expected: Result<&str, &str>) {
        let told = parse(diff).map(|files| {
            let line = |line: &DiffLine<'_>| match line.kind {
                DiffLineKind::Context => format!("={}", line.text()),
                DiffLineKind::Removed => format!("-{}", line.text()),
                DiffLineKind::Added => format!("+{}", line.text()),
            };
            let hunk = |hunk: &DiffHunk<'_>| {
                let start = hunk.old.map(|range| range.start);
                format!("@{start:?} {}", hunk.lines.iter().map(line).collect::<Vec<_>>().join("|"))
            };
            let written = |path: &Option<DiffPath>| path.as_ref().map(|path| path.written.clone());
            let file = |file: &DiffFile<'_>| {
                let hunks: Vec<String> = file.hunks.iter().map(hunk).collect();
                format!("{:?}>{:?} {}", written(&file.old), written(&file.new), hunks.join(" "))
            };
            files.iter().map(file).collect::<Vec<_>>().join("\n")
        });
        assert_eq!(told.as_deref().map_err(String::as_str), expected, "{diff}");
    }

    #[test]
    fn reads_what_models_write() {
        check(
            "```diff\n--- a/x\n+++ b/x\n@@ -1,99 +1 @@\n a\n-b\n+c\n\n```\n",
            Ok("Some(\"a/x\")>Some(\"b/x\") @Some(1) =a|-b|+c"),
        );
        check(
            "Here it is:\n--- x\t2024\n+++ x\n@@ def f():\na\n-b\n+c",
            Ok("Some(\"x\")>Some(\"x\") @None =a|-b|+c"),
        );
        check(
            "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-b\n+c\nThat is all.\n",
            Ok("Some(\"a/x\")>Some(\"b/x\") @Some(1) -b|+c"),
        );
        check(
            "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+c\n--- a/y\n+++ b/y\n@@ -4 +4 @@\n--- old\n+++ new\n",
            Ok("None>Some(\"b/x\") @Some(0) +c\nSome(\"a/y\")>Some(\"b/y\") @Some(4) --- old|+++ new"),
        );
        check("", Err("no file is named; a diff needs `--- a/path` and `+++ b/path` before its `@@` lines"));
        check(
            "@@ -1 +1 @@\n-a\n+b\n",
            Err("an `@@` line comes before any `--- a/path` and `+++ b/path` lines"),
        );
        check(
            "--- a/x\n+++ b/x\n@@ -1 +1 @@\n a\n",
            Err("hunk 1 of the diff changes nothing: it has no + or - line"),
        );
        check("--- a/x\n+++ b/x\n", Err("the diff names b/x but has no `@@` hunk for it"));
        check(
            "diff --git a/x b/y\nrename from x\nrename to y\n",
            Err("renames cannot be proposed; delete the one file and create the other"),
        );
        check(
            "diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+/etc\n",
            Err("symbolic links cannot be proposed"),
        );
    }
}
