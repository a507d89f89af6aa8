//! `millwright history` with the built command.

use crate::common::Scene;

#[test]
fn the_commits_of_a_function_are_shown_with_their_hunks() {
    let scene = Scene::new();
    let culprit = scene.id("HEAD~5");
    let ran = scene.run(&["history", "lib/calc.sh::total", "--repo", "repo"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    let told =
        format!("lib/calc.sh::total (lines 1 to 3), at {}: 2 commits changed it\n", &scene.id("HEAD")[..10]);
    assert!(ran.stdout.starts_with(&told), "{}", ran.stdout);
    assert!(ran.stdout.contains(&format!("{}  ", &culprit[..10])), "{}", ran.stdout);
    assert!(ran.stdout.contains("  -  echo $(( $1 * 2 ))\n  +  echo $(( $1 * 3 ))\n"), "{}", ran.stdout);

    let short = scene.run(&["history", "lib/calc.sh:2", "--repo", "repo", "--limit", "1", "--no-patch"]);
    assert!(
        short.stdout.ends_with("\n  changed the body\n\n1 of 2 commits are shown.\n"),
        "{}",
        short.stdout
    );
    let json = scene.run(&["history", "lib/calc.sh", "--repo", "repo", "--at", "HEAD~6", "--format", "json"]);
    let history = json.report();
    assert_eq!(history["as_of"], scene.id("HEAD~6").as_str());
    assert_eq!(history["total"], 1, "the fault came later: {history}");
    assert_eq!(history["commits"][0]["what"][0], "introduced");

    let wrong: [(&[&str], &str); 5] = [
        (&["lib/calc.sh::sum"], "it has total"),
        (&["lib/none.sh"], "no file \"lib/none.sh\""),
        (&["lib/calc.sh:90"], "it ends at line 3"),
        (&["::total"], "give PATH::NAME"),
        (&["lib/calc.sh", "--at", "v9"], "no revision \"v9\""),
    ];
    for (arguments, words) in wrong {
        scene.run(&[&["history", "--repo", "repo"], arguments].concat()).refuses(&[words]);
    }
}

#[test]
fn all_units_are_read_ahead_of_time() {
    let scene = Scene::new();
    let ran = scene.run(&["index", "--repo", "repo", "--units"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("12 commits are indexed"), "{}", ran.stdout);
    let ran = scene.run(&["history", "lib/calc.sh::total", "--repo", "repo"]);
    assert!(ran.stdout.contains("2 commits changed it"), "{}", ran.stdout);
}
