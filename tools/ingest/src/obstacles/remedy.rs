/*!
What to do about a set-up failure, in terms of Millwright's features: command-line options and entries of
`[repositories.NAME]` in the configuration.
*/

use super::ObstacleKind;

pub(super) fn remedy(kind: ObstacleKind, subject: Option<&str>) -> String {
    let named = |what: &str| match subject {
        Some(name) => format!("{what} `{name}`"),
        None => format!("the missing {what}"),
    };
    match kind {
        ObstacleKind::Import => format!(
            "Make {} available to the replay: --allow-read PATH of the folder where it is installed (a virtual \
             environment, node_modules, a package cache; with --env KEY=VALUE where a search path must name it), or a \
             step in setup = [...] of [repositories.NAME] that installs it without a network.",
            named("module")
        ),
        ObstacleKind::Syntax => format!(
            "Correct the syntax of the script{}, or give the interpreter that reads it: --allow-read PATH of its \
             folder, --env PATH=... to use it.",
            subject.map(|what| format!(" (`{what}`)")).unwrap_or_default()
        ),
        ObstacleKind::Build => format!(
            "Make the build pass at this revision{}: name the compiler and the flags it needs with --env KEY=VALUE and \
             --allow-read PATH, or prepare the build in setup = [...] of [repositories.NAME]; let the replay end with \
             status 125 at revisions that do not build.",
            subject.map(|what| format!(" (the compiler says `{what}`)")).unwrap_or_default()
        ),
        ObstacleKind::MissingCommand => format!(
            "Make {} available: --allow-read PATH of the folder where it is installed and --env PATH=... that names \
             this folder, or correct the name in the replay command.",
            named("command")
        ),
        ObstacleKind::MissingTest => format!(
            "Correct {} in the replay command; a test file that no revision has is laid over every checkout with \
             --overlay PATH.",
            named("test")
        ),
        ObstacleKind::MissingFile => format!(
            "Correct the path of {} in the replay command, which runs in the root of the checkout; a file that no \
             revision has is laid over every checkout with --overlay PATH, one outside of it is shown with \
             --allow-read PATH.",
            named("file")
        ),
        ObstacleKind::Network => format!(
            "A replay has no network, so that {} cannot be reached: let the replay use a local stand-in or a recorded \
             answer, start what it needs inside of the replay (network = \"loopback\" in [sandbox]), or give fetched \
             packages with --allow-read PATH.",
            subject.map_or_else(|| "the host".to_owned(), |name| format!("`{name}`"))
        ),
        ObstacleKind::Permission => format!(
            "Let the replay do without {}: it may write in the checkout and in its temporary folder only; run a script \
             that is not executable as `sh SCRIPT`, and show files outside of the checkout with --allow-read PATH.",
            subject.map_or_else(|| "what it was refused".to_owned(), |name| format!("access to `{name}`"))
        ),
        ObstacleKind::MissingVariable => {
            let name = subject.unwrap_or("KEY");
            format!("Set the environment variable: --env {name}=VALUE, or env = {{ {name} = \"VALUE\" }} in [repositories.NAME].")
        }
        ObstacleKind::EmptySubmodule => format!(
            "Bring in {}: checkouts have no submodules and no network, so that `git submodule update --init` cannot run \
             inside; give a clone that has it with --allow-read PATH and copy it in a step of setup = [...] in \
             [repositories.NAME], or lay its files over every checkout with --overlay PATH.",
            subject.map_or_else(|| "the submodule".to_owned(), |name| format!("the submodule `{name}`"))
        ),
        ObstacleKind::LineEndings => format!(
            "Remove the Windows line ends from {}: save it with LF, or convert the scripts of a checkout in a step of \
             setup = [...] in [repositories.NAME] (`sed -i 's/\\r$//' FILE`).",
            subject.map_or_else(|| "the script".to_owned(), |name| format!("`{name}`"))
        ),
        ObstacleKind::RuntimeVersion => format!(
            "Give the version that the code needs{}: --allow-read PATH of an installation and --env PATH=... (or \
             JAVA_HOME, GOROOT and the like) that names it.",
            subject.map(|what| format!(" (`{what}`)")).unwrap_or_default()
        ),
        ObstacleKind::Resources => "Let the replay do less, or raise memory_mb, disk_mb, file_mb or processes in [sandbox] of the \
             configuration."
            .to_owned(),
        ObstacleKind::TimeOut => "Let the replay do less, or raise timeout_s in [repositories.NAME] of the configuration (wall_s in \
             [sandbox] is the upper bound)."
            .to_owned(),
        ObstacleKind::Environment => "Run the replay command in a checkout of this revision by hand and give what it lacks with --allow-read \
             PATH, --env KEY=VALUE or setup = [...] in [repositories.NAME]."
            .to_owned(),
    }
}
