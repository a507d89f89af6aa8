//! Every way in which the systems sign, with the examples of their own documentation where they exist.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::testing::{AT, Verify, check, check_at, headers_of, mac};
use super::*;
use crate::{integration, slack, standard_webhooks};

/// The verification of the system with this name.
macro_rules! of_system {
    ($name:ident) => {
        fn $name(delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
            integration(stringify!($name)).unwrap().hook().unwrap().verify(delivery)
        }
    };
}

of_system!(github);
of_system!(grafana);
of_system!(jira);
of_system!(pagerduty);
of_system!(sentry);
of_system!(zendesk);

fn bearer(delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
    integration("alertmanager").unwrap().hook().unwrap().verify(delivery)
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
    assert_eq!(ask(signature, b"Hello, World?", &[secret]), Err(SignatureError::Wrong));
    assert_eq!(ask(signature, b"Hello, World!", &["other"]), Err(SignatureError::Wrong));
    assert_eq!(ask(signature, b"Hello, World!", &[]), Err(SignatureError::Wrong));
    assert_eq!(
        ask(&signature[..40], b"Hello, World!", &[secret]),
        Err(SignatureError::Malformed("x-hub-signature-256"))
    );
    assert_eq!(
        ask("sha1=00", b"Hello, World!", &[secret]),
        Err(SignatureError::Malformed("x-hub-signature-256"))
    );
    assert_eq!(check(github, &[], b"", &[secret]), Err(SignatureError::Missing("x-hub-signature-256")));
}

#[test]
fn the_standard_s_example_fits_within_its_window() {
    // The example from the reference libraries of the specification.
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let body = br#"{"test": 2432232314}"#;
    let headers = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ];
    assert_eq!(
        check(standard_webhooks::verify, &headers, body, &[secret]),
        Err(SignatureError::Stale(MaxAge::FiveMinutes)),
        "right, but long ago"
    );
    let then = |body: &[u8]| check_at(1_614_265_330, standard_webhooks::verify, &headers, body, &[secret]);
    assert_eq!((then(body), then(b"{}")), (Ok(()), Err(SignatureError::Wrong)));

    let signed = |at: i64| {
        let at = at.to_string();
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = STANDARD.encode(mac(&key, format!("m1.{at}.{{}}").as_bytes()));
        let both = format!("v1,AAAA v1,{signature} v1a,xx");
        let headers =
            [("webhook-id", "m1"), ("webhook-timestamp", at.as_str()), ("webhook-signature", both.as_str())];
        check(standard_webhooks::verify, &headers, b"{}", &[secret])
    };
    assert_eq!(signed(AT), Ok(()));
    assert_eq!((signed(AT - 300), signed(AT + 300)), (Ok(()), Ok(())));
    assert_eq!(
        (signed(AT - 301), signed(AT + 301)),
        (Err(SignatureError::Stale(MaxAge::FiveMinutes)), Err(SignatureError::Stale(MaxAge::FiveMinutes)))
    );
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
        Err(SignatureError::Wrong)
    );

    let hex = |text: &[u8]| hex::encode(mac(b"s", text));
    let plain = hex(b"{}");
    assert_eq!(check(sentry, &[("sentry-hook-signature", &plain)], b"{}", &["s"]), Ok(()));
    assert_eq!(
        check(sentry, &[("sentry-hook-signature", &plain)], b"{} ", &["s"]),
        Err(SignatureError::Wrong)
    );
    assert_eq!(check(jira, &[("x-hub-signature", &format!("sha256={plain}"))], b"{}", &["s"]), Ok(()));
    let several = format!("v1=00,v1={plain}");
    assert_eq!(check(pagerduty, &[("x-pagerduty-signature", &several)], b"{}", &["s"]), Ok(()));
    assert_eq!(
        check(pagerduty, &[("x-pagerduty-signature", "v1=00")], b"{}", &["s"]),
        Err(SignatureError::Malformed("x-pagerduty-signature"))
    );
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
    assert_eq!((timed(AT), timed(AT - 400)), (Ok(()), Err(SignatureError::Stale(MaxAge::FiveMinutes))));
}

