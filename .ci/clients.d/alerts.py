"""A Prometheus whose rule holds, and an Alertmanager that calls in: one incident, however often it is told, and a note on
it once it is over. The same Prometheus scrapes our figures."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

SERVICE, TOKEN, SECRET = os.environ["SERVICE"], os.environ["TOKEN"], os.environ["HOOK_SECRET"]
folder = pathlib.Path(sys.argv[1])
folder.mkdir()


def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def get(url, token=None):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
        return answer.read().decode()


def incidents():
    return json.loads(get(f"{SERVICE}/v1/incidents?source=alertmanager", TOKEN))["incidents"]


def figure(effect):
    """What our own figures say of the alerts that came in, as Prometheus has them."""
    query = f'millwright_deliveries_total{{system="alertmanager",outcome="{effect}"}}'
    found = json.loads(get(f"http://127.0.0.1:{prometheus}/api/v1/query?query={urllib.parse.quote(query)}"))
    return sum(float(one["value"][1]) for one in found["data"]["result"])


def until(what, holds):
    for _ in range(300):
        try:
            if holds():
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.2)
    for log in sorted(folder.glob("*.log")):
        print(f"== {log.name}\n{log.read_text()[-3000:]}")
    sys.exit(f"waited in vain until {what}; incidents: {json.dumps(incidents())}")


def rule(expression):
    alert = {
        "alert": "TotalsWrong",
        "expr": expression,
        "labels": {"service": "calc", "severity": "page"},
        "annotations": {"summary": "totals are wrong", "description": "calc_check: total 21 gave 63, not 42"},
    }
    # JSON is YAML.
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "totals", "rules": [alert]}]}))


prometheus, alertmanager = port(), port()
# Two pods fail alike.
rule('label_replace(vector(1), "instance", "a", "", "") or label_replace(vector(1), "instance", "b", "", "")')
(folder / "prometheus.yml").write_text(json.dumps({
    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
    "rule_files": ["rules.yml"],
    "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
    "scrape_configs": [{
        "job_name": "millwright",
        "authorization": {"credentials": TOKEN},
        "static_configs": [{"targets": [SERVICE.removeprefix("http://")]}],
    }],
}))
(folder / "alertmanager.yml").write_text(json.dumps({
    "route": {
        "receiver": "millwright", "group_by": ["alertname", "instance"],
        "group_wait": "1s", "group_interval": "1s", "repeat_interval": "2s",
    },
    "receivers": [{"name": "millwright", "webhook_configs": [{
        "url": f"{SERVICE}/hooks/alertmanager",
        "send_resolved": True,
        "http_config": {"authorization": {"type": "Bearer", "credentials": SECRET}},
    }]}],
}))
commands = [
    ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
     f"--web.listen-address=127.0.0.1:{prometheus}", "--rules.alert.resend-delay=1s"],
    ["prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/am",
     f"--web.listen-address=127.0.0.1:{alertmanager}", "--cluster.listen-address="],
]
started = []
try:
    for command in commands:
        with open(folder / f"{command[0]}.log", "w") as log:
            started.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=folder))
    until("the alert became an incident", lambda: len(incidents()) == 1)
    until("Prometheus has our figures, and Alertmanager told us again", lambda: figure("again") >= 2)
    (incident,) = incidents()
    assert incident["service"] == "calc" and "TotalsWrong" in incident["title"], incident
    assert figure("opened") == 1, "one incident for both pods"

    rule("vector(0) > 0")
    started[0].send_signal(signal.SIGHUP)
    whole = {}

    def over():
        whole.update(json.loads(get(f"{SERVICE}/v1/incidents/{incident['id']}", TOKEN)))
        return any(delivery["effect"] == "resolved" for delivery in whole["deliveries"])

    until("the incident says that it is over", over)
    assert len(incidents()) == 1, "over is no new incident"
    assert whole["deliveries"][0]["effect"] == "opened", whole["deliveries"]
finally:
    for process in started:
        process.terminate()
    for process in started:
        process.wait(timeout=30)

figures = get(f"{SERVICE}/metrics", TOKEN)
lint = subprocess.run(["promtool", "check", "metrics"], input=figures, text=True, capture_output=True)
assert lint.returncode == 0 and not lint.stderr.strip(), f"promtool: {lint.stdout}{lint.stderr}"
lint = subprocess.run(["promtool", "check", "rules", "deploy/prometheus/rules.yaml"], text=True, capture_output=True)
assert lint.returncode == 0, f"promtool: {lint.stdout}{lint.stderr}"
print("one incident of two pods, told again and over; the figures are scraped, and promtool finds nothing wrong")
