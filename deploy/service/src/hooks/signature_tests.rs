use axum::http::{HeaderName, HeaderValue};

use super::*;

const AT: i64 = 1_700_000_000;

fn check(
    verify: fn(&Signed<'_>) -> Result<(), Refused>,
    headers: &[(&'static str, &str)],
    body: &[u8],
    secrets: &[&str],
) -> Result<(), Refused> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    let secrets: Vec<SecretString> = secrets.iter().map(|secret| (*secret).to_owned().into()).collect();
    let now = Timestamp::from_second(AT).unwrap();
    verify(&Signed { headers: &headers, body, secrets: &secrets, now })
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
}

#[test]
fn github_s_own_example_fits_and_nothing_else_does() {
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let secret = "It's a Secret to Everybody";
    let ask = |signature: &str, body: &[u8], secrets: &[&str]| {
        check(github, &[("x-hub-signature-256", signature)], body, secrets)
    };
    assert_eq!(ask(signature, b"Hello, World!", &[secret]), Ok(()));
    assert_eq!(ask(signature, b"Hello, World!", &["new", secret]), Ok(()), "while one is replaced");
    assert_eq!(ask(signature, b"Hello, World?", &[secret]), Err(Refused::Wrong));
    assert_eq!(ask(signature, b"Hello, World!", &["other"]), Err(Refused::Wrong));
    assert_eq!(ask(signature, b"Hello, World!", &[]), Err(Refused::Wrong));
    assert_eq!(
        ask(&signature[..40], b"Hello, World!", &[secret]),
        Err(Refused::Malformed("x-hub-signature-256"))
    );
    assert_eq!(ask("sha1=00", b"Hello, World!", &[secret]), Err(Refused::Malformed("x-hub-signature-256")));
    assert_eq!(check(github, &[], b"", &[secret]), Err(Refused::Missing("x-hub-signature-256")));
}

#[test]
fn the_standard_s_example_fits_within_its_window() {
    // The example of the specification's reference libraries.
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let body = br#"{"test": 2432232314}"#;
    let headers = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ];
    assert_eq!(check(standard, &headers, body, &[secret]), Err(Refused::Stale), "right, but long ago");
    assert_eq!(check(standard, &headers, b"{}", &[secret]), Err(Refused::Wrong));

    let signed = |at: i64| {
        let at = at.to_string();
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = STANDARD.encode(mac(&key, format!("m1.{at}.{{}}").as_bytes()));
        let both = format!("v1,AAAA v1,{signature} v1a,xx");
        let headers =
            [("webhook-id", "m1"), ("webhook-timestamp", at.as_str()), ("webhook-signature", both.as_str())];
        check(standard, &headers, b"{}", &[secret])
    };
    assert_eq!(signed(AT), Ok(()));
    assert_eq!((signed(AT - 300), signed(AT + 300)), (Ok(()), Ok(())));
    assert_eq!((signed(AT - 301), signed(AT + 301)), (Err(Refused::Stale), Err(Refused::Stale)));
}

#[test]
fn zendesk_grafana_pagerduty_sentry_jira() {
    let at = Timestamp::from_second(AT).unwrap().to_string();
    let signature = STANDARD.encode(mac(b"s", format!("{at}{{}}").as_bytes()));
    let headers = |signature: &'static str, at: &'static str| {
        [("x-zendesk-webhook-signature", signature), ("x-zendesk-webhook-signature-timestamp", at)]
    };
    let (signature, at): (&'static str, &'static str) = (signature.leak(), at.leak());
    assert_eq!(check(zendesk, &headers(signature, at), b"{}", &["s"]), Ok(()));
    assert_eq!(
        check(zendesk, &headers(signature, "2023-11-14T22:13:21Z"), b"{}", &["s"]),
        Err(Refused::Wrong)
    );

    let hex = |text: &[u8]| hex::encode(mac(b"s", text));
    let plain = hex(b"{}");
    assert_eq!(check(sentry, &[("sentry-hook-signature", &plain)], b"{}", &["s"]), Ok(()));
    assert_eq!(check(sentry, &[("sentry-hook-signature", &plain)], b"{} ", &["s"]), Err(Refused::Wrong));
    assert_eq!(check(jira, &[("x-hub-signature", &format!("sha256={plain}"))], b"{}", &["s"]), Ok(()));
    let several = format!("v1=00,v1={plain}");
    assert_eq!(check(pagerduty, &[("x-pagerduty-signature", &several)], b"{}", &["s"]), Ok(()));
    assert_eq!(check(pagerduty, &[("x-pagerduty-signature", "v1=00")], b"{}", &["s"]), Err(Refused::Wrong));
    assert_eq!(check(grafana, &[("x-grafana-alerting-signature", &plain)], b"{}", &["s"]), Ok(()));
    let timed = |at: i64| {
        let signature = hex(format!("{at}:{{}}").as_bytes());
        let at = at.to_string();
        let headers = [
            ("x-grafana-alerting-signature", signature.as_str()),
            ("x-grafana-alerting-timestamp", at.as_str()),
        ];
        check(grafana, &headers, b"{}", &["s"])
    };
    assert_eq!((timed(AT), timed(AT - 400)), (Ok(()), Err(Refused::Stale)));
}

#[test]
fn a_bearer_s_secret_is_whole() {
    let ask = |given: &str| check(bearer, &[("authorization", given)], b"", &["secret", "old"]);
    assert_eq!((ask("Bearer secret"), ask("bearer old")), (Ok(()), Ok(())));
    for wrong in ["Bearer secre", "Bearer secrets", "Bearer ", "Bearer Secret"] {
        assert_eq!(ask(wrong), Err(Refused::Wrong), "{wrong}");
    }
    assert!(ask("Basic secret").is_err() && ask("secret").is_err());
}

#[test]
fn slacks_own_example_fits_while_it_is_fresh() {
    let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
        channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
        response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
        trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let ask = |signature: &str, at: &'static str, now: i64| {
        let mut headers = HeaderMap::new();
        headers.insert("x-slack-request-timestamp", HeaderValue::from_static(at));
        headers.insert("x-slack-signature", HeaderValue::from_str(signature).unwrap());
        let secrets = ["8f742231b10e8888abcd99yyyzzz85a5".to_owned().into()];
        let now = Timestamp::from_second(now).unwrap();
        slack(&Signed { headers: &headers, body, secrets: &secrets, now })
    };
    let right = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    assert_eq!(ask(right, "1531420618", 1_531_420_618), Ok(()));
    assert_eq!(ask(right, "1531420618", 1_531_420_919), Err(Refused::Stale));
    assert_eq!(ask(right, "1531420619", 1_531_420_618), Err(Refused::Wrong), "the time is signed, too");
    assert_eq!(ask(&right[3..], "1531420618", 1_531_420_618), Err(Refused::Malformed("x-slack-signature")));
}
