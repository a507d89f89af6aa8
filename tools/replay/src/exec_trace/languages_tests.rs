//! Real programs of each language, traced as a replay does it, but without a sandbox.

use millwright_sandbox::{CancelFlag, ExitStatus, SandboxedCommand};
use millwright_testkit::missing_part::report_missing;
use millwright_testkit::repository::TestRepo;

use crate::exec_trace::{ExecutionTrace, TracePrecision};
use crate::testing::{UnconfinedExecutor, new_replayer};
use crate::{Executor, ReplayLedger, ReplayRecipe};

/// Whether a command of the shell works here; reports the missing part when it does not.
fn has(part: &str, check: &str) -> bool {
    let probe = SandboxedCommand { script: check.into(), cwd: "/".into(), ..Default::default() };
    let found = UnconfinedExecutor
        .execute(&probe, &CancelFlag::default())
        .is_ok_and(|run| run.exit == ExitStatus::Code(0));
    if !found {
        report_missing(part, &format!("`{check}` fails"));
    }
    found
}

/// The trace of a command that fails.
fn trace(files: &[(&str, &str)], recipe: ReplayRecipe) -> Option<ExecutionTrace> {
    let project = TestRepo::new();
    let bad = project.commit("change", files);
    let reproduction =
        new_replayer(&project, recipe, ReplayLedger::in_memory()).reproduce(&bad, true).unwrap();
    assert_eq!(reproduction.passes, 0);
    reproduction.trace
}

/// `lines of functions | lines of bodies | functions` of a file.
fn shown(trace: &Option<ExecutionTrace>, path: &str) -> String {
    let trace = trace.as_ref().expect("nothing was traced");
    let Some(file) = trace.files.get(path) else { return format!("not in {:?}", trace.files.keys()) };
    let lines = |lines: &std::collections::BTreeSet<u32>| {
        lines.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
    };
    let functions: Vec<&str> = file.functions.iter().map(String::as_str).collect();
    format!("{} | {} | {}", lines(&file.lines), lines(&file.import_lines), functions.join(" "))
}

#[test]
fn javascript_by_v8() {
    if !has("node", "node --version") {
        return;
    }
    let till = "class Till {\n  add(x) {\n    if (x > 2) {\n      return this.fail(x);\n    }\n    return x;\n  }\n  fail() {\n    \
                throw new TypeError('too much');\n  }\n  unused() {\n    return 0;\n  }\n}\nmodule.exports = Till;\n";
    let main = "const Till = require('./lib/till');\nnew Till().add(3);\n";
    let files = [("main.js", main), ("lib/till.js", till), ("lib/other.js", "exports.a = 1;\n")];
    let found = trace(&files, ReplayRecipe::new("node main.js"));
    assert_eq!(shown(&found, "lib/till.js"), "2 3 4 8 9 | 1 15 | add fail");
    assert_eq!(shown(&found, "main.js"), " | 1 2 | ");
    assert!(!found.unwrap().files.contains_key("lib/other.js"));
    // A child process, an ES module, and an exit in the middle.
    let module = "import { spawnSync } from 'node:child_process';\nspawnSync(process.execPath, ['main.js']);\nprocess.exit(1);\n";
    let files = [files[0], files[1], ("start.mjs", module)];
    let found = trace(&files, ReplayRecipe::new("node start.mjs"));
    assert_eq!(shown(&found, "lib/till.js"), "2 3 4 8 9 | 1 15 | add fail");
}

/// UglifyJS and others join their files to one text and run that.
#[test]
fn javascript_that_is_joined_to_one_text_before_it_runs() {
    if !has("node", "node --version") {
        return;
    }
    let padding = "// a file of some length, as files are: é 🙂 ".repeat(5);
    let till = format!(
        "\n\n{padding}\nfunction add(x) {{\n  if (x > 2) {{\n    return refuse(x);\n  }}\n  return x;\n}}\n"
    );
    let refuse = format!(
        "{padding}{padding}\nfunction refuse(x) {{\n  throw new TypeError('too much');\n}}\n\nfunction unused() {{\n  return 0;\n}}\n"
    );
    let main = "const fs = require('fs');\nconst text = ['till', 'refuse'].map((name) => fs.readFileSync(`lib/${name}.js`, 'utf8'));\n\
                new Function('exports', text.join('\\n\\n') + 'exports.add = add;')(exports);\nexports.add(3);\n";
    let files = [("main.js", main), ("lib/till.js", till.as_str()), ("lib/refuse.js", refuse.as_str())];
    let found = trace(&files, ReplayRecipe::new("node main.js"));
    assert_eq!(shown(&found, "lib/till.js"), "4 5 6 |  | add");
    assert_eq!(shown(&found, "lib/refuse.js"), "2 3 |  | refuse");
    // A statement for a debugger does not stop it.
    let own = format!("debugger;\n{main}");
    let files = [("main.js", own.as_str()), files[1], files[2]];
    assert_eq!(shown(&trace(&files, ReplayRecipe::new("node main.js")), "lib/refuse.js"), "2 3 |  | refuse");
}

