/*!
A small repository with a planted fault, on which tests run the built command as a user does: in a separate process with a
clean environment. Every test here needs only `git` and `sh`.
*/
#![expect(clippy::unwrap_used, reason = "a scene that cannot be set up fails its test")]
#![expect(clippy::disallowed_methods, reason = "the command is run as a user runs it")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use millwright_testkit::repository::TestRepo;

pub(crate) const CHECK: &str = "sh check.sh";
/// The project's own tests, `sh tests.sh`. They pass at every revision, because none covers the failure.
const OWN_TESTS: &str = ". ./lib/calc.sh\n[ \"$(total 0)\" = 0 ] && echo 'ok 1 - nothing' || echo 'not ok 1 - nothing'\necho 1..1\n";
pub(crate) const TICKET: &str =
    "Totals are wrong\n\n$ sh check.sh\ncalc_check: total 21 gave 63, not 42 (lib/calc.sh)\n";

/// A repository of twelve commits whose seventh breaks `lib/calc.sh`, with a ticket and a data folder beside it.
pub(crate) struct Scene {
    pub(crate) repo: TestRepo,
}

/// Exit status and output of one run of the command.
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// The report, when standard output is exactly one JSON document.
    pub(crate) fn report(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    /// Asserts that the command failed before it ran anything: no standard output, and one line of standard error with
    /// `words`.
    pub(crate) fn refuses(&self, words: &[&str]) {
        assert_eq!(self.status, Some(1), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        let lines: Vec<&str> = self.stderr.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.len(), 1, "{}", self.stderr);
        // The service writes its log as JSON when standard error is not a terminal.
        let said = match serde_json::from_str::<serde_json::Value>(lines[0]) {
            Ok(line) => format!("millwright: {}", line["message"].as_str().unwrap()),
            Err(_) => lines[0].to_owned(),
        };
        assert!(said.starts_with("millwright: "), "{said}");
        for word in words {
            assert!(said.contains(word), "{word:?} is not said: {said}");
        }
    }
}

impl Scene {
    pub(crate) fn new() -> Self {
        let repo = TestRepo::new();
        let check = ". ./lib/calc.sh\nr=$(total 21)\n[ \"$r\" = 42 ] || { echo \"calc_check: total 21 gave $r, not 42 \
                     (lib/calc.sh)\" >&2; exit 1; }\n";
        repo.write(&[
            ("lib/calc.sh", "total() {\n  echo $(( $1 * 2 ))\n}\n"),
            ("check.sh", check),
            ("tests.sh", OWN_TESTS),
        ]);
        for n in 1..=12 {
            if n == 7 {
                repo.replace("lib/calc.sh", "* 2", "* 3");
            }
            let note = (format!("lib/note{}.sh", n % 3), format!("# note {n}\n"));
            repo.commit(&format!("change {n}"), &[(&note.0, &note.1)]);
        }
        let scene = Self { repo };
        scene.write("ticket.txt", TICKET);
        scene
    }

    /// A path in the folder that tests run the command in; the repository is its `repo`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.repo.beside(name)
    }

    /// Writes a file in that folder.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The full id of a revision of the repository.
    pub(crate) fn id(&self, revision: &str) -> String {
        self.repo.id(revision).into()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millwright"));
        command.args(arguments).current_dir(self.path(".")).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.path("."));
        command.env("MILLWRIGHT_DATA_DIR", self.path("data"));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs `investigate ticket.txt --repo repo --format json` with the additional arguments.
    pub(crate) fn investigate(&self, more: &[&str]) -> Ran {
        let first = ["investigate", "ticket.txt", "--repo", "repo", "--format", "json"];
        self.run(&[&first, more].concat())
    }
}
