/*!
The program that a scenario is about: a small application that reads records, rates them, adds them up and prints the
sum, in one of three languages and in the words of one of several trades, so that no two repositories share their
names. What it does is the same everywhere, which keeps a fault's truth checkable; where it stands is not.
*/

use super::history::History;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lang {
    Sh,
    Python,
    Node,
}

/// The parts of the program; each is a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Main,
    Reader,
    Units,
    Rules,
    Ledger,
    Render,
    Guard,
    Pad,
    Rates,
    Settings,
    PadVersion,
    Tests,
}

/// The words of a trade.
#[derive(Debug, Clone, Copy)]
pub(super) struct Theme {
    pub(super) app: &'static str,
    pub(super) reader: &'static str,
    pub(super) units: &'static str,
    pub(super) rules: &'static str,
    pub(super) ledger: &'static str,
    pub(super) render: &'static str,
    pub(super) guard: &'static str,
    pub(super) rec: &'static str,
    pub(super) recs: &'static str,
    pub(super) party: &'static str,
}

const fn theme(app: &'static str, parts: [&'static str; 6], words: [&'static str; 3]) -> Theme {
    let [reader, units, rules, ledger, render, guard] = parts;
    let [rec, recs, party] = words;
    Theme { app, reader, units, rules, ledger, render, guard, rec, recs, party }
}

pub(super) const THEMES: [Theme; 8] = [
    theme("till", ["intake", "money", "tariff", "ledger", "sheet", "audit"], ["order", "orders", "customer"]),
    theme(
        "ferry",
        ["manifest", "fares", "terms", "voyage", "board", "purser"],
        ["ticket", "tickets", "passenger"],
    ),
    theme(
        "clinic",
        ["admission", "coins", "schedule", "daybook", "letter", "review"],
        ["visit", "visits", "patient"],
    ),
    theme("mill", ["weighing", "sums", "grades", "granary", "slip", "keeper"], ["sack", "sacks", "farmer"]),
    theme(
        "archive",
        ["catalogue", "dues", "statute", "register", "card", "warden"],
        ["loan", "loans", "reader"],
    ),
    theme(
        "depot",
        ["waybill", "charges", "zones", "tally", "label", "gate"],
        ["parcel", "parcels", "sender"],
    ),
    theme(
        "studio",
        ["booking", "fees", "plans", "journal", "printout", "check"],
        ["session", "sessions", "artist"],
    ),
    theme(
        "energy",
        ["meter", "coinage", "bands", "account", "bill", "control"],
        ["reading", "readings", "household"],
    ),
];

#[derive(Debug, Clone, Copy)]
pub(super) struct Project {
    pub(super) lang: Lang,
    pub(super) theme: Theme,
}

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("projects/", $path))
    };
}

impl Project {
    pub(super) fn path(&self, role: Role) -> String {
        let theme = &self.theme;
        let name = match role {
            Role::Main => match self.lang {
                Lang::Sh => return format!("bin/{}", theme.app),
                Lang::Python => "__main__",
                Lang::Node => "main",
            },
            Role::Reader => theme.reader,
            Role::Units => theme.units,
            Role::Rules => theme.rules,
            Role::Ledger => theme.ledger,
            Role::Render => theme.render,
            Role::Guard => theme.guard,
            Role::Pad => return "vendor/pad-1.2/pad.sh".into(),
            Role::PadVersion => return "vendor/pad.version".into(),
            Role::Rates => return "data/rates.csv".into(),
            Role::Settings => return format!("config/{}.conf", theme.app),
            Role::Tests => match self.lang {
                Lang::Sh => return "tests/run.sh".into(),
                Lang::Python => return "tests/test_core.py".into(),
                Lang::Node => return "tests/run.js".into(),
            },
        };
        self.module(name)
    }

    /// The file of a module.
    pub(super) fn module(&self, name: &str) -> String {
        match self.lang {
            Lang::Sh => format!("lib/{name}.sh"),
            Lang::Python => format!("{}/{name}.py", self.theme.app),
            Lang::Node => format!("src/{name}.js"),
        }
    }

    /// Files of the program itself, where other people's changes fall as well.
    pub(super) fn core(&self) -> [String; 6] {
        [Role::Reader, Role::Units, Role::Rules, Role::Ledger, Role::Render, Role::Guard]
            .map(|role| self.path(role))
    }