/// A loader that transpiles in memory, with a source map inside of the code, as ts-node, tsx and Babel do. It puts two
/// lines of its own in front.
const LOADER: &str = "const fs = require('fs');\nrequire.extensions['.ts'] = (module, path) => {\n  \
    const lines = fs.readFileSync(path, 'utf8').split('\\n').map((line) => line.replace(/: number/g, ''));\n  \
    const mappings = ';;' + lines.map((_, at) => (at ? 'AACA' : 'AAAA')).join(';');\n  \
    const map = { version: 3, sources: [path], names: [], mappings };\n  \
    const url = Buffer.from(JSON.stringify(map)).toString('base64');\n  \
    module._compile('\"use strict\";\\n\\n' + lines.join('\\n') + '\\n//# sourceMappingURL=data:application/json;base64,' + url, path);\n};\n";

#[test]
fn typescript_by_the_source_map_of_what_is_transpiled_in_memory() {
    if !has("node", "node --version") {
        return;
    }
    let till = "function add(x: number): number {\nif (x > 2) {\nreturn refuse(x);\n}\nreturn x;\n}\n\
                function refuse(x: number): number {\nthrow new TypeError('too much');\n}\n\
                function unused(): number {\nreturn 0;\n}\nadd(3);\n";
    let files = [("loader.js", LOADER), ("till.ts", till)];
    let found = trace(&files, ReplayRecipe::new("node -r ./loader.js ./till.ts"));
    let shown = shown(&found, "till.ts");
    assert!(shown.starts_with("1 2 3 ") && shown.contains(" 7 8"), "{shown}");
    let file = &found.unwrap().files["till.ts"];
    assert!(!file.lines.contains(&11) && !file.import_lines.contains(&11), "{shown}");
    assert!(file.functions.iter().map(String::as_str).eq(["add", "refuse"]), "{shown}");
}

#[test]
fn ruby_by_its_coverage() {
    if !has("ruby", "ruby -e 'require \"coverage\"'") {
        return;
    }
    let till = "class Till\n  def add(x)\n    return fail_for(x) if x > 2\n    x\n  end\n\n  def fail_for(x)\n    raise ArgumentError, x.to_s\n  \
                end\n\n  def unused\n    0\n  end\nend\n";
    let main = "require_relative 'lib/till'\nTill.new.add(3)\n";
    let files = [("main.rb", main), ("lib/till.rb", till), ("lib/other.rb", "A = 1\n")];
    let found = trace(&files, ReplayRecipe::new("ruby main.rb"));
    assert_eq!(shown(&found, "lib/till.rb"), "3 8 | 1 2 7 11 | Till.add Till.fail_for");
    assert!(!found.unwrap().files.contains_key("lib/other.rb"));
}

/// Ruby allows one measurement at a time.
#[test]
fn a_ruby_program_that_measures_its_own_coverage_takes_over() {
    if !has("ruby", "ruby -e 'require \"coverage\"'") {
        return;
    }
    let till = "class Till\n  def self.inspect = raise('never asked')\n  def add(x)\n    raise ArgumentError, x.to_s if x > 2\n  end\nend\n";
    let main = "require_relative 'before'\nrequire 'coverage'\nCoverage.start\nrequire_relative 'till'\nCoverage.result.fetch(File.join(__dir__, 'till.rb'))[0] == 1 or exit 9\nTill.new.add(3)\n";
    let files = [("main.rb", main), ("till.rb", till), ("before.rb", "A = 1\n")];
    let project = TestRepo::new();
    let bad = project.commit("change", &files);
    let replayer = new_replayer(&project, ReplayRecipe::new("ruby main.rb"), ReplayLedger::in_memory());
    let reproduction = replayer.reproduce(&bad, true).unwrap();
    assert!(reproduction.shown.tail.contains("ArgumentError"), "{}", reproduction.shown.tail);
    assert_eq!(shown(&reproduction.trace, "before.rb"), " | 1 | ");
}

