use std::path::Path;

use millwright_sandbox::{CancelFlag, ExitStatus};
use millwright_testkit::repository::TestRepo;

use super::*;
use crate::testing::{UnconfinedExecutor, new_replayer};
use crate::{Executor, ReplayLedger, ReplayRecipe};

/// Whether Python is installed; says so when it is not.
fn has_python() -> bool {
    let probe = SandboxedCommand { script: "python3 -c 1".into(), cwd: "/".into(), ..Default::default() };
    let found = UnconfinedExecutor
        .execute(&probe, &CancelFlag::default())
        .is_ok_and(|run| run.exit == ExitStatus::Code(0));
    if !found {
        println!("skipped: there is no python3 here");
    }
    found
}

fn trace(files: &[(&str, &str)], recipe: ReplayRecipe) -> ExecutionTrace {
    let project = TestRepo::new();
    let bad = project.commit("change", files);
    let reproduction =
        new_replayer(&project, recipe, ReplayLedger::in_memory()).reproduce(&bad, true).unwrap();
    reproduction.trace.expect("nothing was traced")
}

fn lines(trace: &ExecutionTrace, path: &str) -> Vec<u32> {
    trace.files.get(path).map(|file| file.lines.iter().copied().collect()).unwrap_or_default()
}

const MODULE: &str = "\
import os
class Till:
    def add(self, value):
        if value > 2:
            return self.fail(value)
        return value
    def fail(self, value):
        raise ValueError('too much')
    def unused(self):
        return 1
";

#[test]
fn lines_and_functions_of_python() {
    if !has_python() {
        return;
    }
    let main = "import sys, till\ntill.Till().add(1)\ntill.Till().add(3)\n";
    let found = trace(
        &[("main.py", main), ("till.py", MODULE), ("other.py", "x = 1\n")],
        ReplayRecipe::new("python3 main.py"),
    );
    assert_eq!(found.precision, TracePrecision::Lines);
    assert_eq!(lines(&found, "till.py"), [4, 5, 6, 8]);
    assert!(!found.files.contains_key("other.py"));
    assert!(found.files["till.py"].import_lines.contains(&3));
    let functions: Vec<&str> = found.files["till.py"].functions.iter().map(String::as_str).collect();
    assert!(functions.iter().any(|name| name.ends_with("fail")), "{functions:?}");
    assert!(!functions.iter().any(|name| name.ends_with("unused")), "{functions:?}");
}

#[test]
fn interpreters_are_found_however_they_are_started() {
    if !has_python() {
        return;
    }
    let python =
        ["/usr/bin/python3", "/usr/local/bin/python3"].into_iter().find(|path| Path::new(path).exists());
    let files = [("sub/main.py", "import till\ntill.Till().add(3)\n"), ("till.py", MODULE)];
    let check = |command: &str, env: &[(&str, &str)]| {
        let mut recipe = ReplayRecipe::new(command);
        recipe.env = env.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        assert_eq!(lines(&trace(&files, recipe), "till.py"), [4, 5, 8], "{command}");
    };
    check("cd sub && PYTHONPATH=.. python3 main.py", &[]);
    check("python3 sub/main.py", &[("PYTHONPATH", ".")]);
    check("sh -c 'exec env PYTHONPATH=. python3 sub/main.py'", &[]);
    check("PATH=$PWD/tools:$PATH; export PATH; PYTHONPATH=. python3 sub/main.py", &[]);
    if let Some(python) = python {
        check("cd sub && PYTHONPATH=.. ${PYTHON:-none} main.py", &[("PYTHON", python)]);
    }
}

#[test]
fn children_threads_forks_and_hard_exits_are_traced() {
    if !has_python() {
        return;
    }
    let check = |main: &str| {
        let found =
            trace(&[("main.py", main), ("till.py", MODULE)], ReplayRecipe::new("python3 main.py; exit 1"));
        assert_eq!(lines(&found, "till.py"), [4, 5, 8], "{main}");
    };
    check(
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import till; till.Till().add(3)'])\n",
    );
    check(
        "import threading, till\nt = threading.Thread(target=till.Till().add, args=(3,))\nt.start()\nt.join()\n",
    );
    check(
        "import os, till\nif os.fork() == 0:\n    try:\n        till.Till().add(3)\n    finally:\n        os._exit(1)\nos.wait()\n",
    );
    check(
        "import os, till\ntry:\n    till.Till().add(3)\nexcept ValueError:\n    os.execvp('true', ['true'])\n",
    );
}

#[test]
fn the_programs_own_sitecustomize_still_runs() {
    if !has_python() {
        return;
    }
    let own = "import os\nos.environ['CUSTOM'] = 'yes'\n";
    let main = "import os, sys, till\nassert os.environ['CUSTOM'] == 'yes' and sys.modules['sitecustomize'].os is os\n\
                till.Till().add(3)\n";
    let files = [("main.py", main), ("site/sitecustomize.py", own), ("till.py", MODULE)];
    let found = trace(&files, ReplayRecipe::new("PYTHONPATH=site python3 main.py"));
    assert_eq!(lines(&found, "till.py"), [4, 5, 8]);
}

#[test]
fn a_tracer_that_gets_in_the_way_decides_nothing() {
    if !has_python() {
        return;
    }
    let project = TestRepo::new();
    let bad = project.commit(
        "change",
        &[(
            "main.py",
            "import os\nif 'MILLWRIGHT_TRACE_OUT' not in os.environ:\n    raise ValueError('x')\n",
        )],
    );
    let replayer = new_replayer(&project, ReplayRecipe::new("python3 main.py"), ReplayLedger::in_memory());
    let reproduction = replayer.reproduce(&bad, true).unwrap();
    assert_eq!((reproduction.passes, reproduction.failures, reproduction.trace), (0, 3, None));
}

#[test]
fn what_the_run_forges_is_bounded_and_inside() {
    let folder = tempfile::tempdir().unwrap();
    let forged = "../../etc/passwd\tF\t1\tx\n/etc/passwd\tF\t1\tx\nok.py\tF\t3,x,99999999999,4\ta.<locals>.b\nshort\n\u{0}\tF\n";
    fs::write(folder.path().join("1.trace"), forged).unwrap();
    fs::write(folder.path().join("2.trace"), b"\xff\xfe\tF\t1\n").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("3.trace")).unwrap();
    let repository = RepoFiles::new(["ok.py".to_owned()].into_iter());
    let found = records::collect(folder.path(), &repository).unwrap();
    assert_eq!(found.files.keys().collect::<Vec<_>>(), ["ok.py"]);
    assert_eq!(lines(&found, "ok.py"), [3, 4]);
    assert_eq!(found.files["ok.py"].functions.iter().collect::<Vec<_>>(), ["a.b"]);
}

#[test]
fn opened_files_are_a_coarse_trace() {
    let opened = ["/co/src/a.go", "/co/b", "/elsewhere", "rel/c"].map(PathBuf::from);
    let found = ExecutionTrace::of_opened(&opened, Path::new("/co")).unwrap();
    assert_eq!(found.precision, TracePrecision::Files);
    assert_eq!(found.files.keys().collect::<Vec<_>>(), ["b", "rel/c", "src/a.go"]);
    assert_eq!(ExecutionTrace::of_opened(&[], Path::new("/co")), None);
}
