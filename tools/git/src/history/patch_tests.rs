use super::*;
use crate::history::hash_token;

fn read(stream: &[u8]) -> Vec<CommitText> {
    let mut commits = Vec::new();
    let masks = PatchMasks::new(&millwright_redaction::RedactionConfig::default()).unwrap();
    read_patches(&mut &*stream, &masks, |_, text| {
        commits.push(text);
        true
    })
    .unwrap();
    commits
}

const ID: &str = "0123456789abcdef0123456789abcdef01234567";

#[test]
fn reads_a_patch() {
    let stream = format!(
        "\x01{ID}\nFixed #123 -- Made Prefetch lazy.\n\nRegression in 98a7b6c5d4.\n\0\n\n\
diff --git a/app/query.py b/app/query.py\nindex 1..2 100644\n--- a/app/query.py\n+++ b/app/query.py\n\
@@ -10,2 +10 @@ def prefetch(self):\n-    old_call()\n-    second()\n+    newCall(value, other, third)\n\
@@ -30,0 +30,2 @@ def other(self):\n+--- not a header\n+def fresh():\n\
diff --git a/old name.txt b/new name.txt\nsimilarity index 90%\nrename from old name.txt\nrename to new name.txt\n\
diff --git \"a/tests/t\\303\\251st.py\" \"b/tests/t\\303\\251st.py\"\nnew file mode 100644\n--- /dev/null\n\
+++ \"b/tests/t\\303\\251st.py\"\n@@ -0,0 +1 @@\n+assert_it()\n\\ No newline at end of file\n\
\x01{ID}\nNext\n\0\n"
    );
    let commits = read(stream.as_bytes());
    assert_eq!(commits.len(), 2);
    let text = &commits[0];
    assert_eq!(text.mentions, ["98a7b6c5d4"]);
    let paths: Vec<_> = text.files.iter().map(|f| (f.path.as_str(), f.old_path.as_deref(), f.kind)).collect();
    assert_eq!(
        paths,
        [
            ("app/query.py", None, PathKind::Source),
            ("new name.txt", Some("old name.txt"), PathKind::Docs),
            ("tests/tést.py", None, PathKind::Test),
        ]
    );
    let query = &text.files[0];
    assert_eq!((query.added, query.removed, query.hunks.len()), (3, 2, 2));
    assert_eq!(query.headers, ["def prefetch(self):", "def other(self):"]);
    assert_eq!(query.defines, ["fresh"]);
    assert_eq!(text.field(PatchField::SourceAdded).count(hash_token("newcall")), 1);
    assert_eq!(text.field(PatchField::SourceRemoved).count(hash_token("old_call")), 1);
    assert_eq!(text.field(PatchField::TestAdded).count(hash_token("assert_it")), 1);
    assert_eq!(text.field(PatchField::SourceHeaders).count(hash_token("prefetch")), 1);
    assert_eq!(text.field(PatchField::Subject).count(hash_token("123")), 0);
    assert!(!text.trigrams.is_empty());
}

#[test]
fn reads_a_merge() {
    let stream = format!(
        "\x01{ID}\nMerge\n\0\n\n\ndiff --cc a.py\nindex 1,2..3\n--- a/a.py\n+++ b/a.py\n\
@@@ -5,1 -5,1 +5,1 @@@ def f():\n- ours()\n -theirs()\n++both()\n"
    );
    let text = &read(stream.as_bytes())[0];
    assert_eq!(text.field(PatchField::SourceAdded).count(hash_token("both")), 1);
    assert_eq!((text.files[0].added, text.files[0].removed), (1, 2));
}

#[test]
fn knows_formatting_and_comments() {
    let check = |lines: &str, formatting_only: bool, code_lines: u32| {
        let stream = format!(
            "\x01{ID}\nx\n\0\n\ndiff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n{lines}"
        );
        let substance = read(stream.as_bytes())[0].substance;
        assert_eq!(
            (substance.formatting_only, substance.code_lines),
            (formatting_only, code_lines),
            "{lines}"
        );
    };
    check("-f('a',  b)\n+f(\n+    \"a\",\n+    b,\n+)\n", true, 5);
    check("-f(a)\n+f(b)\n", false, 2);
    check("+# a comment\n+\n", false, 0);
}

#[test]
fn a_flood_of_data_does_not_hide_the_source() {
    let mut stream = format!(
        "\x01{ID}\nx\n\0\n\ndiff --git a/a.json b/a.json\n--- a/a.json\n+++ b/a.json\n@@ -1 +1,99999 @@\n"
    );
    for n in 0..9999 {
        stream += &format!("+\"key{n}\": {n}\n");
    }
    stream += "diff --git a/z.py b/z.py\n--- a/z.py\n+++ b/z.py\n@@ -1 +1 @@\n+needle()\n";
    let text = &read(stream.as_bytes())[0];
    assert!(text.truncated);
    assert_eq!(text.field(PatchField::SourceAdded).count(hash_token("needle")), 1);
    assert!(text.field(PatchField::Other).length < 4000);
}

proptest::proptest! {
    #[test]
    fn hostile_patches_do_not_panic(body in proptest::collection::vec(
        proptest::prop_oneof!["@@ -[0-9]{1,11},[0-9]{0,12} \\+[0-9]{1,3} @@.{0,9}", "[-+ ].{0,30}", "diff --git .{0,20}",
            "diff --cc .{0,9}", "(rename from|rename to|---|\\+\\+\\+) .{0,12}", "@{1,70} .{0,20}", ".{0,20}"], 0..30)) {
        let stream = format!("\x01{ID}\nx\n\0\n{}", body.join("\n"));
        proptest::prop_assert!(!read(stream.as_bytes()).is_empty());
    }
}
