/*!
Options that had another name in the previous release: they still work, and each use warns with the new name. The next
release removes them.
*/

/// Command, old name, new name.
const RENAMED_OPTIONS: &[(&str, &str, &str)] = &[
    ("investigate", "--at", "--bad"),
    ("chat", "--at", "--bad"),
    ("investigate", "--require", "--min-verdict"),
    ("index", "--deployed", "the command `millwright deployment add SERVICE=REV`"),
];

/// The warnings about the options in a command line (without the program's name).
pub(crate) fn warnings_of_renamed_options(arguments: &[String]) -> Vec<String> {
    let Some((command, options)) = arguments.split_first() else { return Vec::new() };
    let options = || options.iter().take_while(|option| *option != "--");
    let is_used = |old: &str| {
        options().any(|option| {
            option.strip_prefix(old).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    };
    RENAMED_OPTIONS
        .iter()
        .filter(|(of, old, _)| of == command && is_used(old))
        .map(|(_, old, new)| format!("{old} is now {new}; the old name is removed in the next release"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_name_is_told_once_and_only_where_it_was_one() {
        let warned =
            |line: &str| warnings_of_renamed_options(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(
            warned("investigate t.txt --repo . --at=HEAD~1 --at HEAD"),
            ["--at is now --bad; the old name is removed in the next release"]
        );
        assert_eq!(warned("investigate t.txt --require known --at x").len(), 2);
        for quiet in ["investigate t.txt --bad x", "deployment add a=b --at now", "investigate -- --at", ""] {
            assert!(warned(quiet).is_empty(), "{quiet}");
        }
    }
}
