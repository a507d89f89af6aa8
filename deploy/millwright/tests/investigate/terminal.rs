/*!
Hostile text on a terminal: the program prints no control codes that a terminal would obey. The tests plant codes in titles,
bodies, commit subjects and paths, and check the printed output of every page and listing that may show them.
*/

use super::common::{CHECK, Scene};

/// A window title, a control sequence, a bell, both as single C1 characters, and a bidirectional override.
const PLANTED: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{9d}0;owned\u{9c}\u{7}\u{202e}\u{200b}\r";

/// Invisible characters that change how other text is displayed.
fn hidden(printed: &str) -> Vec<char> {
    let is_hidden = |char: &char| {
        char.is_control() && !matches!(char, '\n' | '\t')
            || matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    printed.chars().filter(is_hidden).collect()
}

#[test]
fn nothing_that_a_terminal_obeys_is_printed() {
    let scene = Scene::new();
    scene.write(
        "ticket.txt",
        format!(
            "Totals {PLANTED}are wrong\n\n$ sh check.sh\ncalc_check: total 21 gave 63, not 42 (lib/calc.sh)\n\nThe {PLANTED} body\n"
        ),
    );
    scene.write(format!("repo/lib/odd{}.sh", PLANTED.replace('\r', "")).as_str(), "# odd\n");
    scene.repo.replace("lib/calc.sh", "total()", "# odd\ntotal()");
    scene.repo.commit(&format!("Tidy {PLANTED} lib/calc.sh up"), &[]);
    let (ticket, repo) = (scene.path("ticket.txt"), scene.path("repo"));
    let (ticket, repo) = (ticket.to_str().unwrap(), repo.to_str().unwrap());
    for format in ["text", "json", "markdown", "html"] {
        let ran = scene.run(&[
            "investigate",
            ticket,
            "--repo",
            repo,
            "--replay",
            CHECK,
            "--good",
            "HEAD~12",
            "--format",
            format,
        ]);
        assert!(ran.stdout.len() > 500, "{}", ran.stderr);
        assert_eq!(hidden(&ran.stdout), [], "investigate as {format}: {:?}", ran.stdout);
        assert_eq!(hidden(&ran.stderr), [], "{:?}", ran.stderr);
    }
    let listed = scene.run(&["memory", "list", "--format", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    let incident = listed[0]["incident_id"].as_str().unwrap();
    for arguments in [
        &["memory", "list"][..],
        &["memory", "search", PLANTED],
        &["memory", "search", "totals"],
        &["memory", "show", incident],
        &["memory", "confirm", incident, "--note", PLANTED],
        &["memory", "show", incident],
        &["memory", "show", PLANTED],
        &["doctor", "--repo", PLANTED],
    ] {
        for format in ["text", "json"] {
            let ran = scene.run(&[arguments, &["--format", format]].concat());
            assert_eq!(hidden(&ran.stdout), [], "{arguments:?} as {format}: {:?}", ran.stdout);
            assert_eq!(hidden(&ran.stderr), [], "{arguments:?} as {format}: {:?}", ran.stderr);
        }
    }
}
