use millwright_model::CommitId;
use millwright_testkit::repository::{TestRepo, snapshot};
use serde_json::json;

use super::*;
use crate::testing::context;
use crate::{CallGrant, Dispatcher, Policy, ToolAnswer, ToolCall, ToolErrorKind, investigation_tools};

struct World {
    repo: TestRepo,
    ctx: ToolContext,
    good: CommitId,
    bad: CommitId,
    fix: CommitId,
    dispatcher: Dispatcher,
}

fn world() -> World {
    let repo = TestRepo::new();
    let good = repo.commit_as(
        "Bea",
        "Add the cart",
        &[
            (
                "shop/cart.py",
                "LIMIT = 3\n\nclass Cart:\n    def total(self):\n        return sum(self.items)\n",
            ),
            (
                "shop/views.py",
                "from .cart import Cart\n\ndef show(cart):\n    # total\n    return cart.total()\n",
            ),
            ("README.md", "total\n"),
        ],
    );
    let bad = repo.commit_as(
        "Cyd",
        "Give a discount\n\nAsked for by sales.",
        &[(
            "shop/cart.py",
            "LIMIT = 3\n\nclass Cart:\n    def total(self):\n        return sum(self.items) * DISCOUNT\n",
        )],
    );
    let mut ctx = context(&repo);
    ctx.good = Some(good.clone());
    let fix = repo.commit_as("Bea", "Define DISCOUNT", &[("shop/cart.py", "DISCOUNT = 1\n")]);
    let dispatcher = Dispatcher::new(investigation_tools(), Policy::read_only());
    World { repo, ctx, good, bad, fix, dispatcher }
}

impl World {
    async fn call(&self, name: &str, args: Value) -> Result<ToolOutput, ToolError> {
        let call = ToolCall { id: "1".into(), name: name.into(), args };
        match self.dispatcher.call(&self.ctx, &call, &CallGrant::NotAsked).await {
            ToolAnswer::Done { result, .. } => result,
            ToolAnswer::NeedsApproval { effect } => panic!("{effect}"),
        }
    }

