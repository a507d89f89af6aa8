/*!
Slash commands: actions of a person in a conversation besides asking. Every channel offers the same ones.
*/

/// A parsed line that begins with a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlashCommand {
    /// One piece of evidence, or the list of all.
    Evidence(Option<String>),
    Suspects,
    /// Consent to a waiting call, or to writing the requested fix.
    Approve(Option<String>),
    Deny(Option<String>),
    Stop,
    /// Continues a stopped run.
    Resume,
    Report,
    Help,
    Quit,
    Unknown(String),
}

pub(super) const HELP: &str = "\
/evidence [E3]    shows a piece of evidence, or lists all
/suspects         the commits most suspected
/report           the last report
/approve [CALL]   approves the call that waits for consent
/deny [CALL]      denies it
/stop             stops the investigation; you can resume it later
/resume           resumes a stopped one
/steer TEXT       tells a running investigation where to look
/help, /quit";

/// Parses a line; `None` if it is not a command.
pub fn command(line: &str) -> Option<SlashCommand> {
    let line = line.trim();
    let rest = line.strip_prefix('/')?;
    let mut words = rest.split_whitespace();
    let name = words.next().unwrap_or_default().to_lowercase();
    let argument = words.next().map(|word| word.trim_matches(['[', ']']).to_owned());
    Some(match name.as_str() {
        "evidence" | "e" => SlashCommand::Evidence(argument.map(|id| id.to_uppercase())),
        "suspects" => SlashCommand::Suspects,
        "approve" => SlashCommand::Approve(argument),
        "deny" => SlashCommand::Deny(argument),
        "stop" => SlashCommand::Stop,
        "resume" => SlashCommand::Resume,
        "report" => SlashCommand::Report,
        "help" | "?" => SlashCommand::Help,
        "quit" | "exit" | "q" => SlashCommand::Quit,
        _ => SlashCommand::Unknown(name.chars().take(40).collect()),
    })
}

/// The text of `/steer TEXT`.
pub fn steering(line: &str) -> Option<&str> {
    line.trim().strip_prefix("/steer ").map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_questions() {
        let check =
            |line: &str, expected: Option<SlashCommand>| assert_eq!(command(line), expected, "{line}");
        check("who changed a/b?", None);
        check("  /evidence e3 ", Some(SlashCommand::Evidence(Some("E3".into()))));
        check("/evidence [E3]", Some(SlashCommand::Evidence(Some("E3".into()))));
        check("/EVIDENCE", Some(SlashCommand::Evidence(None)));
        check("/approve c4", Some(SlashCommand::Approve(Some("c4".into()))));
        check("/", Some(SlashCommand::Unknown(String::new())));
        check("/usr/lib is missing", Some(SlashCommand::Unknown("usr/lib".into())));
        assert_eq!(steering("/steer look at the cache"), Some("look at the cache"));
        assert_eq!(steering("/steer "), None);
    }
}
