/*!
Checks the documentation against the program: links and anchors resolve, commands and options exist in the built command, and
the page of configuration keys agrees with the schema. Tests do not check whether the prose is true.
*/
#![expect(clippy::unwrap_used, reason = "a document of another shape fails its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn guide_pages() -> Vec<PathBuf> {
    let folder = root().join("deploy/guide");
    let mut pages: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    assert!(pages.len() >= 12, "{pages:?}");
    pages
}

/// Every document whose links are checked.
fn documents() -> Vec<PathBuf> {
    let others = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "deploy/README.md"];
    others.iter().map(|name| root().join(name)).chain(guide_pages()).collect()
}

/// Splits a document at its fences into code blocks (language and lines) and the prose without the blocks.
fn blocks_and_prose(text: &str) -> (Vec<(String, Vec<String>)>, String) {
    let (mut blocks, mut prose) = (Vec::new(), String::new());
    let mut open: Option<(String, Vec<String>)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => open = Some((language.trim().to_owned(), Vec::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, lines))) => lines.push(line.to_owned()),
            (None, None) => prose.extend([line, "\n"]),
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    (blocks, prose)
}

/// The heading anchors of a document, as code hosts generate them and as the service does for the guide.
fn anchors(text: &str) -> BTreeSet<String> {
    let (_, prose) = blocks_and_prose(text);
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let text = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
            let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
            let time = times.entry(anchor.clone()).or_default();
            *time += 1;
            if *time == 1 { anchor } else { format!("{anchor}-{}", *time - 1) }
        })
        .collect()
}

/// Link targets of a document that are files of the source folder.
fn relative_links(text: &str) -> Vec<String> {
    let (_, prose) = blocks_and_prose(text);
    let prose = Regex::new("`[^`]*`").unwrap().replace_all(&prose, "code").into_owned();
    let link = Regex::new(r"\]\(([^()\s]+)\)").unwrap();
    let targets = link.captures_iter(&prose).map(|found| found[1].to_owned());
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).collect()
}

#[test]
fn relative_links_and_anchors_resolve() {
    let (mut broken, mut checked) = (Vec::new(), 0);
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for target in relative_links(&text) {
            checked += 1;
            let (file, anchor) =
                target.split_once('#').map_or((&*target, None), |(file, at)| (file, Some(at)));
            let path = match file {
                "" => document.clone(),
                file => document.parent().unwrap().join(file),
            };
            let resolves = match anchor {
                None => path.exists(),
                Some(anchor) => fs::read_to_string(&path).is_ok_and(|text| anchors(&text).contains(anchor)),
            };
            if !resolves {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(checked > 80, "only {checked} links were found");
}

#[test]
fn every_page_of_the_guide_has_one_first_heading_and_is_in_its_index_and_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let index = fs::read_to_string(root().join("deploy/guide/index.md")).unwrap();
    for page in guide_pages() {
        let (_, prose) = blocks_and_prose(&fs::read_to_string(&page).unwrap());
        let name = page.file_name().unwrap().to_str().unwrap();
        assert_eq!(prose.lines().filter(|line| line.starts_with("# ")).count(), 1, "{name}");
        assert!(readme.contains(&format!("(deploy/guide/{name})")), "README.md does not link {name}");
        assert!(name == "index.md" || index.contains(&format!("({name})")), "index.md does not link {name}");
    }
}

#[test]
fn the_readme_is_short() {
    let lines = fs::read_to_string(root().join("README.md")).unwrap().lines().count();
    assert!(lines < 150, "{lines} lines; what a newcomer does not need stands in deploy/guide");
}

/// The help texts of the built command and its subcommands. Each is requested once.
#[derive(Default)]
struct CommandHelp(BTreeMap<Vec<String>, String>);

impl CommandHelp {
    #[expect(clippy::disallowed_methods, reason = "the command is run as a user runs it")]
    fn text(&mut self, words: &[String]) -> &str {
        self.0.entry(words.to_vec()).or_insert_with(|| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_millwright"));
            let ran = command.args(words).arg("--help").output().unwrap();
            assert!(ran.status.success(), "{words:?}");
            String::from_utf8(ran.stdout).unwrap()
        })
    }

    fn subcommands(&mut self, words: &[String]) -> BTreeSet<String> {
        let help = self.text(words);
        let Some((_, list)) = help.split_once("\nCommands:\n") else { return BTreeSet::new() };
        let lines = list.lines().take_while(|line| !line.is_empty());
        // A continuation line of a description is indented more than the names.
        let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    }

    fn has_option(&mut self, words: &[String], option: &str) -> bool {
        let declared = Regex::new(&format!(r"(?m)^\s*(-\w, )?{}(\s|=|$)", regex::escape(option))).unwrap();
        declared.is_match(self.text(words))
    }

    /// Checks a command line; the error says what is wrong.
    fn check(&mut self, line: &str) -> Result<(), String> {
        let mut words = Vec::new();
        let mut arguments = shell_words(line).into_iter().skip(1).peekable();
        loop {
            let known = self.subcommands(&words);
            match arguments.peek() {
                Some(word) if known.contains(word) => words.extend(arguments.next()),
                Some(word) if !known.is_empty() && !word.starts_with('-') => {
                    return Err(format!("{word} is not a subcommand: {line}"));
                }
                None if words.is_empty() => return Err(format!("no subcommand: {line}")),
                _ => break,
            }
        }
        for argument in arguments.filter(|argument| argument.starts_with("--")) {
            let option = argument.split('=').next().unwrap_or_default();
            if !self.has_option(&words, option) {
                return Err(format!("{option} is not an option of {words:?}: {line}"));
            }
        }
        Ok(())
    }
}