#[test]
fn php_by_pcov_or_by_its_files() {
    if !has("php", "php --version") {
        return;
    }
    let till = "<?php\nclass Till {\n    function add($x) {\n        if ($x > 2) {\n            return $this->refuse($x);\n        }\n        \
                return $x;\n    }\n    function refuse($x) {\n        throw new ValueError('too much');\n    }\n    function unused() {\n        \
                return 0;\n    }\n}\n";
    let main = "<?php\nrequire 'lib/till.php';\n(new Till())->add(3);\n";
    let files = [("main.php", main), ("lib/till.php", till), ("lib/other.php", "<?php\n")];
    let found = trace(&files, ReplayRecipe::new("php main.php"));
    let has_pcov = has("pcov", "php -r 'exit(extension_loaded(\"pcov\") ? 0 : 1);'");
    let expected = if has_pcov { "4 5 10 | " } else { " | " };
    assert!(shown(&found, "lib/till.php").starts_with(expected), "{}", shown(&found, "lib/till.php"));
    assert!(!found.unwrap().files.contains_key("lib/other.php"));
}

#[test]
fn go_by_cover_profiles() {
    if !has("go", "go version") {
        return;
    }
    let money = "package money\n\nfunc Add(x int) int {\n\tif x > 2 {\n\t\treturn fee(x)\n\t}\n\treturn x\n}\n\nfunc fee(x int) int {\n\t\
                 return x + 1\n}\n\nfunc Unused() int {\n\treturn 0\n}\n";
    let test = "package money\n\nimport \"testing\"\n\nfunc TestAdd(t *testing.T) {\n\tif Add(3) != 3 {\n\t\tt.Fatal(\"total is wrong\")\n\t}\n}\n";
    let files = [
        ("go.mod", "module example.org/shop\n\ngo 1.18\n"),
        ("money/money.go", money),
        ("money/money_test.go", test),
    ];
    let mut recipe = ReplayRecipe::new(
        "HOME=$PWD GOCACHE=/tmp/millwright-test-gocache-$(id -u) GOFLAGS=\"$GOFLAGS\" go test ./...",
    );
    recipe.timeout_s = 300;
    let found = trace(&files, recipe);
    assert!(
        shown(&found, "money/money.go").starts_with("3 4 5 6 10 11 12 | "),
        "{}",
        shown(&found, "money/money.go")
    );
}

#[test]
fn java_by_the_classes_it_loads() {
    if !has("java", "java --version && javac --version") {
        return;
    }
    let till = "package shop;\npublic class Till {\n    static class Rate { int of(int x) { return x; } }\n    public static void main(String[] a) {\n        \
                new Rate().of(3);\n        throw new IllegalStateException(\"too much\");\n    }\n}\n";
    let other = "package shop;\npublic class Other { }\n";
    let files = [("src/main/java/shop/Till.java", till), ("src/main/java/shop/Other.java", other)];
    let command = "javac -d out src/main/java/shop/*.java && java -cp out shop.Till";
    let found = trace(&files, ReplayRecipe { timeout_s: 120, ..ReplayRecipe::new(command) });
    assert_eq!(shown(&found, "src/main/java/shop/Till.java"), " |  | ");
    let found = found.unwrap();
    assert!(!found.files.contains_key("src/main/java/shop/Other.java"));
    assert_eq!(found.precision, TracePrecision::Files);
}

#[test]
fn c_by_gcov() {
    if !has("gcov", "gcc --version && gcov --version") {
        return;
    }
    let main = "#include <stdio.h>\nint unused(void) {\n    return 0;\n}\nint add(int x) {\n    if (x > 2)\n        return x + 1;\n    \
                return x;\n}\nint main(void) {\n    if (add(3) != 3) {\n        puts(\"error: total is wrong\");\n        return 1;\n    }\n    \
                return 0;\n}\n";
    let files = [("src/main.c", main)];
    let found = trace(&files, ReplayRecipe::new("gcc --coverage -O0 -o prog src/main.c && ./prog"));
    assert_eq!(shown(&found, "src/main.c"), "5 6 7 10 11 12 13 |  | add main");
}

