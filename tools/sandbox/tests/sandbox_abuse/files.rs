/*!
Files that the command must not read, write or take over.
*/

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use millwright_sandbox::ExitStatus;

use crate::checks::{ContainmentCheck, not_tried};
use crate::ground::{Ground, ORDINARY_USER, levels, says};

pub(crate) const CHECKS: &[ContainmentCheck] = &[
    ContainmentCheck::contains(
        "files::writes",
        "writes, renames, modes, times and owners of files outside",
        writes_outside,
    ),
    ContainmentCheck::contains(
        "files::reads",
        "reads of homes, secrets and folders that were not declared",
        reads_of_what_was_not_declared,
    ),
    ContainmentCheck::contains(
        "files::links",
        "hard and symbolic links that lead out of the checkout",
        links_out_of_the_checkout,
    ),
    ContainmentCheck::contains(
        "files::set_user_id",
        "files that others would run with its rights",
        set_user_id_files,
    ),
    ContainmentCheck::works("files::own", "changes to its own files", its_own_files_are_all_it_changes),
    ContainmentCheck::works("files::opened", "the files it opened are told", opened_files_are_reported),
    ContainmentCheck::works_once(
        "files::owners",
        "files belong to the owner of their folder",
        files_belong_to_the_owner_of_their_folder,
    ),
];

fn writes_outside(ground: &Ground) {
    let execution = ground.run(
            "for f in OUTSIDE/new OUTSIDE/secret /etc/new /usr/new /new /proc/sys/kernel/core_pattern /var/tmp/abuse; do
               echo x > $f && echo WROTE $f; done
             rm -f OUTSIDE/secret; mv OUTSIDE/secret OUTSIDE/moved; mkdir OUTSIDE/folder; truncate -s 0 OUTSIDE/secret
             chmod 777 OUTSIDE/secret && echo CHMOD; chmod -R 777 OUTSIDE && echo CHMOD; touch -d 2001-01-01 OUTSIDE/secret
             chmod 777 /etc/passwd /bin/sh && echo CHMOD; chown 12345 OUTSIDE/secret && echo CHOWN; exit 1",
        );
    assert!(!execution.output.contains("WROTE"), "{}", execution.output);
    assert!(!execution.output.contains("CHMOD\n"), "{}", execution.output);
    says(&execution, &["the command said", "refused", "hidden from the command"]);
    ground.is_untouched();
    assert!(!Path::new("/var/tmp/abuse").exists());
}

fn reads_of_what_was_not_declared(ground: &Ground) {
    let home = std::env::var("HOME").unwrap_or_else(|_| "/root".into());
    let execution = ground.run(&format!(
            "for d in {home} /root /home /var /srv /opt OUTSIDE /tmp/.. /run; do
               for f in $(ls -A $d 2>/dev/null); do cat $d/$f 2>/dev/null | head -c 20 | grep -q . && echo READ $d/$f; done; done
             cat OUTSIDE/secret; cat /etc/shadow; cat ../outside/secret; exit 1"
        ));
    assert!(!execution.output.contains("READ"), "{}", execution.output);
    assert!(!execution.output.contains("the secret"), "{}", execution.output);
    assert!(!execution.output.contains("root:*:"), "{}", execution.output);
}

fn links_out_of_the_checkout(ground: &Ground) {
    std::os::unix::fs::symlink(ground.outside(), ground.checkout().join("planted")).unwrap();
    let execution = ground.run(
        "ln -s OUTSIDE/secret soft; cat soft; echo x > soft; cat planted/secret; echo x > planted/new
             ln OUTSIDE/secret hard && echo LINKED; ln /etc/hostname hard2 && echo LINKED
             chmod 777 soft; chmod 777 planted/secret; touch -d 2001-01-01 soft; cp soft copy; exit 1",
    );
    assert!(!execution.output.contains("the secret"), "{}", execution.output);
    assert!(!execution.output.contains("LINKED"), "{}", execution.output);
    says(&execution, &["the command said", "refused", "hidden from the command"]);
    ground.is_untouched();
}

fn its_own_files_are_all_it_changes(ground: &Ground) {
    fs::write(ground.checkout().join("harness.sh"), "exit 1\n").unwrap();
    let execution = ground.run("echo 'exit 0' > harness.sh; sh harness.sh");
    assert_eq!(execution.exit, ExitStatus::Code(0), "{}", execution.output);
    assert_eq!(fs::read_to_string(ground.checkout().join("harness.sh")).unwrap(), "exit 0\n");
    ground.is_untouched();
}

fn set_user_id_files(ground: &Ground) {
    let execution = ground.run("cp /bin/sh mine; chmod 4755 mine; chmod u+s mine; chmod g+s mine; install -m 6755 /bin/sh other; exit 1");
    for entry in fs::read_dir(ground.checkout()).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().mode() & 0o6000, 0, "{}", execution.output);
    }
    says(&execution, &["set-user-id"]);
}

/// For root, the command runs as another account outside, and files it creates belong to the owner of their
/// folder.
fn files_belong_to_the_owner_of_their_folder() {
    if !nix::unistd::geteuid().is_root() {
        return not_tried("only root can own folders of two accounts");
    }
    for owner in [0, ORDINARY_USER] {
        let ground = Ground::new(levels()[0]);
        for path in [ground.checkout(), ground.checkout().join("file")] {
            std::os::unix::fs::chown(path, Some(owner), Some(owner)).unwrap();
        }
        let execution = ground
            .run("echo made > made; echo changed > file; mkdir folder; id -u; stat -c %u file made folder");
        assert_eq!(execution.output, "1000\n1000\n1000\n1000\n");
        for name in ["file", "made", "folder"] {
            assert_eq!(fs::metadata(ground.checkout().join(name)).unwrap().uid(), owner, "{name}");
        }
    }
}

fn opened_files_are_reported(ground: &Ground) {
    fs::create_dir_all(ground.checkout().join("src/deep")).unwrap();
    for name in ["src/read.py", "src/deep/run.sh", "src/unread.py"] {
        fs::write(ground.checkout().join(name), "echo hello\n").unwrap();
    }
    let mut command = ground.command("cat src/read.py; sh src/deep/run.sh; ls -l src; cat OUTSIDE/secret");
    command.record_opened_under = Some(ground.checkout());
    let execution = ground.run_command(&command);
    let checkout = fs::canonicalize(ground.checkout()).unwrap();
    let opened: Vec<_> =
        execution.opened.iter().map(|path| path.strip_prefix(&checkout).unwrap().to_owned()).collect();
    assert_eq!(opened, [Path::new("src/deep/run.sh"), Path::new("src/read.py")]);
}
