/*!
How long masking takes on text that was made to be slow: constructs that open and never close, long lines, long runs
of one character, every keyword at once, and JSON of many small parts. Each input is masked at an eighth of the size
and at the whole size; eight times the time is linear. The bench ends with an error if an input of 10 MB takes longer
than two seconds.

`cargo bench -p millwright-redaction --bench redaction_hostile [-- WORD]`: WORD selects the inputs whose names contain
it, and `BYTES` in the environment sets another size.
*/

use std::sync::LazyLock;
use std::time::Duration;

use millwright_redaction::Redactor;
use serde_json::{Value, json};

const MOST: Duration = Duration::from_secs(2);

/// Repeats the piece up to a size.
fn repeated(piece: &str, bytes: usize) -> String {
    piece.repeat(bytes / piece.len() + 1)
}

/// Like `repeated`, with a different number in place of each `#`.
fn numbered(piece: &str, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 64);
    let mut number = 0_u32;
    while text.len() < bytes {
        number += 1;
        text.push_str(
            &piece.replace('#', &format!("{:07}", number.wrapping_mul(2_654_435_761) % 10_000_000)),
        );
    }
    text
}

/// Random bytes from these characters.
fn random(signs: &[u8], bytes: usize) -> String {
    let mut chance = fastrand::Rng::with_seed(7);
    (0..bytes).map(|_| signs[chance.usize(..signs.len())] as char).collect()
}

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Every keyword of every rule, with a space after each.
static EVERY_KEYWORD: LazyLock<String> =
    LazyLock::new(|| millwright_redaction::keywords().flat_map(|word| [word, " "]).collect());

/// The text in lines of this length.
fn lines(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / width);
    let bytes: Vec<char> = text.chars().collect();
    for line in bytes.chunks(width) {
        out.extend(line);
        out.push('\n');
    }
    out
}

/// Processor time of this process, so that other load on the machine counts for little.
fn used() -> Duration {
    const TICKS_A_SECOND: u64 = 100;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind = stat.rsplit(')').next().unwrap_or_default();
    // User and system time; see `man proc_pid_stat` for the numbers of the fields.
    let ticks: u64 =
        behind.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1_000 / TICKS_A_SECOND)
}

type Make = Box<dyn Fn(usize) -> String>;

