/*!
The checks as a countable list: each has a name, says what it tries, and runs at every sandbox level and as every
kind of user. At the end the runner prints every check with its result, and their number.

This is not the usual test runner, because that one can neither count what was tried at which level, nor report
that a check could not be tried and why.
*/

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::ground::{Ground, Level, levels};
use crate::{commands, files, guard, limits, network, processes};

const ORDINARY_USER: u32 = crate::ground::ORDINARY_USER;
const AS_ORDINARY_USER: &str = "ABUSE_AS_ORDINARY_USER";
const TOLD: &str = "CHECK ";

pub(crate) struct ContainmentCheck {
    name: &'static str,
    tries: &'static str,
    kind: Kind,
    run: Run,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Something hostile must stay inside.
    Containment,
    /// Something ordinary must work.
    Work,
}

#[derive(Clone, Copy)]
enum Run {
    EveryLevel(fn(&Ground)),
    /// As `EveryLevel`, but with no other check in parallel, because this one uses up what all checks need.
    Alone(fn(&Ground)),
    Once(fn()),
}

impl ContainmentCheck {
    pub(crate) const fn contains(name: &'static str, tries: &'static str, run: fn(&Ground)) -> Self {
        Self { name, tries, kind: Kind::Containment, run: Run::EveryLevel(run) }
    }

    pub(crate) const fn contains_alone(name: &'static str, tries: &'static str, run: fn(&Ground)) -> Self {
        Self { name, tries, kind: Kind::Containment, run: Run::Alone(run) }
    }

    pub(crate) const fn contains_once(name: &'static str, tries: &'static str, run: fn()) -> Self {
        Self { name, tries, kind: Kind::Containment, run: Run::Once(run) }
    }

    pub(crate) const fn works(name: &'static str, tries: &'static str, run: fn(&Ground)) -> Self {
        Self { name, tries, kind: Kind::Work, run: Run::EveryLevel(run) }
    }

    pub(crate) const fn works_alone(name: &'static str, tries: &'static str, run: fn(&Ground)) -> Self {
        Self { name, tries, kind: Kind::Work, run: Run::Alone(run) }
    }

    pub(crate) const fn works_once(name: &'static str, tries: &'static str, run: fn()) -> Self {
        Self { name, tries, kind: Kind::Work, run: Run::Once(run) }
    }
}

thread_local! {
    static NOT_TRIED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Reports that this machine or user cannot run the check, and why. The check then counts as neither passed nor
/// failed.
pub(crate) fn not_tried(why: &str) {
    NOT_TRIED.with_borrow_mut(|told| *told = Some(why.to_owned()));
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Held,
    Failed,
    NotTried(String),
}

struct CheckLine {
    check: usize,
    level: String,
    user: String,
    outcome: Outcome,
}

fn all() -> Vec<&'static ContainmentCheck> {
    let tables = [commands::CHECKS, files::CHECKS, limits::CHECKS, network::CHECKS, processes::CHECKS];
    tables.into_iter().flatten().collect()
}

/// Runs the checks that the arguments select, in the form `cargo test` passes them.
pub(crate) fn main() -> ExitCode {
    let checks = all();
    let asked = CheckArguments::from_arguments();
    if asked.list {
        checks.iter().for_each(|check| println!("{}: test", check.name));
        return ExitCode::SUCCESS;
    }
    let chosen: Vec<usize> = (0..checks.len()).filter(|at| asked.selects(checks[*at].name)).collect();
    let is_child = std::env::var_os(AS_ORDINARY_USER).is_some();
    let mut lines = run_here(&checks, &chosen, asked.level.as_deref());
    let is_root = nix::unistd::geteuid().is_root();
    if is_root && !is_child && !guard::is_behind_one() && !chosen.is_empty() {
        lines.extend(run_as_ordinary_user(&checks));
    }
    if is_child {
        lines.iter().for_each(|line| println!("{}", told(&checks, line)));
    } else if !guard::is_behind_one() {
        show(&checks, &lines, checks.len() - chosen.len());
    }
    match lines.iter().any(|line| line.outcome == Outcome::Failed) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

#[derive(Default)]
struct CheckArguments {
    list: bool,
    exact: bool,
    level: Option<String>,
    names: Vec<String>,
}

impl CheckArguments {
    fn from_arguments() -> Self {
        let mut asked = Self::default();
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => asked.list = true,
                "--exact" => asked.exact = true,
                "--level" => asked.level = arguments.next(),
                "--test-threads" | "--format" | "--skip" => drop(arguments.next()),
                other if other.starts_with('-') => {}
                name => asked.names.push(name.to_owned()),
            }
        }
        asked
    }

    fn selects(&self, name: &str) -> bool {
        let matches = |asked: &String| if self.exact { asked == name } else { name.contains(asked.as_str()) };
        self.names.is_empty() || self.names.iter().any(matches)
    }
}

/// Runs checks as this user, a few in parallel.
fn run_here(checks: &[&'static ContainmentCheck], chosen: &[usize], only: Option<&str>) -> Vec<CheckLine> {
    let user = if nix::unistd::geteuid().is_root() { "root" } else { "ordinary user" };
    let mut jobs = Vec::new();
    for at in chosen {
        match checks[*at].run {
            Run::Once(_) => jobs.push((*at, None)),
            Run::EveryLevel(_) | Run::Alone(_) => {
                let wanted = levels().into_iter().filter(|level| only.is_none_or(|only| level.name == only));
                jobs.extend(wanted.map(|level| (*at, Some(level))));
            }
        }
    }
    let is_alone = |job: &(usize, Option<Level>)| matches!(checks[job.0].run, Run::Alone(_));
    let (alone, together): (Vec<_>, Vec<_>) = jobs.into_iter().partition(is_alone);
    let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 4);
    let mut lines = run_jobs(checks, user, &together, workers);
    lines.extend(run_jobs(checks, user, &alone, 1));
    lines
}