/// The words of the first command of a shell line. Understands what the examples need: quotes, and an end at a comment, a
/// pipe, a redirection or the next command.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => quote = Some(c),
            (None, '|' | '<' | '>' | '&' | ';') => break,
            (None, '#') if word.is_empty() => break,
            (None, c) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (None, c) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Every command line of `millwright` in the shell blocks of the README and the guide.
fn command_lines() -> Vec<String> {
    let mut found = Vec::new();
    for document in [root().join("README.md")].into_iter().chain(guide_pages()) {
        let (blocks, _) = blocks_and_prose(&fs::read_to_string(&document).unwrap());
        for (_, lines) in blocks.into_iter().filter(|(language, _)| language == "sh") {
            let joined = lines.join("\n").replace("\\\n", " ");
            found.extend(joined.lines().filter(|line| line.starts_with("millwright ")).map(str::to_owned));
        }
    }
    found
}

#[test]
fn commands_and_options_in_examples_exist() {
    let mut help = CommandHelp::default();
    let lines = command_lines();
    assert!(lines.len() > 50, "only {} command lines were found", lines.len());
    let wrong: Vec<String> = lines.iter().filter_map(|line| help.check(line).err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");

    // The check rejects wrong command lines.
    for line in
        ["millwright", "millwright serf", "millwright memory serach x", "millwright serve --lisen 1 # x"]
    {
        assert!(help.check(line).is_err(), "{line}");
    }
    assert!(help.check("millwright serve --listen=127.0.0.1:1 | cat --none").is_ok());
}

#[test]
fn the_index_names_every_command() {
    let mut help = CommandHelp::default();
    let index = fs::read_to_string(root().join("deploy/guide/index.md")).unwrap();
    let row = Regex::new(r"(?m)^\| `([a-z]+)([^`]*)` \|").unwrap();
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for found in row.captures_iter(&index) {
        let below = found[2].trim().trim_start_matches("weights").replace('\\', "");
        let below = below.split('|').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty());
        let command = if found[2].contains("weights") { "memory weights" } else { &found[1] };
        named.entry(command.to_owned()).or_default().extend(below);
    }
    let mut commands = help.subcommands(&[]);
    commands.remove("help");
    let top: BTreeSet<String> = named.keys().filter(|name| !name.contains(' ')).cloned().collect();
    assert_eq!(top, commands);
    for name in ["token", "memory", "memory weights", "eval"] {
        let words: Vec<String> = name.split(' ').map(str::to_owned).collect();
        let mut below = help.subcommands(&words);
        below.retain(|one| one != "help" && one != "weights");
        assert_eq!(named[name], below, "{name}");
    }
}

/// The entries that the page of keys must contain: section, key, and the default as the page writes it.
fn keys_of_schema(schema: &Value) -> BTreeSet<(String, String, String)> {
    let sections = [
        ("repositories.NAME", "RepositorySection"),
        ("sandbox", "SandboxSection"),
        ("redaction", "RedactionSection"),
        ("store", "StoreSection"),
        ("model", "ModelSection"),
        ("vectors", "VectorsSection"),
        ("embeddings", "EmbeddingsSection"),
        ("server", "ServerSection"),
        ("auth", "AuthSection"),
        ("connectors.NAME", "ConnectorsSection"),
        ("channels.slack", "SlackSection"),
        ("telemetry", "TelemetrySection"),
    ];
    let tops: BTreeSet<&str> = sections.iter().map(|(name, _)| name.split('.').next().unwrap()).collect();
    let all: BTreeSet<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(tops, all, "a section is missing from this test");
    let written = |default: &Value| match default {
        Value::Null => "–".to_owned(),
        default => format!("`{default}`"),
    };
    let mut keys = BTreeSet::new();
    for (section, definition) in sections {
        for (key, property) in schema["$defs"][definition]["properties"].as_object().unwrap() {
            let default = &property["default"];
            match (definition, default) {
                // Each system has its own section. Together these sections have the keys that the page lists.
                ("ConnectorsSection", _) => {
                    for (key, property) in property["properties"].as_object().unwrap() {
                        keys.insert((section.to_owned(), key.clone(), written(&property["default"])));
                    }
                }
                // The page writes a table within a section with dots.
                ("ModelSection", Value::Object(inner)) => {
                    for (name, default) in inner {
                        keys.insert((section.to_owned(), format!("{key}.{name}"), written(default)));
                    }
                }
                _ => {
                    keys.insert((section.to_owned(), key.clone(), written(default)));
                }
            }
        }
    }
    keys
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the command is run as a user runs it")]
fn the_page_of_configuration_has_every_key_with_its_default() {
    let ran = Command::new(env!("CARGO_BIN_EXE_millwright")).args(["schema", "config"]).output().unwrap();
    let schema: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let page = fs::read_to_string(root().join("deploy/guide/configuration.md")).unwrap();
    let row = Regex::new(r"^\| `([a-z_.]+)` \| (\S+) \|").unwrap();
    let (mut section, mut told) = (String::new(), BTreeSet::new());
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading.trim_matches(['[', ']']).to_owned();
        } else if let Some(found) = row.captures(line) {
            assert!(
                told.insert((section.clone(), found[1].to_owned(), found[2].to_owned())),
                "twice: {line}"
            );
        }
    }
    let expected = keys_of_schema(&schema);
    let missing: Vec<_> = expected.difference(&told).collect();
    let wrong: Vec<_> = told.difference(&expected).collect();
    assert!(missing.is_empty() && wrong.is_empty(), "missing: {missing:#?}\nwrong: {wrong:#?}");
}
