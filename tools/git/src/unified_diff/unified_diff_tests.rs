use proptest::prelude::*;

use super::*;

/// Everything that a reader gets from a diff, one line per item.
fn summary(diff: &UnifiedDiff<'_>) -> String {
    let mut out = Vec::new();
    for file in &diff.files {
        let modes = [file.old_mode, file.new_mode].map(|mode| mode.unwrap_or("-"));
        let kind = if file.is_binary { " binary" } else { "" };
        out.push(format!(
            "{:?} > {:?} {:?} {}>{}{kind}",
            file.old_name(),
            file.new_name(),
            file.status,
            modes[0],
            modes[1]
        ));
        for hunk in &file.hunks {
            let range =
                |range: Option<LineRange>| range.map_or("?".into(), |r| format!("{},{}", r.start, r.count));
            let short = if hunk.is_complete { "" } else { " incomplete" };
            out.push(format!("  @ {} {} {:?}{short}", range(hunk.old), range(hunk.new), hunk.section));
            for line in &hunk.lines {
                let open = if line.has_no_break { " (open)" } else { "" };
                out.push(format!("    {:?} {} {} {:?}{open}", line.kind, line.old, line.new, line.text()));
            }
        }
    }
    out.join("\n")
}

#[test]
fn reads_what_git_writes() {
    let diff = "commit 1\n\n    rename from nothing\n\n\
        diff --git a/a.c b/a.c\nindex 1..2 100644\n--- a/a.c\n+++ b/a.c\n@@ -2,3 +2,3 @@ f()\n one\n--- two\n+++ TWO\n three\n\
        @@ -9 +9,0 @@\n-gone\n\\ No newline at end of file\n\
        diff --git a/old name b/new name\nsimilarity index 90%\nrename from old name\nrename to new name\n\
        diff --git a/gone b/gone\ndeleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\
        diff --git \"a/t\\303\\251 \\\"st\" \"b/t\\303\\251 \\\"st\"\nnew file mode 100755\n--- /dev/null\n+++ \"b/t\\303\\251 \\\"st\"\n@@ -0,0 +1 @@\n+x\n\
        diff --git a/run b/run\nold mode 100644\nnew mode 100755\n\
        diff --git a/i.png b/i.png\nnew file mode 100644\nGIT binary patch\nliteral 3\nKc$ab\n\n";
    insta::assert_snapshot!(summary(&parse(diff)), @r#"
    Some("a.c") > Some("a.c") Modified ->-
      @ 2,3 2,3 "f()"
        Context 2 2 "one"
        Removed 3 3 "-- two"
        Added 4 3 "++ TWO"
        Context 4 4 "three"
      @ 9,1 9,0 ""
        Removed 9 10 "gone" (open)
    Some("old name") > Some("new name") Renamed ->-
    Some("gone") > None Deleted 100644>-
      @ 1,1 0,0 ""
        Removed 1 1 "x"
    None > Some("té \"st") Added ->100755
      @ 0,0 1,1 ""
        Added 1 1 "x"
    Some("run") > Some("run") Modified 100644>100755
    None > Some("i.png") Added ->100644 binary
    "#);
}

#[test]
fn reads_what_other_programs_write() {
    let diff = "--- x.c\t2025-01-01 10:00\n+++ x.c\t2025-01-02 10:00\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n\
        --- y.c\n+++ y.c\n@@ -1 +1 @@\n--- y\n+++ z\n-- \n2.40.1\n";
    insta::assert_snapshot!(summary(&parse(diff)), @r#"
    Some("x.c") > Some("x.c") Modified ->-
      @ 1,2 1,2 ""
        Context 1 1 "a"
        Removed 2 2 "b"
        Added 3 2 "c"
    Some("y.c") > Some("y.c") Modified ->-
      @ 1,1 1,1 ""
        Removed 1 1 "-- y"
        Added 2 1 "++ z"
    "#);
}

#[test]
fn reads_a_merge_against_its_first_parent() {
    let diff = "diff --cc a.py\nindex 1,2..3\n--- a/a.py\n+++ b/a.py\n@@@ -5,2 -5,1 +5,1 @@@ def f():\n- ours\n -theirs\n  both\n@@ -1 +1 @@\n-x\n+y\n";
    insta::assert_snapshot!(summary(&parse(diff)), @r#"
    Some("a.py") > Some("a.py") Modified ->-
      @ 5,2 5,1 "def f():"
        Removed 5 5 "ours"
        Removed 6 5 "theirs"
        Context 6 5 "both"
      @ 1,1 1,1 ""
        Removed 1 1 "x"
        Added 2 1 "y"
    "#);
}

#[test]
fn a_hunk_ends_where_its_extent_says() {
    // The first hunk promises too many lines, the second one too few.
    let diff = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,9 +1,9 @@\n-a\n+b\ndiff --git a/c b/c\n--- a/c\n+++ b/c\n@@ -1 +1 @@\n-a\n+b\n+more\n";
    insta::assert_snapshot!(summary(&parse(diff)), @r#"
    Some("a") > Some("a") Modified ->-
      @ 1,9 1,9 "" incomplete
        Removed 1 1 "a"
        Added 2 1 "b"
    Some("c") > Some("c") Modified ->-
      @ 1,1 1,1 ""
        Removed 1 1 "a"
        Added 2 1 "b"
    "#);
    let counts = |extent| {
        let parsed = DiffParser { extent, ..DiffParser::default() }.parse(diff);
        parsed.files.iter().map(|file| (file.added, file.removed)).collect::<Vec<_>>()
    };
    assert_eq!(counts(HunkExtent::Streamed), [(1, 1), (2, 1)]);
    assert_eq!(counts(HunkExtent::Written), [(1, 1), (2, 1)]);
}

#[test]
fn what_is_kept_is_bounded() {
    let diff = format!("--- a/x\n+++ b/x\n@@ -0,0 +1,99 @@\n{}", "+y\n".repeat(99));
    let some = DiffParser::default().max_lines(10).parse(&diff);
    assert!(some.truncated);
    assert_eq!((some.files[0].hunks[0].lines.len(), some.files[0].added), (7, 7));
    let none = DiffParser::default().without_lines().parse(&diff);
    assert!(!none.truncated && none.files[0].hunks[0].lines.is_empty() && none.files[0].hunks[0].is_complete);
    assert_eq!(none.files[0].added, 99);
    assert!(!DiffParser::default().max_lines(102).parse(&diff).truncated);
    assert!(parse(&"@@ -1 +1 @@\n".repeat(MAX_HUNKS + 9)).truncated);
}

#[test]
fn what_is_no_diff_has_no_files() {
    for text in
        ["", "\n", "hello\n--- a\nworld\n", "@@ -x +y @@\n+a\n", "+++ b/x\n--- a/x\n", "rename from x\n"]
    {
        assert_eq!(parse(text).files, [], "{text:?}");
    }
    let headless = parse("@@ -4294967295,9 +1,9 @@\n a\n b\n");
    assert!(!headless.files[0].has_names && headless.files[0].path().is_empty());
    assert_eq!(headless.files[0].hunks[0].lines[1].old, u32::MAX);
}

/// Lines of a hostile diff: lines of the format, lines that look like them, and noise.
fn hostile_line() -> impl Strategy<Value = String> {
    prop_oneof![
        "@@ -[0-9]{1,11}(,[0-9]{0,12})? \\+[0-9]{1,3}(,[0-9]{1,2})? @@.{0,9}",
        "@@ -[0-3],[0-3] \\+[0-3],[0-3] @@",
        "@{1,70} .{0,20}",
        "[-+ ].{0,12}",
        "[-+ ]{1,3}é",
        "(diff --git|diff --cc|--- a|--- |\\+\\+\\+ b|\\+\\+\\+ |-- )[ /]?.{0,9}",
        "--- a/x\n\\+\\+\\+ b/x",
        "--- /dev/null\n\\+\\+\\+ /dev/null\t",
        "(rename from|rename to|copy from|old mode|new file mode|index|Binary files|GIT binary patch) .{0,9}",
        "\\\\ No newline at end of file",
        "\"[ab]/(\\\\[0-7ntx\"\\\\]){0,4}",
        ".{0,20}\r?",
    ]
}

proptest! {
    #[test]
    fn hostile_diffs_are_read_to_their_end(lines in prop::collection::vec(hostile_line(), 0..40), cut in 0..400usize) {
        let whole = lines.join("\n");
        let cut = whole.get(..cut).unwrap_or(&whole);
        for text in [whole.as_str(), cut] {
            for extent in [HunkExtent::Counted, HunkExtent::Streamed, HunkExtent::Written] {
                let diff = DiffParser { extent, ..DiffParser::default() }.parse(text);
                let light = DiffParser { extent, ..DiffParser::default() }.without_lines().parse(text);
                let mut end = 0;
                for (file, light) in diff.files.iter().zip(&light.files) {
                    prop_assert_eq!((file.added, file.removed), (light.added, light.removed));
                    for hunk in &file.hunks {
                        // Hunks are in the text, one after the other.
                        prop_assert!(hunk.span.start >= end && text.get(hunk.span.clone()).is_some());
                        end = hunk.span.end;
                    }
                }
                prop_assert_eq!(diff.files.len(), light.files.len());
            }
        }
    }

    /// A diff computed from two similar files is parsed back exactly: ranges, numbers and lines.
    #[test]
    fn a_hunk_can_be_written_again(body in prop::collection::vec("[-+ ][-+@ a]{0,5}", 1..20)) {
        let count = |sign: char| body.iter().filter(|line| !line.starts_with(sign)).count();
        let hunk: String = body.iter().map(|line| format!("{line}\n")).collect();
        let head = format!("@@ -7,{} +9,{} @@\n", count('+'), count('-'));
        let text = format!("--- a/x\n+++ b/x\n{head}{hunk}--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n");
        let diff = parse(&text);
        prop_assert_eq!(diff.files.len(), 2);
        let read = &diff.files[0].hunks[0];
        prop_assert!(read.is_complete);
        prop_assert_eq!(&text[read.span.clone()], format!("{head}{hunk}"));
        let mut written = String::new();
        for line in &read.lines {
            line.write_to(&mut written);
        }
        prop_assert_eq!(written, hunk);
    }
}
