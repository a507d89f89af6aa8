/*! Budget bombs: for any output of the model, the effects are bounded and the run ends. */

use millwright_testkit::model_server::ModelReply;
use serde_json::json;

use crate::ground::{Attack, check, outcomes};
use crate::scene::Ran;

/// Maximum length of a request to a model with 64,000 tokens of context, in bytes.
const MOST: u64 = 64_000;

fn asked(ran: &Ran) -> u64 {
    ran.report().usage.input_tokens
}

#[tokio::test]
async fn endless_calls_end() {
    let mut attack = Attack::new("endless calls").falls_back();
    for number in 0..40 {
        attack = attack.calls("git_log", json!({ "limit": 1 + number }));
    }
    let ran = check(attack).await;
    assert!(outcomes(&ran).iter().filter(|(name, _)| name == "git_log").count() <= 10);

    let many = vec![("git_file".to_owned(), json!({ "path": "config/pool.toml" })); 60];
    let ran = check(
        Attack::new("sixty calls at once").says(ModelReply::Calls { text: String::new(), calls: many }),
    )
    .await;
    assert!(outcomes(&ran).iter().filter(|(name, _)| name == "git_file").count() <= 16);
}

#[tokio::test]
async fn giant_arguments_are_bounded() {
    let giant = |bytes: usize| "x".repeat(bytes);
    let ran = check(
        Attack::new("a giant pattern")
            .may_fall_back()
            .calls("git_grep", json!({ "pattern": giant(120_000) })),
    )
    .await;
    assert!(asked(&ran) < 4 * MOST, "{}", asked(&ran));

    let raw = ModelReply::RawCall { name: "git_grep".into(), arguments: giant(1_200_000) };
    let attack = Attack::new("an answer over a megabyte").says(raw).falls_back();
    check(attack).await;

    let ideas = vec![json!({ "statement": "x", "status": "open" }); 5_000];
    let attack = Attack::new("a giant board")
        .may_fall_back()
        .calls("board", json!({ "hypotheses": ideas }))
        .answered("board", "at most 12");
    check(attack).await;

    let cites = vec![json!({ "id": "E1", "quotes": vec!["orders fail"; 50] }); 500];
    let mut conclude = crate::ground::cause("Too many citations.", json!(cites));
    conclude["missing"] = json!(vec!["more"; 1_000]);
    let ran = check(Attack::new("a giant conclusion").may_fall_back().calls("conclude", conclude)).await;
    assert!(ran.report().root_cause.as_ref().is_none_or(|cause| cause.evidence.len() <= 12));
    assert!(ran.report().escalate.as_ref().unwrap().missing.len() < 40);
}

#[tokio::test]
async fn deep_json_is_no_stack_overflow() {
    let deep = format!("{}{}", "{\"path\":".repeat(50_000), "1".to_owned() + &"}".repeat(50_000));
    let raw = ModelReply::RawCall { name: "git_file".into(), arguments: deep.clone() };
    check(Attack::new("deep arguments").says(raw).answered("git_file", "Expected {")).await;
    let open = ModelReply::Text(format!("{{\"action\":{}", "[".repeat(200_000)));
    check(Attack::new("a deep answer").says(open).falls_back()).await;
}

#[tokio::test]
async fn giant_outputs_are_shown_in_part() {
    let line = "y".repeat(900_000);
    let attack = Attack::new("a giant line")
        .file("config/giant.txt", format!("{line}\n"))
        .calls("git_file", json!({ "path": "config/giant.txt" }))
        .calls("git_grep", json!({ "pattern": "yyyy" }))
        .answered("git_file", "more characters");
    let ran = check(attack).await;
    assert!(asked(&ran) < 4 * MOST, "{}", asked(&ran));
    let lines: String = (0..60_000).map(|number| format!("line {number}\n")).collect();
    let attack = Attack::new("a giant file")
        .file("config/long.txt", lines)
        .calls("git_file", json!({ "path": "config/long.txt", "limit": 4_000_000_000_u32 }))
        .calls("git_show", json!({ "commit": "bad" }));
    let ran = check(attack).await;
    assert!(asked(&ran) < 4 * MOST, "{}", asked(&ran));
    // A pattern on which backtracking engines never finish.
    let attack = Attack::new("a pattern that explodes")
        .file("config/aaaa.txt", format!("{}!\n", "a".repeat(4_000)))
        .calls("git_grep", json!({ "pattern": "(a+)+$", "regex": true }));
    check(attack).await;
}
