"""Slack's own library against the service: its signatures are accepted, a wrong or an old one is not, and every message
of ours is one that its models know, without a field left over."""

import json
import os
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from slack_sdk.models.blocks import ActionsBlock, Block
from slack_sdk.signature import SignatureVerifier

SERVICE, SECRET = os.environ["SERVICE"], os.environ["HOOK_SECRET"]
messages, asked = {}, []


class WebApi(BaseHTTPRequestHandler):
    """As much of Slack's Web API as keeps messages."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        method = self.path.strip("/")
        asked.append(method)
        answer = {"ok": True}
        if method in ("chat.postMessage", "chat.update"):
            message = json.loads(body)
            answer["ts"] = message.get("ts", f"1700000000.{len(messages):06}")
            messages[answer["ts"]] = message
        elif method.startswith("conversations."):
            answer["messages"] = []
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_):
        pass


def send(path, body, secret=SECRET, age=0, media="application/json"):
    """Answers status, media type and text."""
    at = str(int(time.time()) - age)
    headers = {
        "content-type": media,
        "x-slack-request-timestamp": at,
        "x-slack-signature": SignatureVerifier(secret).generate_signature(timestamp=at, body=body),
    }
    request = urllib.request.Request(SERVICE + path, body.encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers["content-type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["content-type"], error.read().decode()


def check(kind, blocks):
    """Slack's limits and field names. What its models do not know is lost on the way through them."""
    assert 1 <= len(blocks) <= 50, f"{kind}: {len(blocks)} blocks"
    for block in blocks:
        known = Block.parse(block)
        assert known is not None, f"{kind}: no such block: {block}"
        assert known.to_dict() == block, f"{kind}: not all of it is known: {block} became {known.to_dict()}"
        for part in [*getattr(known, "elements", []), getattr(known, "text", None)]:
            if part is not None:
                part.validate_json()
        if isinstance(known, ActionsBlock):
            names = [element.action_id for element in known.elements]
            assert len(names) == len(set(names)), f"{kind}: {names}"


api = ThreadingHTTPServer(("127.0.0.1", int(os.environ["SLACK_PORT"])), WebApi)
threading.Thread(target=api.serve_forever, daemon=True).start()

challenge = json.dumps({"type": "url_verification", "challenge": "ä & <ö>", "token": "x"}, ensure_ascii=False)
status, media, text = send("/hooks/slack/events", challenge)
assert status == 200 and json.loads(text)["challenge"] == "ä & <ö>", (status, text)
for path in ("events", "commands", "interactions"):
    for wrong in ({"secret": "another"}, {"age": 301}, {"age": -301}):
        status, media, text = send(f"/hooks/slack/{path}", challenge, **wrong)
        assert status == 401 and media == "application/problem+json", (path, wrong, status, text)

form = "application/x-www-form-urlencoded"
command = urllib.parse.urlencode({"trigger_id": "1.2", "channel_id": "C1", "user_id": "U1", "text": "help"})
status, _, text = send("/hooks/slack/commands", command, media=form)
assert status == 200 and json.loads(text)["response_type"] == "ephemeral", (status, text)

said = {"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.1", "text": "<@U0BOT> totals & <sums> are wrong"}
mention = json.dumps({"type": "event_callback", "event_id": "Ev1", "event": said})
status, _, text = send("/hooks/slack/events", mention)
assert status == 200 and json.loads(text)["effect"] == "opened", (status, text)
assert json.loads(send("/hooks/slack/events", mention)[2])["effect"] == "again"
for _ in range(300):
    # Nothing is known of any repository, which is how it ends.
    if any("not found" in message["text"] for message in messages.values()):
        break
    time.sleep(0.1)
assert len(messages) == 1, f"one incident, one message: {messages}; asked {asked}"
(message,) = messages.values()
assert "not found" in message["text"], message
check("posted", message["blocks"])

pressed = {"type": "block_actions", "user": {"id": "U1"}, "channel": {"id": "C1"}, "container": {"message_ts": "1.2"}}
pressed["actions"] = [{"action_id": "confirm", "value": "inc_1"}]
body = urllib.parse.urlencode({"payload": json.dumps(pressed)})
assert send("/hooks/slack/interactions", body, media=form)[0] == 200

with open(sys.argv[1]) as file:
    kinds = json.load(file)
for kind, blocks in kinds.items():
    check(kind, blocks)
api.shutdown()
print(f"{len(kinds)} kinds of messages and one that was posted are as Slack's library wants them")
