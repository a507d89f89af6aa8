/*!
Finds the repository files that a replay's command names: the script or test that shows the failure. A file that is
not committed, or that is newer than the fault, does not exist at old revisions and must be laid over each checkout.
*/

use std::collections::BTreeSet;

/// Maximum number of files that are read from one command.
const MAX_NAMED: usize = 20;
const MAX_COMMAND_BYTES: usize = 64 * 1024;

/// Paths inside the repository that words of `command` name, in order of appearance. `exists` tells whether a file
/// exists. Python's dotted names (`tests.cart.CartTests.test_total`) name the module's file.
pub fn named_files(command: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    let mut folder = String::new();
    let mut words = words(command).peekable();
    while let Some(word) = words.next() {
        if word == "cd" {
            if let Some(to) = words.peek().and_then(|to| inside(to)) {
                folder = join(&folder, &to);
            }
            continue;
        }
        let found = candidates(&word)
            .into_iter()
            .flat_map(|path| [join(&folder, &path), path])
            .find(|path| exists(path));
        if let Some(path) = found
            && out.len() < MAX_NAMED
            && seen.insert(path.clone())
        {
            out.push(path);
        }
    }
    out
}

/// File names that a word may stand for: the word itself, the part before a test's name, and the file of a dotted
/// module.
fn candidates(word: &str) -> Vec<String> {
    let word = word.split_once("::").map_or(word, |(file, _)| file);
    let word = word.rsplit_once('=').map_or(word, |(_, value)| value);
    let mut out: Vec<String> = inside(word).into_iter().collect();
    let dotted = !word.contains('/')
        && word.contains('.')
        && word.split('.').all(|part| {
            !part.is_empty() && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        });
    if dotted {
        let parts: Vec<&str> = word.split('.').collect();
        // The longest prefix that is a module; a class and a test may follow it.
        out.extend((1..=parts.len()).rev().map(|count| format!("{}.py", parts[..count].join("/"))));
    }
    out
}

/// `path` without `./`; `None` if it leaves the repository.
fn inside(path: &str) -> Option<String> {
    let path = path.trim_start_matches("./").trim_end_matches('/');
    let stays = !path.is_empty()
        && !path.starts_with(['/', '-', '~', '$'])
        && path.len() < 512
        && !path.split('/').any(|part| part == "..");
    stays.then(|| path.to_owned())
}

fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// Words of a shell command and of its inline programs, split at blanks, quotes and operators.
fn words(command: &str) -> impl Iterator<Item = String> + '_ {
    let mut end = command.len().min(MAX_COMMAND_BYTES);
    while !command.is_char_boundary(end) {
        end -= 1;
    }
    command[..end]
        .split(|letter: char| {
            letter.is_whitespace()
                || matches!(letter, '"' | '\'' | '`' | ';' | '&' | '|' | '<' | '>' | '(' | ')' | ',')
        })
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, files: &[&str], expected: &[&str]) {
        assert_eq!(named_files(command, |path| files.contains(&path)), expected, "{command}");
    }

    #[test]
    fn words_that_are_files_are_named() {
        check("sh new.sh", &["new.sh"], &["new.sh"]);
        check("sh ./new.sh && ./b.sh", &["new.sh", "b.sh"], &["new.sh", "b.sh"]);
        check("cd web && node test/cart.js", &["web/test/cart.js"], &["web/test/cart.js"]);
        check("pytest tests/test_a.py::T::test_b -q", &["tests/test_a.py"], &["tests/test_a.py"]);
        check("python -m unittest tests.cart.CartTests.test_total", &["tests/cart.py"], &["tests/cart.py"]);
        check("node -e 'require(\"./lib/x.js\")'", &["lib/x.js"], &["lib/x.js"]);
        check("mvn -Dtest=a/B.java test", &["a/B.java"], &["a/B.java"]);
        check("cat ../outside /etc/passwd a b a", &["a"], &["a"]);
        check("echo nothing", &[], &[]);
    }
}
