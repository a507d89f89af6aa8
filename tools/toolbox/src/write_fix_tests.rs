use millwright_testkit::repository::snapshot;
use serde_json::json;

use crate::testing::Bench;
use crate::{CallGrant, Effect, Policy, ToolAnswer, ToolErrorKind};

async fn verified() -> Bench {
    let bench = Bench::patched().await;
    bench.call("verify_fix", json!({"candidate": "patch_1"})).await.unwrap();
    bench
}

#[tokio::test]
async fn a_verified_fix_becomes_a_branch_and_is_pushed() {
    let bench = verified().await;
    let bare = bench.repo.clone(&["--bare", &bench.repo.work().to_string_lossy()], "remote.git");
    let bench = bench.with(|workbench| {
        workbench.remotes.insert("origin".into(), format!("file://{}", bare.display()));
    });
    let args = json!({"candidate": "patch_1", "as": "branch"});
    let written = bench.call("write_fix", args.clone()).await.unwrap();
    assert_eq!(written.data["place"], json!("millwright/fix-89abcdef-patch_1"), "{}", written.text);
    insta::assert_snapshot!(
        bench.repo.git(&["show", "-s", "--format=%B", "millwright/fix-89abcdef-patch_1"]).replace(bench.bad.short(), "BAD"),
        @r"
    Fix: Totals are wrong

    The total adds up, it does not take away.

    Proven by replay: the failure occurs at BAD (ValueError: the
    total came out wrong) and does not occur with this change. The project's
    tests are not worse with it than without.

    Incident: inc_0123456789abcdef
    Replays: 3, 4, 5, 6, 7
    ");
    assert_eq!(
        bench.repo.git(&["diff", "--stat", "HEAD", "millwright/fix-89abcdef-patch_1"]).lines().count(),
        2
    );
    assert_eq!(bench.call("write_fix", args).await.unwrap().data["already"], json!(true));
    bench.repo.git(&["branch", "taken"]);
    let taken =
        bench.read("write_fix", json!({"candidate": "patch_1", "as": "branch", "name": "taken"})).await;
    assert_eq!(taken, "denied: the branch taken exists already, at BAD; choose another name");
    assert_eq!(bench.repo.head(), bench.bad);
    assert_eq!(bench.repo.git(&["symbolic-ref", "HEAD"]), "refs/heads/main");

    let push = json!({"branch": "millwright/fix-89abcdef-patch_1", "remote": "origin"});
    let pushed = bench.call("push_fix", push.clone()).await.unwrap();
    assert_eq!(pushed.data["already"], json!(false), "{}", pushed.text);
    assert_eq!(bench.call("push_fix", push).await.unwrap().data["already"], json!(true));
    let other = bench.read("push_fix", json!({"branch": "main", "remote": "origin"})).await;
    assert!(other.contains("is not a branch that this run wrote"), "{other}");
    let address = bench.read("push_fix", json!({"branch": "main", "remote": "file:///tmp/x"})).await;
    assert!(address.contains("is declared; there are: origin"), "{address}");
}

/// After an interruption, recorded runs are not repeated, and they are still the runs that judged the fix.
#[tokio::test]
async fn a_check_that_is_made_again_lists_what_it_cites() {
    let bench = Bench::patched().await;
    let check = async || {
        let data = bench.call("verify_fix", json!({"candidate": "patch_1"})).await.unwrap().data;
        (data["judged_by"].clone(), data["runs"].clone())
    };
    let (judged_by, runs) = check().await;
    assert_eq!(judged_by, json!([3, 4, 5, 6, 7]));
    assert_eq!(runs.as_array().unwrap().len(), 7, "the reproduction and its trace among them: {runs}");
    assert_eq!(check().await, (judged_by, runs));
}

#[tokio::test]
async fn a_patch_file_lies_in_the_data_folder_and_nothing_is_overwritten() {
    let bench = verified().await;
    let before = snapshot(&bench.repo.work());
    let written = bench.call("write_fix", json!({"candidate": "patch_1", "as": "patch_file"})).await.unwrap();
    let path = bench.repo.data().join("fixes/fix-89abcdef-patch_1.patch");
    let patch = std::fs::read_to_string(&path).unwrap();
    assert!(
        patch.contains("Subject: [PATCH] Fix: Totals are wrong") && patch.contains("+echo $((a + b))"),
        "{patch}"
    );
    assert_eq!(written.data["already"], json!(false));
    assert_eq!(snapshot(&bench.repo.work()), before, "the repository is as it was");
    let named = |name: &str| json!({"candidate": "patch_1", "as": "patch_file", "name": name});
    assert_eq!(
        bench.call("write_fix", named("fix-89abcdef-patch_1.patch")).await.unwrap().data["already"],
        json!(true)
    );
    std::fs::write(&path, "mine").unwrap();
    assert!(bench.read("write_fix", named("fix-89abcdef-patch_1.patch")).await.contains("exists already"));
    for name in ["../x.patch", "/tmp/x.patch", "x.sh", ".x.patch", "a/../../x.patch", ""] {
        let refused = bench.call("write_fix", named(name)).await.unwrap_err();
        assert_eq!(refused.kind, ToolErrorKind::InvalidArguments, "{name}");
    }
    std::os::unix::fs::symlink(bench.repo.beside(""), bench.repo.data().join("fixes/out")).unwrap();
    assert!(bench.read("write_fix", named("out/x.patch")).await.contains("leads out of the data folder"));
}

#[tokio::test]
async fn only_verified_fixes_are_written_and_only_with_leave() {
    let mut bench = Bench::patched().await;
    let args = json!({"candidate": "patch_1", "as": "patch_file"});
    assert!(
        bench
            .read("write_fix", args.clone())
            .await
            .starts_with("denied: patch_1 was not verified in this run")
    );
    let push = json!({"branch": "x", "remote": "origin"});
    for (name, args, effect) in
        [("write_fix", &args, Effect::WriteLocal), ("push_fix", &push, Effect::WriteExternal)]
    {
        bench.policy = Policy::investigate();
        let asked = bench.answer(name, args.clone(), CallGrant::NotAsked).await;
        assert_eq!(asked, ToolAnswer::NeedsApproval { effect });
        bench.policy = Policy::investigate().unattended();
        for grant in [CallGrant::NotAsked, CallGrant::ApprovedBy("the ticket".into())] {
            let ToolAnswer::Done { result: Err(error), .. } = bench.answer(name, args.clone(), grant).await
            else {
                panic!("{name} was not denied");
            };
            assert_eq!(error.kind, ToolErrorKind::Denied);
        }
    }
    assert!(!bench.repo.data().join("fixes").exists());
}
