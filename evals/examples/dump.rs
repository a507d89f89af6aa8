//! dump
use std::io::BufRead;
fn main() {
    for line in std::io::stdin().lock().lines() {
        let v: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let p = serde_json::json!({"title": v["title"], "body": v["body"]}).to_string();
        let t = millwright_tools::intake::parse(p.as_bytes());
        println!("{}", serde_json::json!({"title": t.title, "symptom": t.symptom, "errors": t.errors.iter().map(|e| format!("{} {}", e.kind.clone().unwrap_or_default(), e.message)).collect::<Vec<_>>(), "tests": t.failing_tests.iter().map(|e| e.name.clone()).collect::<Vec<_>>(), "text": t.text, "print": t.fingerprint}));
    }
}