fn texts() -> Vec<(String, Make)> {
    let mut all: Vec<(String, Make)> = Vec::new();
    let pieces = [
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq9\n",
        "-----BEGIN ",
        "-----BEGIN \n",
        "-----END PRIVATE KEY-----",
        "\"",
        "'",
        "\\\"",
        "\\",
        "\\\\\"",
        "`",
        "{",
        "[",
        "(",
        "<",
        "{\"",
        "[\"",
        " ",
        "\t",
        "0",
        "1 ",
        "9-",
        "=",
        ":",
        "=:",
        "= ",
        ": ",
        "-",
        "+",
        "@",
        "a@b.co,",
        "a@b.co ",
        "x@",
        "/",
        "://",
        "a://b:c@d ",
        "a://b:c@d,",
        "http://",
        "%41",
        "%",
        "\\u0041",
        "\\u001b[",
        "\u{1b}[",
        "\u{1b}]",
        "\u{1b}[31mpassword",
        "\u{9b}",
        "é",
        "а",
        "\u{200b}",
        "password=",
        "password:\"",
        "password='",
        "password = ",
        "password\":\"",
        "password=`",
        "token=",
        "token: \"",
        "key:",
        "secret_key=\"",
        "api_key='",
        "authorization: ",
        "authorization:bearer ",
        "authorization:bearer\u{2003}a\u{2003}",
        "password=\u{2003}a\u{2003}",
        "cookie: a=",
        "set-cookie:a=",
        "bearer ",
        "basic ",
        "eyJ",
        "eyJaaaaaa.",
        "sk-",
        "sk-a",
        "ghp_",
        "sk-\n",
        "ghp_aaaaaaaaaaaaaaaa\n",
        "glpat-",
        "xoxb-",
        "passwords = [",
        "passwords = [\n",
        "passwords=[\"a\n",
        "name: password, ",
        "\"name\": \"DB_PASSWORD\",",
        "name: db_password\n",
        "key: a_secret\nvalue: \n",
        "password:\n",
        "content-disposition: form-data; ",
        "curl ",
        "curl a ",
        "mysql ",
        "user a password ",
        "identified by ",
        "machine ",
        "machine a login b password ",
        "machine a login b password c1 ",
        "<a:password>",
        "<password>a",
        "phone: 1234567 ",
        "tel: 123 ",
        "+49 30 123456, ",
        "+1 ",
        "DE89 3704 0044 0532 0130 00 ",
        "4111 1111 1111 1111 ",
        "4111111111111111,",
        "ssn ",
        "ssn 123-45-6789 ",
        "otp: 1234 ",
        "pin 1",
        "sig=",
        "?sig=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "$2a$",
        "$6$a",
        "aws key=",
        "aws",
        "awskey",
        "secretaccesskey=",
        "hooks.slack.com/services/",
        "[EMAIL_1]",
        "[EMAIL_1",
        "[A",
        "AUTH a1b2c3 ",
        "passphrase: a b c ",
        "password is hunter2! ",
        "| password | hunter2! |",
        "--password=hunter2! ",
        "--token ",
        "\r\n",
        "\n",
        "\n\n",
        "a\n",
        "\0",
        "\u{fffd}",
        "YWRtaW46cGFzc3dvcmQ9aHVudGVyMg== ",
        "YWRtaW46cGFzc3dvcmQ9aHVudGVyMg",
        "password=hunter2x9 ",
        "password=hunter2x9,",
        "\"password\": \"hunter2x\", ",
    ];
    for piece in pieces {
        all.push((format!("{piece:?}"), Box::new(move |bytes| repeated(piece, bytes))));
        if !piece.contains('\n') {
            for width in [70, 2_000] {
                all.push((
                    format!("{piece:?} in lines of {width}"),
                    Box::new(move |bytes| lines(&repeated(piece, bytes), width)),
                ));
            }
        }
    }
    for piece in [
        "a#@b.co,",
        "user#@corp.io ",
        "password=hunter#x ",
        "password=hunter#x,",
        "token=a8Kd02LmQz81xPqR# ",
        "eyJhbGciOi#.eyJzdWIiOiI#.abc ",
        "+49 30 # ",
        "postgres://u:p#w@h/ ",
        "\"password\":\"hunter#x\",",
        "name: db_password\nvalue: hunter#x\n",
        "sk-a8Kd02LmQz81xPqR#\nabcdefghij\n",
        "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq9#MIIEpAIBAAKCAQEA7bq9\n-----END PRIVATE KEY-----\n",
    ] {
        all.push((format!("numbered {piece:?}"), Box::new(move |bytes| numbered(piece, bytes))));
    }
    all.push((
        "spaces, then telephone numbers".into(),
        Box::new(|bytes| repeated(" ", bytes / 2) + &repeated("+49 30 123456, ", bytes / 2)),
    ));
    all.push((
        "netrc, then spaces".into(),
        Box::new(|bytes| {
            repeated("machine a login b password hunter2 ", bytes / 2) + &repeated(" ", bytes / 2)
        }),
    ));
    all.push(("addresses without a space".into(), Box::new(|bytes| repeated("a.b@corp.io,", bytes))));
    all.push(("every keyword on one line".into(), Box::new(|bytes| repeated(&EVERY_KEYWORD, bytes))));
    all.push((
        "every keyword, a line each".into(),
        Box::new(|bytes| repeated(&EVERY_KEYWORD.replace(' ', "\n"), bytes)),
    ));
    all.push((
        "every keyword in lines".into(),
        Box::new(|bytes| repeated(&format!("{}\n", *EVERY_KEYWORD), bytes)),
    ));
    all.push((
        "every keyword without spaces".into(),
        Box::new(|bytes| repeated(&format!("{}\n", EVERY_KEYWORD.replace(' ', "")), bytes)),
    ));
    all.push((
        "every keyword with escapes".into(),
        Box::new(|bytes| repeated(&format!("%41{}\\u0041\n", *EVERY_KEYWORD), bytes)),
    ));
    all.push(("random base64 on one line".into(), Box::new(|bytes| random(BASE64, bytes))));
    for width in [30, 64, 76, 2_000, 60_000] {
        all.push((
            format!("random base64 in lines of {width}"),
            Box::new(move |bytes| lines(&random(BASE64, bytes), width)),
        ));
    }
    all.push(("random signs".into(), Box::new(|bytes| random(b"aA0 \"'\\=:{}[](),;@/-+_.%\n", bytes))));
    all.push((
        "random signs on one line".into(),
        Box::new(|bytes| random(b"aA0 \"'\\=:{}[](),;@/-+_.%", bytes)),
    ));
    all.push(("random digits".into(), Box::new(|bytes| random(b"0123456789 -", bytes))));
    all.push((
        "log lines".into(),
        Box::new(|bytes| {
            numbered("2026-11-22 10:00:00,123 INFO [worker-4] org.acme.Pay: order # took 12 ms\n", bytes)
        }),
    ));
    all
}

