/*!
Reads a unified diff as a model writes one. Counts and line numbers of `@@` lines are often wrong, the blank that
marks a context line is often missing, fences and prose stand around. All of that is read past, since the lines
themselves say where a hunk belongs; what would change the meaning (renames, modes, binary parts) is refused.
*/

/// What a diff does to one file. Paths are as written, prefixes included; `None` is `/dev/null`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FilePatch {
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
    pub(super) executable: bool,
    pub(super) hunks: Vec<Hunk>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hunk {
    /// First old line as its `@@` line says, 1-based; a hint only.
    pub(super) start: Option<usize>,
    pub(super) lines: Vec<Line>,
    /// The last new line ends the file without a line break.
    pub(super) open_end: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) kind: Kind,
    pub(super) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Context,
    Remove,
    Add,
}

impl Hunk {
    /// The lines that stand in the old file.
    pub(super) fn old(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.kind != Kind::Add)
    }

    fn changes(&self) -> bool {
        self.lines.iter().any(|line| line.kind != Kind::Context)
    }
}

/// `Err` says what is wrong with it and how to write it instead.
pub(super) fn parse(diff: &str) -> Result<Vec<FilePatch>, String> {
    let lines: Vec<&str> = diff.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    let lines = without_fence(&lines);
    if lines.iter().any(|line| line.starts_with("*** Begin Patch")) {
        return Err(
            "this is no unified diff; write `--- a/path`, `+++ b/path` and `@@` lines, or use `edits`"
                .to_owned(),
        );
    }
    let mut files: Vec<FilePatch> = Vec::new();
    let mut executable = false;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if starts_file(lines, at) {
            files.push(FilePatch {
                old: path(line, "--- "),
                new: path(lines.get(at + 1).copied().unwrap_or_default(), "+++ "),
                executable: std::mem::take(&mut executable),
                hunks: Vec::new(),
            });
            at += 2;
        } else if line.starts_with("@@") {
            let number = files.last().map_or(0, |file| file.hunks.len()) + 1;
            let (hunk, next) = hunk(lines, at);
            let Some(file) = files.last_mut() else {
                return Err("an `@@` line stands before any `--- a/path` and `+++ b/path` lines".to_owned());
            };
            if !hunk.changes() {
                return Err(format!("hunk {number} of the diff changes nothing: it has no + or - line"));
            }
            file.hunks.push(hunk);
            at = next;
        } else {
            refuse(line)?;
            executable |= line.trim_end() == "new file mode 100755";
            at += 1;
        }
    }
    if files.is_empty() {
        return Err(
            "no file is named; a diff needs `--- a/path` and `+++ b/path` before its `@@` lines".into()
        );
    }
    match files.iter().find(|file| file.hunks.is_empty()) {
        Some(empty) => Err(format!(
            "the diff names {} but has no `@@` hunk for it",
            empty.new.as_deref().or(empty.old.as_deref()).unwrap_or("a file")
        )),
        None => Ok(files),
    }
}

fn without_fence<'d, 't>(lines: &'d [&'t str]) -> &'d [&'t str] {
    let Some(first) = lines.iter().position(|line| !line.trim().is_empty()) else { return lines };
    if !lines[first].trim_start().starts_with("```") {
        return lines;
    }
    let inner = lines.get(first + 1..).unwrap_or_default();
    let end = inner.iter().rposition(|line| line.trim() == "```").unwrap_or(inner.len());
    inner.get(..end).unwrap_or_default()
}

/// A removed line may look like a header; only the pair is one.
fn starts_file(lines: &[&str], at: usize) -> bool {
    let starts = |at: usize, mark: &str| lines.get(at).is_some_and(|line| line.starts_with(mark));
    starts(at, "--- ")
        && starts(at + 1, "+++ ")
        && (starts(at + 2, "@@") || lines.iter().skip(at + 2).all(|line| line.trim().is_empty()))
}

fn path(line: &str, mark: &str) -> Option<String> {
    let written = line.strip_prefix(mark).unwrap_or_default();
    let written = written.split('\t').next().unwrap_or_default().trim().trim_matches('"');
    (written != "/dev/null").then(|| written.to_owned())
}