    /// The answer as a model reads it, commit ids replaced by their roles.
    async fn read(&self, name: &str, args: Value) -> String {
        let text = match self.call(name, args).await {
            Ok(output) => output.text,
            Err(error) => format!("{}: {}", error.kind, error.feedback),
        };
        let mut text = text;
        for (id, role) in [(&self.good, "GOOD"), (&self.bad, "BAD"), (&self.fix, "FIX")] {
            text = text.replace(id.as_str(), role).replace(id.short(), role);
        }
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}

#[tokio::test]
async fn what_a_model_reads() {
    let world = world();
    insta::assert_snapshot!(world.read("git_log", json!({})).await, @r"
    BAD 2023-11-14 Cyd: Give a discount

    [not searched: commits up to the good revision; whole_history lists them too]
    ");
    insta::assert_snapshot!(world.read("git_log", json!({"whole_history": true, "limit": 1})).await, @r"
    BAD 2023-11-14 Cyd: Give a discount

    [more commits; use offset 1 to see more]
    ");
    insta::assert_snapshot!(world.read("git_show", json!({"commit": "bad"})).await, @r"
    commit BAD
    Author: Cyd <cyd@example.org> 2023-11-14
    Parents: GOOD

    Give a discount

    Asked for by sales.

     shop/cart.py | +1 -1

    diff --git a/shop/cart.py b/shop/cart.py
    index d3a8bfe..82b20f1 100644
    --- a/shop/cart.py
    +++ b/shop/cart.py
    @@ -2,4 +2,4 @@

     class Cart:
         def total(self):
    -        return sum(self.items)
    +        return sum(self.items) * DISCOUNT
    ");
    insta::assert_snapshot!(world.read("git_diff", json!({"paths": ["shop"]})).await, @r"
    from GOOD to BAD
     shop/cart.py | +1 -1

    diff --git a/shop/cart.py b/shop/cart.py
    index d3a8bfe..82b20f1 100644
    --- a/shop/cart.py
    +++ b/shop/cart.py
    @@ -2,4 +2,4 @@

     class Cart:
         def total(self):
    -        return sum(self.items)
    +        return sum(self.items) * DISCOUNT
    ");
    insta::assert_snapshot!(world.read("git_blame", json!({"path": "shop/cart.py", "start_line": 4})).await, @r"
    GOOD (not after good) 2023-11-14 Bea: Add the cart
    4 |     def total(self):
    BAD 2023-11-14 Cyd: Give a discount
    5 |         return sum(self.items) * DISCOUNT
    ");
    insta::assert_snapshot!(world.read("history", json!({"of": "shop/cart.py::Cart.total"})).await, @r"
    shop/cart.py::Cart.total (lines 4 to 5), at BAD: 2 commits changed it

    BAD  2023-11-14  Cyd  Give a discount
      changed the body
      @@ -4,2 +4,2 @@
           def total(self):
      -        return sum(self.items)
      +        return sum(self.items) * DISCOUNT

    GOOD  2023-11-14  Bea  Add the cart
      introduced
      @@ -3,0 +4,2 @@
      +    def total(self):
      +        return sum(self.items)
    ");
    insta::assert_snapshot!(world.read("git_pickaxe", json!({"text": "DISCOUNT"})).await, @r"
    BAD 2023-11-14 Cyd: Give a discount
        shop/cart.py

    [not searched: merges, and commits up to the good revision]
    ");
    insta::assert_snapshot!(world.read("git_grep", json!({"pattern": "total", "limit": 2})).await, @r"
    README.md:1: total
    shop/cart.py:4:     def total(self):

    [not searched: binary files]
    [2 more hits; use offset 2 to see more]
    ");
    insta::assert_snapshot!(world.read("git_file", json!({"path": "shop/cart.py", "offset": 3, "limit": 2})).await, @r"
    shop/cart.py at BAD, lines 3-4 of 5
    3 | class Cart:
    4 |     def total(self):

    [1 more lines; use offset 5 to see more]
    ");
    insta::assert_snapshot!(world.read("git_file", json!({"path": "shop"})).await, @r#"invalid_arguments: "shop" is a folder with 2 entries: cart.py, views.py, not a file"#);
    insta::assert_snapshot!(world.read("code_symbols", json!({"path": "shop/cart.py"})).await, @r"
    1-1 Constant LIMIT: LIMIT = 3
    3-5 Class Cart: class Cart:
    4-5 Method Cart.total: def total(self):
    ");
    insta::assert_snapshot!(world.read("code_definition", json!({"name": "Cart.total"})).await, @r"
    shop/cart.py::Cart.total Method lines 4-5
    4 |     def total(self):
    5 |         return sum(self.items) * DISCOUNT

    [not searched: 1 files that contain the name but are not parsed]
    ");
    insta::assert_snapshot!(world.read("code_references", json!({"name": "total"})).await, @r"
    shop/cart.py:4 Definition in Cart.total: def total(self):
    shop/views.py:5 Call in show: return cart.total()

    [not searched: other names for the same thing (aliases, calls by reflection), 1 files that are not parsed]
    ");
}

#[tokio::test]
async fn logs_are_searched_and_summed_up() {
    let mut world = world();
    let none = world.call("log_search", json!({"text": "x"})).await.unwrap_err();
    assert_eq!(none.kind, ToolErrorKind::NotFound);
    world.repo.write(&[(
        "app.log",
        "2024-05-01T12:00:00Z INFO started worker 1\n2024-05-01T12:00:01Z INFO started worker 2\n\
         2024-05-01T12:00:02Z ERROR no DISCOUNT in cart 7\n",
    )]);
    world.ctx.logs = vec![world.repo.work().join("app.log")];
    let found = world.call("log_search", json!({"text": "discount", "level": "error"})).await.unwrap();
    assert!(
        found.text.contains("app.log:3: ") && found.text.contains("no DISCOUNT in cart 7"),
        "{}",
        found.text
    );
    assert_eq!(found.evidence.len(), 1);
    let paged = world.call("log_search", json!({"from": "2024-05-01T12:00:01Z", "limit": 1})).await.unwrap();
    assert!(paged.text.ends_with("[1 more records match; use offset 1 to see more]"), "{}", paged.text);
    let wrong = world.call("log_search", json!({"from": "yesterday"})).await.unwrap_err();
    assert_eq!(wrong.kind, ToolErrorKind::InvalidArguments);
    let wrong = world.call("log_search", json!({"regex": "("})).await.unwrap_err();
    assert_eq!(wrong.kind, ToolErrorKind::InvalidArguments);
    let templates = world.call("log_templates", json!({})).await.unwrap();
    assert!(
        templates.text.contains("2 × Info ") && templates.text.contains("started worker <*>"),
        "{}",
        templates.text
    );
    let grave = world.call("log_templates", json!({"level": "warn"})).await.unwrap();
    assert_eq!(grave.data.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn no_tool_sees_beyond_the_failing_revision() {
    let world = world();
    let head = world.fix.as_str();
    for revision in [head, "main", "main~0"] {
        for (name, args) in [
            ("git_log", json!({"revision": revision})),
            ("git_show", json!({"commit": revision})),
            ("git_diff", json!({"from": revision})),
            ("git_diff", json!({"to": revision})),
            ("git_blame", json!({"revision": revision, "path": "shop/cart.py", "start_line": 1})),
            ("history", json!({"revision": revision, "of": "shop/cart.py"})),
            ("git_grep", json!({"revision": revision, "pattern": "DISCOUNT"})),
            ("git_file", json!({"revision": revision, "path": "shop/cart.py"})),
            ("code_symbols", json!({"revision": revision, "path": "shop/cart.py"})),
            ("code_definition", json!({"revision": revision, "name": "DISCOUNT"})),
            ("code_references", json!({"revision": revision, "name": "DISCOUNT"})),
        ] {
            let error = world.call(name, args.clone()).await.unwrap_err();
            assert_eq!(error.kind, ToolErrorKind::NotFound, "{name} {args}: {error}");
        }
    }
    let found =
        world.call("git_pickaxe", json!({"text": "DISCOUNT = 1", "whole_history": true})).await.unwrap();
    assert_eq!(found.data, json!([]));
}

#[tokio::test]
async fn no_tool_leaves_a_trace_in_the_repository_and_evidence_is_verbatim() {
    let world = world();
    let before = snapshot(&world.repo.work());
    for (name, args, cited) in [
        ("git_log", json!({}), None),
        ("git_show", json!({"commit": "bad"}), Some("return sum(self.items) * DISCOUNT")),
        ("git_diff", json!({}), None),
        ("git_blame", json!({"path": "shop/cart.py", "start_line": 1}), Some("LIMIT = 3")),
        ("history", json!({"of": "shop/cart.py:4-5"}), Some("+        return sum(self.items) * DISCOUNT")),
        ("git_pickaxe", json!({"text": "DISCOUNT"}), None),
        ("git_grep", json!({"pattern": "DISCOUNT"}), Some("        return sum(self.items) * DISCOUNT")),
        ("git_file", json!({"path": "shop/views.py"}), Some("    return cart.total()")),
        ("code_symbols", json!({"path": "shop/cart.py"}), None),
        ("code_definition", json!({"name": "Cart"}), Some("class Cart:\n    def total(self):")),
        ("code_references", json!({"name": "Cart"}), None),
    ] {
        let output = world.call(name, args).await.unwrap();
        let has = |text: &str| output.evidence.iter().any(|evidence| evidence.text.contains(text));
        assert!(cited.is_none_or(has), "{name}: {:?}", output.evidence);
        assert!(!output.data.is_null(), "{name}");
    }
    assert_eq!(snapshot(&world.repo.work()), before);
}

#[test]
fn every_argument_is_described_and_every_effect_of_git_code_and_logs_is_a_read() {
    for spec in investigation_tools().specs() {
        let reads = [Effect::ReadRepository, Effect::ReadFiles];
        let only_reads = ["git_", "code_", "log_"].iter().any(|kind| spec.name.starts_with(kind));
        assert!(!only_reads || reads.contains(&spec.effect), "{}", spec.name);
        assert!(!spec.description.is_empty(), "{}", spec.name);
        assert!(!spec.schema.to_string().contains("$ref"), "{}", spec.name);
        assert_eq!(spec.schema["additionalProperties"], json!(false), "{}", spec.name);
        // A tool without arguments has no properties.
        for (argument, schema) in spec.schema["properties"].as_object().into_iter().flatten() {
            assert!(schema["description"].is_string(), "{} does not say what {argument} is", spec.name);
        }
    }
}
