//! Masking takes time in proportion to the length of any text. The tests count the bytes that are looked at, in texts
//! assembled from the patterns that rules look for. `benches/redaction/hostile.rs` measures the time itself.

use proptest::prelude::*;

use super::Redactor;
use super::work;

const SMALL: usize = 8 << 10;
const TIMES: usize = 8;
/// The most work on a text `TIMES` as long, as a multiple; the factor 2 allows for different beginnings and ends.
const MOST: u64 = 2 * TIMES as u64;
/// Two looks at each byte of the short text are few, and do not show the proportion.
const FEW: u64 = 2 * SMALL as u64;
/// The most looks at each byte: by a hundred rules, a few times each, in a few passes.
const MOST_A_BYTE: u64 = 1_500;

const PIECES: &[&str] = &[
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq9\n",
    "\"",
    "'",
    "\\\"",
    "\\",
    "`",
    "[",
    "{",
    "(",
    " ",
    "\t",
    "0",
    "9-",
    "=",
    ":",
    "-",
    "+",
    "@",
    "/",
    "a@b.co,",
    "a@b.co ",
    "://",
    "a://b:c@d ",
    "%41",
    "\\u0041",
    "\u{1b}[31m",
    "\u{1b}]",
    "é",
    "\u{2003}",
    "\u{200b}",
    "password=",
    "password:\"",
    "password=\u{2003}a\u{2003}",
    "token: \"",
    "secret_key='",
    "authorization: bearer ",
    "authorization:bearer\u{2003}a\u{2003}",
    "cookie: a=",
    "eyJ",
    "eyJaaaaaa.",
    "sk-",
    "sk-a",
    "ghp_",
    "ghp_a8Kd02LmQz81xPqR7vTn4WsYb6",
    "glpat-",
    "xoxb-",
    "sig=",
    "aws",
    "secretaccesskey=",
    "hooks.slack.com/services/",
    "name: db_password, ",
    "passwords = [",
    "curl ",
    "machine a login b ",
    "password c1 ",
    "phone: 1234567 ",
    "+49 30 123456, ",
    "DE89 3704 0044 0532 0130 00 ",
    "4111 1111 1111 1111,",
    "otp: 1234 ",
    "$2a$",
    "[EMAIL_1]",
    "password is hunter2! ",
    "password=hunter2x9 ",
    "YWRtaW46cGFzc3dvcmQ9aHVudGVyMg== ",
    "a8Kd02LmQz81xPqR7vTn4WsYb6",
    "secret=Kestrel!29x ",
    "<<< Kestrel!29x ",
    "passwd echo Kestrel!29x ",
    "password",
    "\n",
    "\r\n",
];

/// Bytes looked at, and the length, for a text of about `bytes` bytes in lines of `width` characters.
fn looked_at(piece: &str, bytes: usize, width: usize) -> (u64, usize) {
    let whole = piece.repeat(bytes / piece.len() + 1);
    let chars: Vec<char> = whole.chars().collect();
    let text = chars.chunks(width).map(|line| line.iter().collect::<String>()).collect::<Vec<_>>().join("\n");
    work::take();
    Redactor::default().redact(&text);
    (work::take(), text.len())
}

fn is_linear(piece: &str, width: usize) -> Result<(), TestCaseError> {
    let (small, length) = looked_at(piece, SMALL, width);
    let (large, _) = looked_at(piece, TIMES * SMALL, width);
    if large > MOST * small.max(FEW) {
        // All of the few lines of the short text may happen to be cheap; a longer text has lines of every kind.
        let (larger, _) = looked_at(piece, TIMES * TIMES * SMALL, width);
        prop_assert!(
            larger <= MOST * large,
            "{piece:?} in lines of {width}: {small}, then {large}, then {larger}"
        );
    }
    prop_assert!(
        small <= MOST_A_BYTE * length as u64,
        "{piece:?} in lines of {width}: {small} for {length} bytes"
    );
    Ok(())
}

#[test]
fn every_piece_repeated_is_looked_at_a_bounded_number_of_times() {
    for piece in PIECES {
        for width in [70, 2_000, usize::MAX] {
            is_linear(piece, width).unwrap();
        }
    }
}

/// A long list is not searched value by value, and its secrets are still masked.
#[test]
fn a_long_list_under_the_name_of_a_secret_is_masked_whole() {
    let redactor = Redactor::default();
    let list = |name: &str| {
        let values: Vec<String> = (0..5_000).map(|n| format!("abc{n}")).collect();
        redactor.redact_json(&serde_json::json!({ name: values })).to_string()
    };
    let masked = list("passwords");
    assert!(!masked.contains("abc"), "{:.300}", masked);
    assert!(list("names").contains("abc4999") && list("tokens").contains("abc4999"));
    // Each value has a placeholder of its own, and nothing else is kept.
    assert_eq!(redactor.unmask("[SECRET_1] [SECRET_4000] [SECRET_4001]"), "abc1000 abc4999 [SECRET_4001]");
    assert_eq!(redactor.unmask("[PASSWORD_1] [PASSWORD_1001]"), "abc0 [PASSWORD_1001]");
}

/// Pieces that several rules look at more than once when they follow each other.
#[test]
fn so_are_these_pieces_together() {
    for pieces in [
        ["cookie: a=", "eyJ"],
        ["password ", "wolke06 "],
        ["admin / ", "a8Kd02Lm "],
        ["</td>", "<td>password"],
        ["pw? ", "\n"],
        ["\"a\" +\n", "password"],
        ["passwords = [a8Kd02LmQz81xPqR7vTn4WsYb6", "'"],
        ["passwords = [a8Kd02LmQz81xPqR7vTn4WsYb6", "\\"],
        ["cookie: a=\u{2003}a://b:c@d ", "\\"],
    ] {
        for width in [70, 2_000, usize::MAX] {
            is_linear(&pieces.concat(), width).unwrap();
        }
    }
}

/// Brackets that never close, and long lists, hide nothing: the position of a key does not matter.
#[test]
fn no_key_is_left_however_far_behind_its_bracket() {
    const KEY: &str = "a8Kd02LmQz81xPqR7vTn4WsYb6";
    let times = TIMES * SMALL / KEY.len();
    for end in ["'", "\\"] {
        let text = format!("passwords = [{KEY}{end}").repeat(times);
        let once = Redactor::default().redact(&text).text;
        assert!(!once.contains(KEY), "{end:?}: {} left", once.matches(KEY).count());
    }
    let keys: Vec<String> = (0..times).map(|n| format!("{KEY}{n}")).collect();
    let nested = keys.iter().map(|key| format!("[\"{key}\"]")).collect::<Vec<_>>().join(", ");
    for list in [format!("passwords = [\"{}\"]", keys.join("\", \"")), format!("passwords = [{nested}]")] {
        let redactor = Redactor::default();
        let once = redactor.redact(&list).text;
        assert!(!once.contains(KEY), "{:.60}: {} left", list, once.matches(KEY).count());
        assert_eq!(redactor.redact(&once).text, once);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn so_are_pieces_put_together(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 2..6),
        width in prop_oneof![Just(70), Just(2_000), Just(usize::MAX)],
    ) {
        is_linear(&pieces.concat(), width)?;
    }
}