type MakeJson = fn(usize) -> Value;

const JSON: &[(&str, MakeJson)] = &[
    ("a list of small texts", |bytes| Value::from(vec!["a"; bytes / 4])),
    ("a list of named lists", |bytes| json!({ "passwords": vec!["abc"; bytes / 6] })),
    ("many small fields", |bytes| {
        (0..bytes / 16).map(|n| (format!("f{n}"), Value::from("v"))).collect::<serde_json::Map<_, _>>().into()
    }),
    ("many lists", |bytes| (0..bytes / 12).map(|_| json!(["a", "b"])).collect()),
    ("many objects", |bytes| {
        (0..bytes / 30).map(|n| json!({ "name": "DB_PASSWORD", "value": format!("hunter{n}") })).collect()
    }),
    ("nested", |bytes| {
        let deep = (0..100).fold(json!("password=hunter2x"), |deep, n| {
            if n % 2 == 0 { json!([deep]) } else { json!({ "password": deep }) }
        });
        (0..bytes / 900).map(|_| deep.clone()).collect()
    }),
    ("one long text", |bytes| json!({ "password": repeated("-----BEGIN PRIVATE KEY-----", bytes) })),
    (
        "lists of long texts",
        |bytes| json!({ "token": [repeated("a@b.co,", bytes / 2), repeated("password=", bytes / 2)] }),
    ),
];

fn main() {
    let word = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    let whole: usize = std::env::var("BYTES").ok().and_then(|bytes| bytes.parse().ok()).unwrap_or(10_000_000);
    let mut slow = 0;
    let mut tell = |name: &str, small: Duration, whole: Duration| {
        let ratio = whole.as_secs_f64() / small.as_secs_f64().max(1e-4);
        let mark = if whole > MOST {
            slow += 1;
            "SLOW"
        } else {
            ""
        };
        println!("{:8.0} ms  ×{ratio:5.1}  {name} {mark}", whole.as_secs_f64() * 1e3);
    };
    for (name, make) in texts().iter().filter(|(name, _)| name.contains(&word)) {
        let time = |bytes: usize| {
            let text = make(bytes);
            let begun = used();
            std::hint::black_box(Redactor::default().redact(&text));
            used() - begun
        };
        let small = time(whole / 8);
        // For an input that would take minutes, the time is extrapolated from an eighth.
        let large = if small > MOST { 8 * small } else { time(whole) };
        tell(name, small, large);
    }
    for (name, make) in JSON.iter().filter(|(name, _)| name.contains(&word)) {
        let time = |bytes: usize| {
            let value = make(bytes);
            let begun = used();
            std::hint::black_box(Redactor::default().redact_json(&value));
            used() - begun
        };
        let small = time(whole / 8);
        let large = if small > MOST { 8 * small } else { time(whole) };
        tell(name, small, large);
    }
    if slow > 0 {
        println!("{slow} inputs take longer than {} s", MOST.as_secs());
        std::process::exit(1);
    }
}
