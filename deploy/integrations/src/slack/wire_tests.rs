//! Slack's notation as plain text, and what its envelopes must not contain.

use serde_json::json;

use super::*;

#[test]
fn slacks_notation_becomes_plain_text() {
    for (text, expected) in [
        ("<@U0BOT> see <https://a.b/c|the log> &amp; <#C2|ops>", "see the log (https://a.b/c) & #ops"),
        ("ask <@U2> about <https://a.b>", "ask @U2 about https://a.b"),
        ("<@U0BOT>", ""),
        ("x &lt; y, 1 < 2", "x < y, 1 < 2"),
        ("<!here> <mailto:a@b.c|a@b.c>", "here mailto:a@b.c"),
        ("<", "<"),
    ] {
        assert_eq!(plain(text), expected, "{text}");
    }
    let odd = json!({ "type": "event_callback", "event_id": "E", "event": {
        "type": "app_mention", "user": "U1", "channel": "C1/../x", "ts": "1.1", "text": "x" } });
    assert!(told(&odd).is_err(), "names go into requests");
    assert_eq!(told(&json!({ "type": "app_rate_limited" })), Ok(SlackEvent::Nothing));
}