#[test]
fn rust_by_llvm_profiles() {
    let tools = "ls $(rustc --print sysroot)/lib/rustlib/*/bin/llvm-cov || llvm-cov --version";
    if !has("llvm-cov", tools) {
        return;
    }
    let main = "fn unused() -> i32 {\n    0\n}\nfn add(x: i32) -> i32 {\n    if x > 2 {\n        return x + 1;\n    }\n    x\n}\nfn main() {\n    \
                if add(3) != 3 {\n        println!(\"error: total is wrong\");\n        std::process::exit(1);\n    }\n    \
                if std::env::args().count() > 9 {\n        unused();\n    }\n}\n";
    let files = [("src/main.rs", main)];
    let command = "rustc -C instrument-coverage -o prog src/main.rs && ./prog";
    let found = trace(&files, ReplayRecipe { timeout_s: 120, ..ReplayRecipe::new(command) });
    // A system's LLVM may be older than rustc's; then nothing is read, and the opened files are the trace.
    if found.as_ref().is_none_or(|found| found.precision < TracePrecision::Lines) {
        return report_missing("llvm-cov", "no installed one reads the profiles of this rustc");
    }
    let shown = shown(&found, "src/main.rs");
    assert!(shown.starts_with("4 5 6 9 10 11 12 13") || shown.starts_with("4 5 6 10 11 12 13"), "{shown}");
}

#[test]
fn any_language_by_the_file_that_the_recipe_names() {
    let lcov = "TN:\\nSF:lib/calc.sh\\nDA:2,1\\nDA:3,0\\nend_of_record\\n";
    let command =
        format!("mkdir -p build && printf '{lcov}' >build/lcov.info; echo 'error: total is wrong'; exit 1");
    let files = [
        ("lib/calc.sh", "total() {\n  echo 1\n  echo 2\n}\n"),
        ("build/old.info", "SF:lib/calc.sh\nDA:3,1\n"),
    ];
    let recipe = ReplayRecipe { coverage: vec!["build/*.info".into()], ..ReplayRecipe::new(command) };
    let found = trace(&files, recipe);
    assert_eq!(shown(&found, "lib/calc.sh"), "2 |  | ");
    // What it names may lie: a link that leads out, and a report that is none.
    let command = "ln -s /etc/passwd a.info; echo nothing >b.info; echo 'error: total is wrong'; exit 1";
    let recipe = ReplayRecipe { coverage: vec!["*.info".into()], ..ReplayRecipe::new(command) };
    assert_eq!(trace(&files[..1], recipe), None);
}

/// A failure that is about the tracer is not the incident's.
#[test]
fn a_complaint_about_the_tracer_is_no_reproduction() {
    let script = "[ -z \"$MILLWRIGHT_TRACE_OUT\" ] || { echo \"OptionError: $MILLWRIGHT_TRACE_OUT is not known\"; exit 1; }\n\
                  echo 'ValueError: the total is wrong'; exit 1\n";
    let project = TestRepo::new();
    let bad = project.commit("change", &[("a.sh", script)]);
    let replayer = new_replayer(&project, ReplayRecipe::new("sh a.sh"), ReplayLedger::in_memory());
    let reproduction = replayer.reproduce(&bad, true).unwrap();
    assert!(reproduction.shown.tail.contains("ValueError"), "{}", reproduction.shown.tail);
    assert_eq!(reproduction.trace, None);
}

#[test]
fn the_command_keeps_its_status_and_its_output() {
    let files = [("a.sh", "echo 'ValueError: x'; exit 7\n")];
    for command in ["sh a.sh", "exec sh a.sh", "sh a.sh # as ever", "set -e; sh a.sh; echo never"] {
        let project = TestRepo::new();
        let bad = project.commit("change", &files);
        let replayer = new_replayer(&project, ReplayRecipe::new(command), ReplayLedger::in_memory());
        let shown = replayer.reproduce(&bad, true).unwrap().shown;
        assert!(shown.tail.contains("[exit status 7]"), "{command}: {}", shown.tail);
    }
}
