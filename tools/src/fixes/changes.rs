/*!
What a diff that git wrote changes, file by file: the lines it removes and adds, by their numbers.
*/

/// What a diff does to one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileChange {
    /// `None` for a new file.
    pub old: Option<String>,
    /// `None` for a removed file.
    pub new: Option<String>,
    /// Line number in the old file, from 1, and text.
    pub removed: Vec<(u32, String)>,
    /// Line number in the new file, from 1, and text.
    pub added: Vec<(u32, String)>,
}

impl FileChange {
    /// The name of the file, the new one where it has two.
    pub fn path(&self) -> &str {
        self.new.as_deref().or(self.old.as_deref()).unwrap_or_default()
    }
}

/// Reads a diff as git writes it (prefixes `a/` and `b/`). Binary parts change no lines.
pub fn changes_of(diff: &str) -> Vec<FileChange> {
    let mut out: Vec<FileChange> = Vec::new();
    let (mut old_line, mut new_line) = (0_u32, 0_u32);
    let (mut old_left, mut new_left) = (0_u32, 0_u32);
    for line in diff.lines() {
        if old_left == 0 && new_left == 0 {
            if let Some(header) = line.strip_prefix("diff --git ") {
                // Both names are the same where nothing is renamed; the `---` and `+++` lines correct this.
                let name = header.split_once(" b/").map(|(_, name)| name.to_owned());
                out.push(FileChange { old: name.clone(), new: name, ..FileChange::default() });
                continue;
            }
            let name = |rest: &str, prefix: &str| {
                let rest = rest.split('\t').next().unwrap_or(rest);
                (rest != "/dev/null").then(|| rest.strip_prefix(prefix).unwrap_or(rest).to_owned())
            };
            if let Some(rest) = line.strip_prefix("--- ") {
                match out.last_mut().filter(|file| file.removed.is_empty() && file.added.is_empty()) {
                    Some(file) => file.old = name(rest, "a/"),
                    None => out.push(FileChange { old: name(rest, "a/"), ..FileChange::default() }),
                }
            } else if let Some(rest) = line.strip_prefix("+++ ")
                && let Some(file) = out.last_mut()
            {
                file.new = name(rest, "b/");
            } else if line.starts_with("new file mode")
                && let Some(file) = out.last_mut()
            {
                file.old = None;
            } else if line.starts_with("deleted file mode")
                && let Some(file) = out.last_mut()
            {
                file.new = None;
            } else if let Some(rest) = line.strip_prefix("@@ -") {
                ((old_line, old_left), (new_line, new_left)) = hunk_header(rest);
            }
            continue;
        }
        let Some(file) = out.last_mut() else { break };
        match line.as_bytes().first() {
            Some(b'-') => {
                file.removed.push((old_line, line.get(1..).unwrap_or_default().to_owned()));
                (old_line, old_left) = (old_line + 1, old_left.saturating_sub(1));
            }
            Some(b'+') => {
                file.added.push((new_line, line.get(1..).unwrap_or_default().to_owned()));
                (new_line, new_left) = (new_line + 1, new_left.saturating_sub(1));
            }
            Some(b'\\') => {}
            _ => {
                (old_line, old_left) = (old_line + 1, old_left.saturating_sub(1));
                (new_line, new_left) = (new_line + 1, new_left.saturating_sub(1));
            }
        }
    }
    out
}

/// `12,3 +14,2 @@ …`: first line and number of lines of both sides.
fn hunk_header(rest: &str) -> ((u32, u32), (u32, u32)) {
    let mut sides = rest.split(' ').take(2).map(|side| {
        let side = side.trim_start_matches('+');
        let (start, count) = side.split_once(',').unwrap_or((side, "1"));
        (start.parse().unwrap_or(0), count.parse().unwrap_or(0))
    });
    (sides.next().unwrap_or_default(), sides.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_where_they_are_in_their_files() {
        let diff = "diff --git a/a.c b/a.c\nindex 1..2 100644\n--- a/a.c\n+++ b/a.c\n@@ -2,3 +2,3 @@ f()\n one\n--- two\n+++ TWO\n three\n\
                    diff --git a/gone b/gone\ndeleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\\ No newline at end of file\n\
                    diff --git a/pic.png b/pic.png\nnew file mode 100644\nGIT binary patch\nliteral 3\n";
        let found = changes_of(diff);
        let said: Vec<String> = found
            .iter()
            .map(|file| format!("{:?}>{:?} {:?} {:?}", file.old, file.new, file.removed, file.added))
            .collect();
        assert_eq!(
            said,
            [
                r#"Some("a.c")>Some("a.c") [(3, "-- two")] [(3, "++ TWO")]"#,
                r#"Some("gone")>None [(1, "x")] []"#,
                r#"None>Some("pic.png") [] []"#,
            ]
        );
        assert!(changes_of("@@ -1 +1 @@\n-x\n+y\n").is_empty());
    }
}
