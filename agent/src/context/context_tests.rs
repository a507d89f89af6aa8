use super::results::shortened;
use super::*;

#[test]
fn a_long_result_keeps_head_and_tail_and_says_where_to_read_on() {
    let text: String = (0..400).map(|n| format!("line {n} äöü\n")).collect();
    let (short, cut) = shortened(&text, 900);
    let (left_out, offset) = cut.unwrap();
    assert!(short.chars().count() <= 910, "{}", short.chars().count());
    assert!(
        short.starts_with("line 0 äöü\n") && short.ends_with("line 399 äöü\n") && short.contains("\n[…]\n")
    );
    let rest: String = text.chars().skip(offset).collect();
    assert!(rest.starts_with("line "), "{}", &rest[..20]);
    let (head, tail) = short.split_once("\n[…]\n").unwrap();
    assert_eq!(head.chars().count() + 1, offset);
    assert_eq!(offset + left_out + tail.chars().count(), text.chars().count());
    assert_eq!(shortened("short", 900), ("short".to_owned(), None));
}

#[test]
fn call_ids_are_what_the_strictest_servers_take() {
    assert_eq!(wire_id("c7"), "call00007");
    assert_eq!(wire_id("c12345"), "call12345");
}

#[test]
fn the_estimate_is_from_above() {
    let text = "fn main() { println!(\"{}\", 0x7f3a); }".repeat(100);
    let tokens = estimate(&[ModelMessage::User(text.clone())], 0);
    assert!(tokens >= text.len() as u64 / 3 && tokens < text.len() as u64);
}

#[test]
fn small_models_are_shown_small_results() {
    let small = ContextBudget { context_tokens: 4_096, max_output_tokens: 256 };
    let large = ContextBudget { context_tokens: 128_000, max_output_tokens: 4_096 };
    assert_eq!(small.result_chars(), 1_536);
    assert_eq!(large.result_chars(), millwright_tools::MAX_TEXT_CHARS);
}
