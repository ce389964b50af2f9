"""The programs that are scraped, and the collector that the service exports to."""

import http.server
import os
import subprocess
import threading
import urllib.request

from .tools import ROOT, Failure

# Far longer than any phase of the check: it is ended by its process id.
FOR = "1800s"


def build(*what):
    """By cargo; the folder that it went to, `debug` or `release`."""
    subprocess.run(["cargo", "build", "--quiet", "-p", "knhk-poold", *what], cwd=ROOT, check=True)
    profile = "release" if "--release" in what else "debug"
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / profile


def poold():
    """The service."""
    return build("--release") / "knhk-poold"


def embedder():
    """The example with arenas and violations; a debug build, where their detector is armed."""
    return build("--example", "embedder") / "examples" / "embedder"


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


class Program:
    """Runs while the `with` lasts, with nothing of ours in its environment but `settings`."""

    def __init__(self, command, log, **settings):
        self.command = list(map(str, command))
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("KNHK_", "OTEL_"))}
        self.environment = {**kept, **settings}
        self.log = log

    def __enter__(self):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=log, stderr=log)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def must_live(self):
        """A failure with the log's end when it has ended by itself."""
        if self.process.poll() is not None:
            raise Failure(f"{' '.join(self.command)} ended with {self.process.returncode}:\n{self.log.read_text()[-2000:]}")
        return True


class Server(Program):
    """`knhk-poold serve`, which is scraped where it listens, and gets a batch ten times a second."""

    def __init__(self, program, port, log):
        super().__init__([program, "serve", "--listen", f"127.0.0.1:{port}"], log)
        self.url = f"http://127.0.0.1:{port}/v1/triples"
        self.over = threading.Event()
        self.client = threading.Thread(target=self.post)

    def __enter__(self):
        super().__enter__()
        self.client.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.client.join()
        super().__exit__()

    def post(self):
        body = b'<http://example.org/s> <http://example.org/p> "o" .\n' * 100
        while not self.over.wait(0.1):
            request = urllib.request.Request(self.url, body, {"Content-Type": "application/n-triples"})
            try:
                urllib.request.urlopen(request, timeout=5).close()
            except OSError:
                # It has not begun to listen; if it never does, the check misses its figures.
                continue


def service(program, port, collector, log, size=None):
    """`knhk-poold run`, which is scraped and exports; `size` is its pools'."""
    command = [program, "run", "--generate", "200000", "--for", FOR]
    command += ["--metrics-addr", f"127.0.0.1:{port}", "--otlp-endpoint", collector.url]
    settings = {"OTEL_METRIC_EXPORT_INTERVAL": "1000", "OTEL_BSP_SCHEDULE_DELAY": "500", "OTEL_BLRP_SCHEDULE_DELAY": "500"}
    if size:
        settings["KNHK_POOL_SIZE"] = str(size)
    return Program(command, log, **settings)