#[test]
fn a_bearer_s_secret_is_whole() {
    let ask = |given: &str| check(bearer, &[("authorization", given)], b"", &["secret", "old"]);
    assert_eq!((ask("Bearer secret"), ask("bearer old")), (Ok(()), Ok(())));
    for wrong in ["Bearer secre", "Bearer secrets", "Bearer ", "Bearer Secret"] {
        assert_eq!(ask(wrong), Err(SignatureError::Wrong), "{wrong}");
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
        let headers = [("x-slack-request-timestamp", at), ("x-slack-signature", signature)];
        check_at(now, slack::verify, &headers, body, &["8f742231b10e8888abcd99yyyzzz85a5"])
    };
    let right = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    assert_eq!(ask(right, "1531420618", 1_531_420_618), Ok(()));
    assert_eq!(ask(right, "1531420618", 1_531_420_919), Err(SignatureError::Stale(MaxAge::FiveMinutes)));
    assert_eq!(
        ask(right, "1531420619", 1_531_420_618),
        Err(SignatureError::Wrong),
        "the time is signed, too"
    );
    assert_eq!(
        ask(&right[3..], "1531420618", 1_531_420_618),
        Err(SignatureError::Malformed("x-slack-signature"))
    );
}

/// Faults that the headers show are reported before the body is read.
#[test]
fn what_the_headers_get_wrong_needs_no_body() {
    let begun = |verify: Verify, headers: &[(&'static str, &str)]| {
        let headers = headers_of(headers);
        let secrets = ["s".to_owned().into()];
        let now = Timestamp::from_second(AT).unwrap();
        verify(&PendingSignature { headers: &headers, secrets: &secrets, now }).map(|proof| proof.is_given())
    };
    let right = "ab".repeat(32);
    assert_eq!(begun(github, &[("x-hub-signature-256", &format!("sha256={right}"))]), Ok(false));
    assert_eq!(begun(bearer, &[("authorization", "Bearer s")]), Ok(true));
    assert_eq!(begun(bearer, &[("authorization", "Bearer t")]), Err(SignatureError::Wrong));
    for short in ["sha256=", "sha256=00", &format!("sha256={right}00"), "sha256=zz"] {
        assert_eq!(
            begun(github, &[("x-hub-signature-256", short)]),
            Err(SignatureError::Malformed("x-hub-signature-256"))
        );
    }
    let headers =
        [("webhook-id", "m1"), ("webhook-timestamp", "1700000000"), ("webhook-signature", "v1,AAAA v2,x")];
    assert_eq!(
        begun(standard_webhooks::verify, &headers),
        Err(SignatureError::Malformed("webhook-signature"))
    );
    // The age of a delivery is in its headers, if it is sent at all.
    let base64 = format!("v1,{}", STANDARD.encode([0; 32]));
    let (old, old_text) = ((AT - 301).to_string(), Timestamp::from_second(AT - 301).unwrap().to_string());
    let slack_signature = format!("v0={right}");
    let aged: [(Verify, Vec<(&'static str, &str)>); 4] = [
        (
            standard_webhooks::verify,
            vec![("webhook-id", "m"), ("webhook-timestamp", &old), ("webhook-signature", &base64)],
        ),
        (grafana, vec![("x-grafana-alerting-signature", &right), ("x-grafana-alerting-timestamp", &old)]),
        (slack::verify, vec![("x-slack-signature", &slack_signature), ("x-slack-request-timestamp", &old)]),
        (
            zendesk,
            vec![
                ("x-zendesk-webhook-signature", &base64[3..]),
                ("x-zendesk-webhook-signature-timestamp", &old_text),
            ],
        ),
    ];
    for (verify, headers) in aged {
        assert_eq!(begun(verify, &headers), Err(SignatureError::Stale(MaxAge::FiveMinutes)), "{headers:?}");
    }
}

/// Some systems sign no time except the one in their body.
#[test]
fn a_body_may_have_to_say_when_it_was_sent() {
    fn dated(delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
        let read = |body: &[u8]| {
            let text = std::str::from_utf8(body).map_err(|_| SignatureError::Timeless("date"))?;
            text.parse().map_err(|_| SignatureError::Timeless("date"))
        };
        const NAME: &str = "x-signature";
        Ok(delivery.awaits_dated(vec![from_hex(NAME, delivery.header(NAME)?)?], MaxAge::OneMinute, read))
    }
    let ask = |body: &str, key: &[u8]| {
        let signature = hex::encode(mac(key, body.as_bytes()));
        check(dated, &[("x-signature", &signature)], body.as_bytes(), &["s"])
    };
    let at = |later: i64| (AT * 1_000 + later).to_string();
    assert_eq!(
        (ask(&at(0), b"s"), ask(&at(60_000), b"s"), ask(&at(-60_000), b"s")),
        (Ok(()), Ok(()), Ok(()))
    );
    assert_eq!(ask(&at(-60_001), b"s"), Err(SignatureError::Stale(MaxAge::OneMinute)));
    assert_eq!(ask("today", b"s"), Err(SignatureError::Timeless("date")));
    assert_eq!(ask("today", b"t"), Err(SignatureError::Wrong), "what is not signed is not read");
}
