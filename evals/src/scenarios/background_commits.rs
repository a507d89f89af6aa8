/*!
Background work in a repository: features without an incident, their tests, documentation, comments and helpers in the files
that fail later, version bumps, short branches. It never changes the output of the program.
*/

use super::ScenarioError;
use super::history::ScenarioHistory;
use super::project::{ProgramLanguage, ScenarioProject};
use crate::random::SplitMix;

const THINGS: [&str; 18] = [
    "calendar", "stock", "route", "receipt", "contact", "voucher", "shelf", "shift", "season", "quota",
    "notice", "region", "archive", "batch", "seal", "queue", "roster", "survey",
];
const DEEDS: [&str; 14] = [
    "count", "sort", "merge", "weigh", "plan", "rank", "trim", "book", "close", "draft", "file", "clear",
    "assign", "scale",
];
const TOPICS: [&str; 10] = [
    "amounts",
    "dates",
    "rates",
    "codes",
    "quantities",
    "totals",
    "discounts",
    "limits",
    "names",
    "rounding",
];
const REMARKS: [&str; 8] = [
    "kept apart from the others since both change often",
    "the order matters to people who compare two printouts",
    "agreed with the office in spring",
    "see the notes in docs before changing this",
    "cheap enough to be done for every line",
    "nothing here may read a file",
    "the other house does the same",
    "asked for twice, refused twice",
];

#[derive(Debug, Clone)]
struct Function {
    name: String,
    factor: usize,
    plus: usize,
}

#[derive(Debug)]
struct Module {
    name: String,
    functions: Vec<Function>,
}

/// Generates the commits that no incident is about.
#[derive(Debug)]
pub(super) struct BackgroundCommits {
    project: ScenarioProject,
    random: SplitMix,
    modules: Vec<Module>,
    helpers: usize,
    release: usize,
}

impl BackgroundCommits {
    pub(super) fn new(project: ScenarioProject, random: SplitMix) -> Self {
        Self { project, random, modules: Vec::new(), helpers: 0, release: 0 }
    }

    /// The program with its current names.
    pub(super) fn project(&self) -> ScenarioProject {
        self.project
    }

    /// Takes the new names after a rename.
    pub(super) fn rename(&mut self, project: ScenarioProject) {
        self.project = project;
    }

    /// Adds one commit of everyday work.
    pub(super) fn step(&mut self, history: &mut ScenarioHistory) -> Result<(), ScenarioError> {
        match self.random.below(100) {
            0..34 => self.add_function(history),
            34..52 => self.change_function(history),
            52..64 => self.write_docs(history),
            64..82 => {
                let core = self.project.core();
                let path = self.random.pick(&core).cloned().unwrap_or_default();
                self.remark_in(history, &path)?;
            }
            82..90 => self.add_helper(history)?,
            90..95 => self.bump(history),
            _ => self.branch(history),
        }
        Ok(())
    }

    /// Commits a comment above a function of `path`, which changes the file but not the program.
    pub(super) fn remark_in(
        &mut self,
        history: &mut ScenarioHistory,
        path: &str,
    ) -> Result<(), ScenarioError> {
        let topic = self.word(&TOPICS);
        let remark = format!("About {topic}: {}.", self.word(&REMARKS));
        self.say_in(history, path, &remark)?;
        let name = path.rsplit('/').next().unwrap_or(path);
        history.commit(&format!("Say more about {topic} in {name}"), "");
        Ok(())
    }

    /// Puts a comment above a function of `path`, without a commit.
    pub(super) fn say_in(
        &mut self,
        history: &mut ScenarioHistory,
        path: &str,
        remark: &str,
    ) -> Result<(), ScenarioError> {
        let text = history.read(path)?;
        let begins = |line: &&str| {
            line.starts_with("def ") || line.starts_with("function ") || line.trim_end().ends_with("() {")
        };
        let heads: Vec<String> = text.lines().filter(begins).map(str::to_owned).collect();
        let mark = self.project.comment();
        let line = format!("{mark} {remark}");
        match self.random.pick(&heads) {
            Some(head) if text.matches(head.as_str()).count() == 1 => {
                let with = format!("{line}\n{head}");
                let head = head.clone();
                history.replace(path, &head, &with)
            }
            _ => {
                history.append(path, &format!("\n{line}\n"));
                Ok(())
            }
        }
    }