fn refuse(line: &str) -> Result<(), String> {
    let refused = [
        ("GIT binary patch", "binary changes cannot be proposed"),
        ("Binary files ", "binary changes cannot be proposed"),
        ("rename from ", "renames cannot be proposed; delete the one file and create the other"),
        ("copy from ", "copies cannot be proposed; create the new file whole"),
        ("old mode ", "changes of a file's mode cannot be proposed"),
        ("new file mode 120000", "symbolic links cannot be proposed"),
        ("new file mode 160000", "submodules cannot be proposed"),
    ];
    match refused.iter().find(|(mark, _)| line.starts_with(mark)) {
        Some((_, why)) => Err((*why).to_owned()),
        None => Ok(()),
    }
}

/// The hunk whose `@@` line stands at `at`, and where the text goes on behind it.
fn hunk(lines: &[&str], at: usize) -> (Hunk, usize) {
    let (start, counts) = header(lines.get(at).copied().unwrap_or_default());
    let mut hunk = Hunk { start, ..Hunk::default() };
    let (mut old, mut new) = (0, 0);
    let mut blank_end = 0;
    let mut next = at + 1;
    while let Some(line) = lines.get(next) {
        let signature = *line == "-- " && lines.len() - next <= 3;
        // At the very end a pair of lines like a header is a change of such lines.
        let next_file =
            starts_file(lines, next) && lines.get(next + 2).is_some_and(|line| line.starts_with("@@"));
        if line.starts_with("@@") || line.starts_with("diff --git ") || next_file || signature {
            break;
        }
        let (kind, text) = match line.chars().next() {
            Some('\\') => {
                hunk.open_end = hunk.lines.last().is_some_and(|line| line.kind != Kind::Remove);
                next += 1;
                continue;
            }
            Some('+') => (Kind::Add, &line[1..]),
            Some('-') => (Kind::Remove, &line[1..]),
            Some(' ') => (Kind::Context, &line[1..]),
            // Prose behind a hunk whose counts were right.
            _ if counts == Some((old, new)) => break,
            _ => (Kind::Context, *line),
        };
        blank_end = if line.is_empty() { blank_end + 1 } else { 0 };
        old += usize::from(kind != Kind::Add);
        new += usize::from(kind != Kind::Remove);
        hunk.lines.push(Line { kind, text: text.to_owned() });
        next += 1;
    }
    // Empty lines at the end belong to the answer around the diff.
    hunk.lines.truncate(hunk.lines.len() - blank_end);
    (hunk, next)
}

/// `@@ -12,7 +12,9 @@`: the first old line and both counts, as far as they are written.
fn header(line: &str) -> (Option<usize>, Option<(usize, usize)>) {
    let range = |mark: char| {
        let (_, rest) = line.split_once(mark)?;
        let written = rest.split([' ', '@']).next().unwrap_or_default();
        let (start, count) = written.split_once(',').unwrap_or((written, "1"));
        Some((start.parse::<usize>().ok()?, count.parse::<usize>().ok()?))
    };
    let (old, new) = (range('-'), range('+'));
    (old.map(|(start, _)| start), old.zip(new).map(|((_, old), (_, new))| (old, new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(diff: &str, expected: Result<&str, &str>) {
        let told = parse(diff).map(|files| {
            let line = |line: &Line| match line.kind {
                Kind::Context => format!("={}", line.text),
                Kind::Remove => format!("-{}", line.text),
                Kind::Add => format!("+{}", line.text),
            };
            let hunk = |hunk: &Hunk| {
                format!("@{:?} {}", hunk.start, hunk.lines.iter().map(line).collect::<Vec<_>>().join("|"))
            };
            let file = |file: &FilePatch| {
                let hunks: Vec<String> = file.hunks.iter().map(hunk).collect();
                format!("{:?}>{:?} {}", file.old, file.new, hunks.join(" "))
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
            Err("an `@@` line stands before any `--- a/path` and `+++ b/path` lines"),
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
