"""A Prometheus of our own on 127.0.0.1, and its HTTP interface."""

import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from .tools import DASHBOARDS, RULES, Failure

# The check's time runs so many times faster: each duration of the rules is divided by it.
FASTER = 12
SECONDS = {"s": 1, "m": 60, "h": 3600}


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def faster(rules):
    """The rules with every duration divided by `FASTER`, and nothing else changed."""

    def divide(found):
        seconds, rest = divmod(int(found[2]) * SECONDS[found[3]], FASTER)
        if rest or not seconds:
            raise Failure(f"the rules' duration {found[0]} does not divide by {FASTER}")
        return f"{found[1]}{seconds}s"

    return re.sub(r"(\[|offset |for: )(\d+)([smh])\b", divide, rules)


def configuration(text, ports):
    """The shipped prometheus.yml, once a second, for the ports that the programs have here."""
    text, intervals = re.subn(r"(?m)^(  (?:scrape|evaluation)_interval:) .*$", r"\1 1s", text)
    addresses = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
    text, targets = re.subn(r'(targets:) \["127\.0\.0\.1:9464"\]', rf"\1 [{addresses}]", text)
    if (intervals, targets) != (2, 1):
        raise Failure("prometheus.yml: expected two intervals and the target 127.0.0.1:9464, once")
    return text


class Prometheus:
    """Runs while the `with` lasts."""

    def __init__(self, tools, folder, ports):
        shipped = DASHBOARDS / "prometheus" / "prometheus.yml"
        (folder / "prometheus.yml").write_text(configuration(shipped.read_text(), ports))
        (folder / RULES.name).write_text(faster(RULES.read_text()))
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        self.log = folder / "prometheus.log"
        self.command = [
            tools.prometheus,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
        ]

    def __enter__(self):
        with self.log.open("w") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        until("Prometheus is ready", 120, self.is_ready)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)

    def is_ready(self):
        if self.process.poll() is not None:
            raise Failure(f"Prometheus ended: {self.log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def get(self, path, **parameters):
        """The `data` of an answer."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise Failure(f"{path} {parameters}: {error.read().decode()}") from error

    def instant(self, expr):
        return self.get("query", query=expr)["result"]

    def range(self, expr, start, end, step=1):
        return self.get("query_range", query=expr, start=start, end=end, step=step)["result"]

    def label_values(self, label, selector):
        return self.get(f"label/{label}/values", **{"match[]": selector})

    def firing(self):
        """Labels of the alerts that fire now."""
        alerts = self.get("alerts")["alerts"]
        return [alert["labels"] for alert in alerts if alert["state"] == "firing"]


def until(what, seconds, is_so, every=0.5):
    """Waits for it; a failure when it does not come. Answers how long it took."""
    start = time.monotonic()
    while not is_so():
        if time.monotonic() - start > seconds:
            raise Failure(f"after {seconds} s still not: {what}")
        time.sleep(every)
    return time.monotonic() - start