    fn word(&mut self, from: &[&'static str]) -> &'static str {
        self.random.pick(from).copied().unwrap_or_default()
    }

    fn module_path(&self, name: &str) -> String {
        self.project.module(&format!("x_{name}"))
    }

    fn test_path(&self, name: &str) -> String {
        match self.project.lang {
            ProgramLanguage::Sh => format!("tests/t_{name}.sh"),
            ProgramLanguage::Python => format!("tests/test_{name}.py"),
            ProgramLanguage::Node => format!("tests/t_{name}.js"),
        }
    }

    fn write_module(&self, history: &mut ScenarioHistory, module: &Module) {
        let app = self.project.theme.app;
        let (mut code, mut tests) = (String::new(), String::new());
        let file = format!("x_{}", module.name);
        match self.project.lang {
            ProgramLanguage::Sh => tests.push_str(&format!(". lib/{file}.sh\n")),
            ProgramLanguage::Python => tests.push_str(&format!(
                "import unittest\n\nfrom {app} import {file}\n\n\nclass Case(unittest.TestCase):\n"
            )),
            ProgramLanguage::Node => tests.push_str(&format!(
                "const part = require('../src/{file}');\n\nmodule.exports = (check) => {{\n"
            )),
        }
        for Function { name, factor, plus } in &module.functions {
            let expected = 6 * factor + plus;
            match self.project.lang {
                ProgramLanguage::Sh => {
                    code.push_str(&format!("{name}() {{\n    R=$(($1 * {factor} + {plus}))\n}}\n\n"));
                    tests.push_str(&format!("{name} 6\ncheck \"{name}\" \"{expected}\" \"$R\"\n"));
                }
                ProgramLanguage::Python => {
                    code.push_str(&format!("def {name}(value):\n    return value * {factor} + {plus}\n\n\n"));
                    tests.push_str(&format!(
                        "    def test_{name}(self):\n        self.assertEqual({file}.{name}(6), {expected})\n\n"
                    ));
                }
                ProgramLanguage::Node => {
                    code.push_str(&format!(
                        "function {name}(value) {{\n  return value * {factor} + {plus};\n}}\nmodule.exports.{name} = {name};\n\n"
                    ));
                    tests.push_str(&format!("  check('{name}', part.{name}(6), {expected});\n"));
                }
            }
        }
        if self.project.lang == ProgramLanguage::Node {
            tests.push_str("};\n");
        }
        history.write(&self.module_path(&module.name), code);
        history.write(&self.test_path(&module.name), tests);
    }

    fn add_function(&mut self, history: &mut ScenarioHistory) {
        let thing = self.word(&THINGS);
        let deed = self.word(&DEEDS);
        let at = match self.modules.iter().position(|module| module.name == thing) {
            Some(at) => at,
            None => {
                self.modules.push(Module { name: thing.to_owned(), functions: Vec::new() });
                self.modules.len() - 1
            }
        };
        let number = self.modules[at].functions.len();
        let name = if number == 0 { format!("{thing}_{deed}") } else { format!("{thing}_{deed}_{number}") };
        let (factor, plus) = (2 + self.random.below(40), self.random.below(500));
        self.modules[at].functions.push(Function { name, factor, plus });
        self.write_module(history, &self.modules[at]);
        let noun = match self.random.below(3) {
            0 => self.project.theme.recs,
            1 => self.project.theme.party,
            _ => "the office",
        };
        history.commit(&format!("Let {noun} {deed} a {thing}"), "");
    }

    fn change_function(&mut self, history: &mut ScenarioHistory) {
        if self.modules.is_empty() {
            return self.add_function(history);
        }
        let at = self.random.below(self.modules.len());
        let which = self.random.below(self.modules[at].functions.len());
        let plus = self.random.below(500);
        let function = &mut self.modules[at].functions[which];
        function.plus = plus;
        let name = function.name.replace('_', " ");
        self.write_module(history, &self.modules[at]);
        let subject = match self.random.below(3) {
            0 => format!("Correct {name}"),
            1 => format!("New figures for {name}"),
            _ => format!("Start {name} from {plus}"),
        };
        history.commit(&subject, "");
    }

    fn write_docs(&mut self, history: &mut ScenarioHistory) {
        let (topic, remark) = (self.word(&TOPICS), self.word(&REMARKS));
        let recs = self.project.theme.recs;
        history.append(&format!("docs/{topic}.md"), &format!("- {recs} and their {topic}: {remark}\n"));
        history.commit(&format!("Write down what {recs} have to do with {topic}"), "");
    }

    /// Adds a small function to a file of the program. Nothing calls it yet.
    fn add_helper(&mut self, history: &mut ScenarioHistory) -> Result<(), ScenarioError> {
        let core = self.project.core();
        let path = self.random.pick(&core).cloned().unwrap_or_default();
        self.helpers += 1;
        let name = format!("{}_{}", self.word(&DEEDS), self.helpers);
        let limit = self.random.below(90) + 10;
        let text = match self.project.lang {
            ProgramLanguage::Sh => {
                format!("\n# Whether there are enough.\n{name}_enough() {{\n    [ \"$1\" -ge {limit} ]\n}}\n")
            }
            ProgramLanguage::Python => {
                format!("\n\ndef {name}_enough(count):\n    return count >= {limit}\n")
            }
            ProgramLanguage::Node => {
                format!("\nmodule.exports.{name}Enough = (count) => count >= {limit};\n")
            }
        };
        history.read(&path)?;
        history.append(&path, &text);
        let file = path.rsplit('/').next().unwrap_or(&path);
        history.commit(&format!("Prepare {} in {file}", self.word(&TOPICS)), "");
        Ok(())
    }

    fn bump(&mut self, history: &mut ScenarioHistory) {
        self.release += 1;
        let (topic, release) = (self.word(&TOPICS), self.release);
        history.append("CHANGELOG.md", &format!("1.{release}: better {topic}\n"));
        history.commit(&format!("Release 1.{release}"), "");
    }

    fn branch(&mut self, history: &mut ScenarioHistory) {
        let (topic, thing, remark) = (self.word(&TOPICS), self.word(&THINGS), self.word(&REMARKS));
        history.fork(
            (&format!("Collect what was said about {topic}"), &|history| {
                history.append(&format!("docs/{topic}.md"), &format!("- collected: {remark}\n"));
            }),
            (&format!("List every {thing}"), &|history| {
                history.append("docs/things.md", &format!("- {thing}\n"));
            }),
            &format!("Merge branch '{topic}'"),
        );
    }
}
