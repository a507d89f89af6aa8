/*!
The program of a scenario: a small application that reads records, rates them, adds them up and prints the sum. It comes in
three languages and with the vocabulary of several trades, so that no two repositories share their names. Its behaviour is
always the same, so the truth of a fault can be checked; the places in the code differ.
*/

use super::history::ScenarioHistory;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProgramLanguage {
    Sh,
    Python,
    Node,
}

/// The parts of the program; each is a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProgramPart {
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

/// The vocabulary of a trade.
#[derive(Debug, Clone, Copy)]
pub(super) struct TradeWords {
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

const fn theme(app: &'static str, parts: [&'static str; 6], words: [&'static str; 3]) -> TradeWords {
    let [reader, units, rules, ledger, render, guard] = parts;
    let [rec, recs, party] = words;
    TradeWords { app, reader, units, rules, ledger, render, guard, rec, recs, party }
}

pub(super) const THEMES: [TradeWords; 8] = [
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
pub(super) struct ScenarioProject {
    pub(super) lang: ProgramLanguage,
    pub(super) theme: TradeWords,
}

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("projects/", $path))
    };
}

impl ScenarioProject {
    pub(super) fn path(&self, role: ProgramPart) -> String {
        let theme = &self.theme;
        let name = match role {
            ProgramPart::Main => match self.lang {
                ProgramLanguage::Sh => return format!("bin/{}", theme.app),
                ProgramLanguage::Python => "__main__",
                ProgramLanguage::Node => "main",
            },
            ProgramPart::Reader => theme.reader,
            ProgramPart::Units => theme.units,
            ProgramPart::Rules => theme.rules,
            ProgramPart::Ledger => theme.ledger,
            ProgramPart::Render => theme.render,
            ProgramPart::Guard => theme.guard,
            ProgramPart::Pad => return "vendor/pad-1.2/pad.sh".into(),
            ProgramPart::PadVersion => return "vendor/pad.version".into(),
            ProgramPart::Rates => return "data/rates.csv".into(),
            ProgramPart::Settings => return format!("config/{}.conf", theme.app),
            ProgramPart::Tests => match self.lang {
                ProgramLanguage::Sh => return "tests/run.sh".into(),
                ProgramLanguage::Python => return "tests/test_core.py".into(),
                ProgramLanguage::Node => return "tests/run.js".into(),
            },
        };
        self.module(name)
    }

    /// The path of a module's file.
    pub(super) fn module(&self, name: &str) -> String {
        match self.lang {
            ProgramLanguage::Sh => format!("lib/{name}.sh"),
            ProgramLanguage::Python => format!("{}/{name}.py", self.theme.app),
            ProgramLanguage::Node => format!("src/{name}.js"),
        }
    }

    /// Files of the program itself, which background commits change too.
    pub(super) fn core(&self) -> [String; 6] {
        [
            ProgramPart::Reader,
            ProgramPart::Units,
            ProgramPart::Rules,
            ProgramPart::Ledger,
            ProgramPart::Render,
            ProgramPart::Guard,
        ]
        .map(|role| self.path(role))
    }

    pub(super) fn run(&self, command: &str) -> String {
        match self.lang {
            ProgramLanguage::Sh => format!("sh bin/{} {command}", self.theme.app),
            ProgramLanguage::Python => format!("python3 -m {} {command}", self.theme.app),
            ProgramLanguage::Node => format!("node src/main.js {command}"),
        }
    }

    pub(super) fn tests(&self) -> &'static str {
        match self.lang {
            ProgramLanguage::Sh => "sh tests/run.sh",
            ProgramLanguage::Python => "python3 -m unittest discover -s tests -t .",
            ProgramLanguage::Node => "node tests/run.js",
        }
    }

    /// Programs that it needs to run.
    pub(super) fn needs(&self) -> Vec<String> {
        match self.lang {
            ProgramLanguage::Sh => Vec::new(),
            ProgramLanguage::Python => vec!["python3".into()],
            ProgramLanguage::Node => vec!["node".into()],
        }
    }

    pub(super) fn comment(&self) -> &'static str {
        if self.lang == ProgramLanguage::Node { "//" } else { "#" }
    }

    /// Fills a template with the words of this trade.
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
    pub(super) fn lay_out(&self, history: &mut ScenarioHistory) {
        let parts: &[(ProgramPart, &str)] = match self.lang {
            ProgramLanguage::Sh => &[
                (ProgramPart::Main, template!("sh/app")),
                (ProgramPart::Reader, template!("sh/reader.sh")),
                (ProgramPart::Units, template!("sh/units.sh")),
                (ProgramPart::Rules, template!("sh/rules.sh")),
                (ProgramPart::Ledger, template!("sh/ledger.sh")),
                (ProgramPart::Render, template!("sh/render.sh")),
                (ProgramPart::Guard, template!("sh/guard.sh")),
                (ProgramPart::Tests, template!("sh/run.sh")),
                (ProgramPart::Pad, template!("sh/pad.sh")),
                (ProgramPart::PadVersion, "pad-1.2\n"),
            ],
            ProgramLanguage::Python => &[
                (ProgramPart::Main, template!("python/main.py")),
                (ProgramPart::Reader, template!("python/reader.py")),
                (ProgramPart::Units, template!("python/units.py")),
                (ProgramPart::Rules, template!("python/rules.py")),
                (ProgramPart::Ledger, template!("python/ledger.py")),
                (ProgramPart::Render, template!("python/render.py")),
                (ProgramPart::Guard, template!("python/guard.py")),
                (ProgramPart::Tests, template!("python/run.py")),
            ],
            ProgramLanguage::Node => &[
                (ProgramPart::Main, template!("node/main.js")),
                (ProgramPart::Reader, template!("node/reader.js")),
                (ProgramPart::Units, template!("node/units.js")),
                (ProgramPart::Rules, template!("node/rules.js")),
                (ProgramPart::Ledger, template!("node/ledger.js")),
                (ProgramPart::Render, template!("node/render.js")),
                (ProgramPart::Guard, template!("node/guard.js")),
                (ProgramPart::Tests, template!("node/run.js")),
            ],
        };
        for (role, text) in parts {
            history.write(&self.path(*role), self.words(text));
        }
        history.write(&self.path(ProgramPart::Rates), template!("sh/rates.csv"));
        history.write(&self.path(ProgramPart::Settings), template!("sh/app.conf"));
        let readme = match self.lang {
            ProgramLanguage::Sh => template!("sh/README.md"),
            ProgramLanguage::Python => template!("python/README.md"),
            ProgramLanguage::Node => template!("node/README.md"),
        };
        history.write("README.md", self.words(readme));
        match self.lang {
            ProgramLanguage::Sh => history.write("lib/log.sh", self.words(template!("sh/log.sh"))),
            ProgramLanguage::Python => {
                history.write(&format!("{}/__init__.py", self.theme.app), "");
                history.write("tests/__init__.py", "");
            }
            ProgramLanguage::Node => {}
        }
    }
}
