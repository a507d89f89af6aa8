/*!
Finds in a command's own output what the kernel refused to it. Refused file accesses leave no other trace that an
unprivileged program could see. These are the lines a person would look for, and the report marks them as the
command's own words.
*/

use std::path::Path;

/// The C library's messages for accesses that a sandbox refuses.
const REFUSALS: &[&str] = &[
    "Permission denied",
    "Operation not permitted",
    "Read-only file system",
    "Network is unreachable",
    "Address family not supported",
    "Cannot fork",
    "Resource temporarily unavailable",
];
/// What programs and shells print when a file may not grow further.
pub(super) const TOO_LARGE: &[&str] = &["File too large", "EFBIG", "File size limit exceeded"];
const MAX_HINTS: usize = 8;
const MAX_LINE_CHARS: usize = 240;

/// Files that exist on the machine but were missing for the command, because the sandbox did not show them.
pub(super) fn hidden_in(output: &str, shown: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    for line in output.lines().filter(|line| line.contains("No such file or directory")) {
        let words = line.split(|c: char| c.is_whitespace() || "'\"`‘’:,;()[]<>".contains(c));
        for path in words.filter(|word| word.len() > 1 && word.starts_with('/')).map(Path::new) {
            if shown(path) || !path.exists() {
                continue;
            }
            let path = path.display().to_string().chars().take(MAX_LINE_CHARS).collect::<String>();
            let hint = format!("hidden from the command: {path} (allow reading it if the command needs it)");
            if !hints.contains(&hint) && hints.len() < MAX_HINTS {
                hints.push(hint);
            }
        }
    }
    hints
}

/// Lines of the output that report a refused access, each once.
pub(super) fn refusals_in(output: &str) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    for line in output.lines() {
        if REFUSALS.iter().any(|refusal| line.contains(refusal)) {
            let words: String =
                line.trim().chars().filter(|c| !c.is_control()).take(MAX_LINE_CHARS).collect();
            let hint = format!("the command said: {words}");
            if !hints.contains(&hint) {
                hints.push(hint);
            }
            if hints.len() == MAX_HINTS {
                break;
            }
        }
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_files_are_named() {
        let output = "cat: /proc/version: No such file or directory\nFileNotFoundError: [Errno 2] No such file or directory: '/proc/meminfo'\ncat: /nonexistent: No such file or directory";
        let hints = hidden_in(output, |path| path.ends_with("version"));
        assert_eq!(
            hints,
            ["hidden from the command: /proc/meminfo (allow reading it if the command needs it)"]
        );
    }

    #[test]
    fn refusals_are_quoted_once_and_bounded() {
        let output = "ok\nsh: 1: cannot create /etc/x: Permission denied\n".repeat(3);
        assert_eq!(
            refusals_in(&output),
            ["the command said: sh: 1: cannot create /etc/x: Permission denied"]
        );
        let many: String = (0..50).map(|n| format!("{n}: Read-only file system\n")).collect();
        assert_eq!(refusals_in(&many).len(), MAX_HINTS);
        assert!(refusals_in(&format!("\u{1b}[31m{} Permission denied", "x".repeat(1 << 20)))[0].len() < 300);
        assert!(refusals_in("all good").is_empty());
    }
}
