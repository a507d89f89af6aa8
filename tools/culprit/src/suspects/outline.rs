/*!
Finds where the functions of a file begin and end, by indentation: a definition reaches to the next line that is not
indented deeper. This works for every language with conventionally indented code, costs microseconds per file, and is
precise enough for ranking suspects.
*/

use millwright_git::history::names;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OutlineEntry {
    pub(super) name: String,
    /// First and last line, 1-based.
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Definitions in order of their first line; inner ones follow the outer one that contains them.
pub(super) fn definitions(content: &str) -> Vec<OutlineEntry> {
    let mut found: Vec<OutlineEntry> = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut last_text = 0;
    for (number, line) in (1u32..).zip(content.lines()) {
        let trimmed = line.trim_start();
        if trimmed.is_empty() {
            continue;
        }
        let indent = line.len() - trimmed.len();
        // A closing bracket or an opening brace on its own line belongs to the definition above it.
        let continues = trimmed.starts_with(['}', ')', ']', '{']);
        while let Some((at, depth)) = open.last().copied() {
            if indent > depth || (indent == depth && continues) {
                break;
            }
            found[at].end = last_text;
            open.pop();
        }
        if let Some(name) = names::definition_in(trimmed.as_bytes()) {
            open.push((found.len(), indent));
            found.push(OutlineEntry { name: name.to_owned(), start: number, end: number });
        }
        last_text = number;
    }
    for (at, _) in open {
        found[at].end = last_text;
    }
    found
}

/// The innermost definition around a line.
pub(super) fn enclosing(definitions: &[OutlineEntry], line: u32) -> Option<&OutlineEntry> {
    definitions.iter().rfind(|definition| definition.start <= line && line <= definition.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_extent_of_functions() {
        let python = "import x\n\nclass A:\n    def f(self):\n        if x:\n            y()\n\n    def g(self):\n        pass\n\ndef h():\n    pass\n";
        let found: Vec<_> = definitions(python).into_iter().map(|d| (d.name, d.start, d.end)).collect();
        let expected = [("A", 3, 9), ("f", 4, 6), ("g", 8, 9), ("h", 11, 12)];
        assert_eq!(found, expected.map(|(name, start, end)| (name.to_owned(), start, end)));
        let java = "public class A {\n    public int f(int a)\n    {\n        return a;\n    }\n\n    void g() {\n    }\n}\n";
        let found: Vec<_> = definitions(java).into_iter().map(|d| (d.name, d.start, d.end)).collect();
        assert_eq!(found, [("A".to_owned(), 1, 9), ("f".to_owned(), 2, 5), ("g".to_owned(), 7, 8)]);
        assert_eq!(enclosing(&definitions(java), 4).unwrap().name, "f");
        assert_eq!(enclosing(&definitions(java), 6).unwrap().name, "A");
    }
}
