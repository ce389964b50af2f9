"""The real service under load, and the collector that it exports to."""

import http.server
import os
import subprocess
import threading

from .tools import ROOT, Failure

# Far longer than any phase of the check: it is ended by its process id.
FOR = "600s"


def build():
    """`knhk-poold`, by cargo."""
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "knhk-poold"], cwd=ROOT, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return ROOT / target / "release" / "knhk-poold"


class Collector:
    """Takes what is pushed to it, and answers as an OTLP collector does: 200 and an empty message."""

    def __enter__(self):
        class Taker(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Service:
    """`knhk-poold run` while the `with` lasts."""

    def __init__(self, poold, port, collector, log, **settings):
        self.command = [str(poold), "run", "--generate", "200000", "--for", FOR]
        self.command += ["--metrics-addr", f"127.0.0.1:{port}", "--otlp-endpoint", collector.url]
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("KNHK_", "OTEL_"))}
        exports = {"OTEL_METRIC_EXPORT_INTERVAL": "1000", "OTEL_BSP_SCHEDULE_DELAY": "500", "OTEL_BLRP_SCHEDULE_DELAY": "500"}
        self.environment = {**kept, **exports, **settings}
        self.log = log

    def __enter__(self):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=log, stderr=log)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def must_live(self):
        """A failure with the log's end when it has ended by itself."""
        if self.process.poll() is not None:
            raise Failure(f"{' '.join(self.command)} ended with {self.process.returncode}:\n{self.log.read_text()[-2000:]}")
        return True