    pub(super) fn run(&self, command: &str) -> String {
        match self.lang {
            Lang::Sh => format!("sh bin/{} {command}", self.theme.app),
            Lang::Python => format!("python3 -m {} {command}", self.theme.app),
            Lang::Node => format!("node src/main.js {command}"),
        }
    }

    pub(super) fn tests(&self) -> &'static str {
        match self.lang {
            Lang::Sh => "sh tests/run.sh",
            Lang::Python => "python3 -m unittest discover -s tests -t .",
            Lang::Node => "node tests/run.js",
        }
    }

    /// Programs without which nothing of it runs.
    pub(super) fn needs(&self) -> Vec<String> {
        match self.lang {
            Lang::Sh => Vec::new(),
            Lang::Python => vec!["python3".into()],
            Lang::Node => vec!["node".into()],
        }
    }

    pub(super) fn comment(&self) -> &'static str {
        if self.lang == Lang::Node { "//" } else { "#" }
    }

    /// The template in the words of this trade.
    pub(super) fn words(&self, text: &str) -> String {
        let theme = &self.theme;
        let pairs = [
            ("@app@", theme.app),
            ("@reader@", theme.reader),
            ("@units@", theme.units),
            ("@rules@", theme.rules),
            ("@ledger@", theme.ledger),
            ("@render@", theme.render),
            ("@guard@", theme.guard),
            ("@recs@", theme.recs),
            ("@rec@", theme.rec),
            ("@party@", theme.party),
        ];
        let text = text.replace("@APP@", &theme.app.to_uppercase());
        pairs.iter().fold(text, |text, (from, to)| text.replace(from, to))
    }

    /// Writes the whole program.
    pub(super) fn lay_out(&self, history: &mut History) {
        let parts: &[(Role, &str)] = match self.lang {
            Lang::Sh => &[
                (Role::Main, template!("sh/app")),
                (Role::Reader, template!("sh/reader.sh")),
                (Role::Units, template!("sh/units.sh")),
                (Role::Rules, template!("sh/rules.sh")),
                (Role::Ledger, template!("sh/ledger.sh")),
                (Role::Render, template!("sh/render.sh")),
                (Role::Guard, template!("sh/guard.sh")),
                (Role::Tests, template!("sh/run.sh")),
                (Role::Pad, template!("sh/pad.sh")),
                (Role::PadVersion, "pad-1.2\n"),
            ],
            Lang::Python => &[
                (Role::Main, template!("python/main.py")),
                (Role::Reader, template!("python/reader.py")),
                (Role::Units, template!("python/units.py")),
                (Role::Rules, template!("python/rules.py")),
                (Role::Ledger, template!("python/ledger.py")),
                (Role::Render, template!("python/render.py")),
                (Role::Guard, template!("python/guard.py")),
                (Role::Tests, template!("python/run.py")),
            ],
            Lang::Node => &[
                (Role::Main, template!("node/main.js")),
                (Role::Reader, template!("node/reader.js")),
                (Role::Units, template!("node/units.js")),
                (Role::Rules, template!("node/rules.js")),
                (Role::Ledger, template!("node/ledger.js")),
                (Role::Render, template!("node/render.js")),
                (Role::Guard, template!("node/guard.js")),
                (Role::Tests, template!("node/run.js")),
            ],
        };
        for (role, text) in parts {
            history.write(&self.path(*role), self.words(text));
        }
        history.write(&self.path(Role::Rates), template!("sh/rates.csv"));
        history.write(&self.path(Role::Settings), template!("sh/app.conf"));
        let readme = match self.lang {
            Lang::Sh => template!("sh/README.md"),
            Lang::Python => template!("python/README.md"),
            Lang::Node => template!("node/README.md"),
        };
        history.write("README.md", self.words(readme));
        match self.lang {
            Lang::Sh => history.write("lib/log.sh", self.words(template!("sh/log.sh"))),
            Lang::Python => {
                history.write(&format!("{}/__init__.py", self.theme.app), "");
                history.write("tests/__init__.py", "");
            }
            Lang::Node => {}
        }
    }
}
