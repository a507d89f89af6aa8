/*!
What a command is given, and what is told about it.
*/

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;

use millwright_memory::types::SandboxLevel;
use millwright_tools::process::{CancelFlag, Ceiling, Exit, SandboxError, SandboxedCommand, run_at};

use crate::ground::{Ground, everywhere, levels};

#[test]
fn ordinary_work_is_possible() {
    everywhere("commands::ordinary_work_is_possible", |ground| {
        let execution = ground.run(
            "set -e; cat file; echo more >> file; mkdir -p a/b; mv file a/b/moved; ln -s a/b/moved link; cat link
             cp -p a/b/moved copy; chmod 700 copy; touch -d 2020-01-02 copy; ls -l copy | cut -c1-10
             printf '#!/bin/sh\\necho ran\\n' > tool; chmod +x tool; ./tool
             echo \"$HOME\" > \"$TMPDIR/t\"; test \"$(cat \"$TMPDIR/t\")\" = \"$HOME\"
             seq 3 | sort -r | head -1; (sleep 0.01; echo background) & wait; sleep 5 & { kill $!; wait $!; } 2>/dev/null || echo killed
             tar cf x.tar a; rm -r a; tar xf x.tar; cat a/b/moved; exit 7",
        );
        assert_eq!(execution.exit, Exit::Code(7), "{}", execution.output);
        assert_eq!(
            execution.output,
            "contentcontentmore\n-rwx------\nran\n3\nbackground\nkilled\ncontentmore\n"
        );
        assert_eq!((execution.limit, execution.truncated), (None, false));
        let copy = fs::metadata(ground.checkout().join("copy")).unwrap();
        assert_eq!((copy.mode() & 0o777, copy.uid()), (0o700, nix::unistd::geteuid().as_raw()));
        ground.is_untouched();
    });
}

#[test]
fn the_environment_is_scrubbed() {
    everywhere("commands::the_environment_is_scrubbed", |ground| {
        let mut command = ground.command("env | sed 's/=.*//' | sort | tr '\\n' ' '; echo $GIVEN");
        command.env.insert("GIVEN".into(), "given value".into());
        let execution = ground.run_command(&command);
        assert_eq!(execution.output, "GIVEN HOME LANG LC_ALL PATH PWD TMPDIR TZ given value\n");
    });
}

#[test]
fn weaker_is_refused_unless_asked_for() {
    let ground = Ground::new(levels()[0]);
    let mut command = ground.command("echo ran");
    let none = Ceiling { level: SandboxLevel::None, ..Ceiling::default() };
    assert!(matches!(run_at(none, &command, &CancelFlag::default()), Err(SandboxError::Unavailable { .. })));
    let no_landlock = Ceiling { landlock: 0, ..Ceiling::default() };
    assert!(matches!(
        run_at(no_landlock, &command, &CancelFlag::default()),
        Err(SandboxError::Unavailable { .. })
    ));
    command.weaker = millwright_tools::process::Weaker::Allow;
    let execution = run_at(none, &command, &CancelFlag::default()).unwrap();
    assert_eq!((execution.output.as_str(), execution.level), ("ran\n", SandboxLevel::None));
}

#[test]
fn what_can_be_had_is_told() {
    everywhere("commands::what_can_be_had_is_told", |_| {
        let probe = millwright_tools::process::probe();
        assert_eq!(probe.level, Some(SandboxLevel::Full), "{probe:?}");
        assert!(probe.mechanisms.iter().all(|mechanism| mechanism.works), "{probe:?}");
    });
}

#[test]
fn output_keeps_its_order_and_survives_bad_bytes() {
    everywhere("commands::output_keeps_its_order_and_survives_bad_bytes", |ground| {
        let execution =
            ground.run("for i in 1 2 3; do echo out$i; echo err$i >&2; done; printf 'a\\377b\\000c'");
        assert_eq!(execution.output, "out1\nerr1\nout2\nerr2\nout3\nerr3\na\u{fffd}b\0c");
    });
}

#[test]
fn impossible_commands_are_told() {
    let ground = Ground::new(levels()[0]);
    let check = |change: fn(&mut SandboxedCommand), expected: &str| {
        let mut command = ground.command("true");
        change(&mut command);
        let error = run_at(Ceiling::default(), &command, &CancelFlag::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(|command| command.read = vec!["/nonexistent/path".into()], "No such file");
    check(|command| command.read = vec!["/".into()], "name what is needed below it");
    check(|command| command.cwd = "/usr/bin".into(), "below nothing declared");
    check(|command| command.script = "a\0b".into(), "NUL");
    check(|command| drop(command.env.insert("A=B".into(), String::new())), "impossible name");
    let mut text = String::new();
    fs::File::open(ground.outside().join("secret")).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "the secret");
}
