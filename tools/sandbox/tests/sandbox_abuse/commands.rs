/*!
What the checks pass to a command, and what they print about it.
*/

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;

use millwright_model::SandboxLevel;
use millwright_sandbox::{CancelFlag, ExitStatus, SandboxCeiling, SandboxError, SandboxedCommand, run_at};

use crate::checks::ContainmentCheck;
use crate::ground::{Ground, levels};

pub(crate) const CHECKS: &[ContainmentCheck] = &[
    ContainmentCheck::works(
        "commands::ordinary_work",
        "files, links, times, modes, pipes, signals and archives of its own",
        ordinary_work_is_possible,
    ),
    ContainmentCheck::works(
        "commands::environment",
        "nothing of ours in its environment, what was declared there",
        the_environment_is_scrubbed,
    ),
    ContainmentCheck::works(
        "commands::output",
        "output in its order, whatever its bytes",
        output_keeps_its_order_and_survives_bad_bytes,
    ),
    ContainmentCheck::works_once(
        "commands::what_can_be_had",
        "the level that this machine gives is told",
        what_can_be_had_is_told,
    ),
    ContainmentCheck::contains_once(
        "commands::weaker_is_refused",
        "run where no sandbox can be had",
        weaker_is_refused_unless_asked_for,
    ),
    ContainmentCheck::contains_once(
        "commands::impossible",
        "paths, names and folders that no command may declare",
        impossible_commands_are_told,
    ),
];

fn ordinary_work_is_possible(ground: &Ground) {
    let execution = ground.run(
            "set -e; cat file; echo more >> file; mkdir -p a/b; mv file a/b/moved; ln -s a/b/moved link; cat link
             cp -p a/b/moved copy; chmod 700 copy; touch -d 2020-01-02 copy; ls -l copy | cut -c1-10
             printf '#!/bin/sh\\necho ran\\n' > tool; chmod +x tool; ./tool
             echo \"$HOME\" > \"$TMPDIR/t\"; test \"$(cat \"$TMPDIR/t\")\" = \"$HOME\"
             seq 3 | sort -r | head -1; (sleep 0.01; echo background) & wait; sleep 5 & { kill $!; wait $!; } 2>/dev/null || echo killed
             tar cf x.tar a; rm -r a; tar xf x.tar; cat a/b/moved; exit 7",
        );
    assert_eq!(execution.exit, ExitStatus::Code(7), "{}", execution.output);
    assert_eq!(execution.output, "contentcontentmore\n-rwx------\nran\n3\nbackground\nkilled\ncontentmore\n");
    assert_eq!((execution.limit, execution.truncated), (None, false));
    let copy = fs::metadata(ground.checkout().join("copy")).unwrap();
    assert_eq!((copy.mode() & 0o777, copy.uid()), (0o700, nix::unistd::geteuid().as_raw()));
    ground.is_untouched();
}

fn the_environment_is_scrubbed(ground: &Ground) {
    let mut command = ground.command("env | sed 's/=.*//' | sort | tr '\\n' ' '; echo $GIVEN");
    command.env.insert("GIVEN".into(), "given value".into());
    let execution = ground.run_command(&command);
    assert_eq!(execution.output, "GIVEN HOME LANG LC_ALL PATH PWD TMPDIR TZ given value\n");
}

fn weaker_is_refused_unless_asked_for() {
    let ground = Ground::new(levels()[0]);
    let mut command = ground.command("echo ran");
    let none = SandboxCeiling { level: SandboxLevel::None, ..SandboxCeiling::default() };
    assert!(matches!(run_at(none, &command, &CancelFlag::default()), Err(SandboxError::Unavailable { .. })));
    let no_landlock = SandboxCeiling { landlock: 0, ..SandboxCeiling::default() };
    assert!(matches!(
        run_at(no_landlock, &command, &CancelFlag::default()),
        Err(SandboxError::Unavailable { .. })
    ));
    command.weaker = millwright_sandbox::NoSandboxPolicy::Allow;
    let execution = run_at(none, &command, &CancelFlag::default()).unwrap();
    assert_eq!((execution.output.as_str(), execution.level), ("ran\n", SandboxLevel::None));
}

fn what_can_be_had_is_told() {
    let probe = millwright_sandbox::probe();
    assert_eq!(probe.level, Some(SandboxLevel::Full), "{probe:?}");
    // The machine and the user decide whether there are control groups; report what is missing.
    let lacking = probe.mechanisms.iter().filter(|mechanism| !mechanism.works).collect::<Vec<_>>();
    assert!(
        lacking.iter().all(|part| part.name == "control groups" && part.detail.contains("sampled")),
        "{probe:?}"
    );
}

fn output_keeps_its_order_and_survives_bad_bytes(ground: &Ground) {
    let execution = ground.run("for i in 1 2 3; do echo out$i; echo err$i >&2; done; printf 'a\\377b\\000c'");
    assert_eq!(execution.output, "out1\nerr1\nout2\nerr2\nout3\nerr3\na\u{fffd}b\0c");
}

fn impossible_commands_are_told() {
    let ground = Ground::new(levels()[0]);
    let check = |change: fn(&mut SandboxedCommand), expected: &str| {
        let mut command = ground.command("true");
        change(&mut command);
        let error =
            run_at(SandboxCeiling::default(), &command, &CancelFlag::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(|command| command.read = vec!["/nonexistent/path".into()], "No such file");
    check(|command| command.read = vec!["/".into()], "name the needed paths below it");
    check(|command| command.cwd = "/usr/bin".into(), "not below a path declared");
    check(|command| command.script = "a\0b".into(), "NUL");
    check(|command| drop(command.env.insert("A=B".into(), String::new())), "invalid name");
    let mut text = String::new();
    fs::File::open(ground.outside().join("secret")).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "the secret");
}