fn run_jobs(
    checks: &[&'static ContainmentCheck],
    user: &str,
    jobs: &[(usize, Option<Level>)],
    workers: usize,
) -> Vec<CheckLine> {
    let (next, lines) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((at, level)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    NOT_TRIED.take();
                    let run = || match (checks[*at].run, level) {
                        (Run::EveryLevel(run) | Run::Alone(run), Some(level)) => run(&Ground::new(*level)),
                        (Run::Once(run), _) => run(),
                        (Run::EveryLevel(_) | Run::Alone(_), None) => {}
                    };
                    let ended = catch_unwind(AssertUnwindSafe(run));
                    let outcome = match (ended, NOT_TRIED.take()) {
                        (Err(_), _) => Outcome::Failed,
                        (Ok(()), Some(why)) => Outcome::NotTried(why),
                        (Ok(()), None) => Outcome::Held,
                    };
                    let level = level.map_or("every level", |level| level.name).to_owned();
                    let line = CheckLine { check: *at, level, user: user.to_owned(), outcome };
                    eprintln!("{}", in_words(checks, &line));
                    lines.lock().unwrap().push(line);
                }
            });
        }
    });
    lines.into_inner().unwrap()
}

/// Root and ordinary users behave differently, so root runs everything a second time as an ordinary user.
fn run_as_ordinary_user(checks: &[&'static ContainmentCheck]) -> Vec<CheckLine> {
    // The ordinary user may have no access to the binary's folder.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.path().join("suite");
    fs::copy("/proc/self/exe", &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    let mut child = Command::new(copy)
        .args(std::env::args().skip(1))
        .env(AS_ORDINARY_USER, "1")
        .current_dir("/")
        .uid(ORDINARY_USER)
        .gid(ORDINARY_USER)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut lines: Vec<CheckLine> = told.filter_map(|line| heard(checks, &line)).collect();
    if !child.wait().unwrap().success() && lines.iter().all(|line| line.outcome != Outcome::Failed) {
        let (level, user) = ("every level".to_owned(), "ordinary user".to_owned());
        eprintln!("the checks as an ordinary user did not end well");
        lines.push(CheckLine { check: 0, level, user, outcome: Outcome::Failed });
    }
    lines
}

/// A line for the parent process to read: tab-separated fields.
fn told(checks: &[&ContainmentCheck], line: &CheckLine) -> String {
    let outcome = match &line.outcome {
        Outcome::Held => "held",
        Outcome::Failed => "failed",
        Outcome::NotTried(why) => why,
    };
    format!("{TOLD}{}\t{}\t{}\t{outcome}", checks[line.check].name, line.level, line.user)
}

fn heard(checks: &[&ContainmentCheck], line: &str) -> Option<CheckLine> {
    let mut fields = line.strip_prefix(TOLD)?.split('\t');
    let name = fields.next()?;
    let check = checks.iter().position(|check| check.name == name)?;
    let (level, user) = (fields.next()?.to_owned(), fields.next()?.to_owned());
    let outcome = match fields.next()? {
        "held" => Outcome::Held,
        "failed" => Outcome::Failed,
        why => Outcome::NotTried(why.to_owned()),
    };
    Some(CheckLine { check, level, user, outcome })
}

fn in_words(checks: &[&ContainmentCheck], line: &CheckLine) -> String {
    let check = checks[line.check];
    let (word, why) = match (&line.outcome, check.kind) {
        (Outcome::Held, Kind::Containment) => ("held", String::new()),
        (Outcome::Held, Kind::Work) => ("works", String::new()),
        (Outcome::Failed, Kind::Containment) => ("ESCAPE", String::new()),
        (Outcome::Failed, Kind::Work) => ("BROKEN", String::new()),
        (Outcome::NotTried(why), _) => ("not tried here", format!(" ({why})")),
    };
    format!("{word:<14} {:<21} {:<13} {}: {}{why}", line.level, line.user, check.name, check.tries)
}

fn show(checks: &[&ContainmentCheck], lines: &[CheckLine], filtered: usize) {
    let mut sorted: Vec<&CheckLine> = lines.iter().collect();
    sorted.sort_by_key(|line| (line.check, line.user.clone(), line.level.clone()));
    sorted.iter().for_each(|line| println!("{}", in_words(checks, line)));
    let count = |kind: Kind, outcome: fn(&Outcome) -> bool| {
        lines.iter().filter(|line| checks[line.check].kind == kind && outcome(&line.outcome)).count()
    };
    let tried = |outcome: &Outcome| !matches!(outcome, Outcome::NotTried(_));
    let failed = |outcome: &Outcome| *outcome == Outcome::Failed;
    let escapes = count(Kind::Containment, failed);
    let broken = count(Kind::Work, failed);
    let untried = lines.iter().filter(|line| !tried(&line.outcome)).count();
    println!(
        "\ncontainment: {} checks, {escapes} escapes; ordinary work: {} checks, {broken} broken; not tried here: {untried}",
        count(Kind::Containment, tried),
        count(Kind::Work, tried),
    );
    let failed = escapes + broken;
    // In the format of the usual runner, which tools that sum up test results can read.
    println!(
        "test result: {}. {} passed; {failed} failed; {untried} ignored; 0 measured; {filtered} filtered out\n",
        if failed == 0 { "ok" } else { "FAILED" },
        lines.len() - failed - untried,
    );
}
