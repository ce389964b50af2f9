"""Prometheus and promtool: found, or fetched."""

import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARDS = ROOT / "dashboards"
RULES = DASHBOARDS / "prometheus" / "knhk.rules.yml"
RULE_TESTS = DASHBOARDS / "prometheus" / "tests"


class Missing(Exception):
    """A tool is not to be had here."""


class Failure(Exception):
    """A check has failed; the message says which and why."""


class Tools:
    """Paths of the two programs."""

    def __init__(self, prometheus, promtool):
        self.prometheus = prometheus
        self.promtool = promtool

    @classmethod
    def find(cls):
        """From the PATH, else from Debian's package, unpacked below target/ and not installed."""
        on_path = [shutil.which("prometheus"), shutil.which("promtool")]
        if all(on_path):
            return cls(*on_path)
        folder = ROOT / "target" / "prometheus"
        unpacked = [folder / "usr" / "bin" / name for name in ("prometheus", "promtool")]
        if not all(path.is_file() for path in unpacked):
            fetch(folder)
        return cls(*map(str, unpacked))


def fetch(folder):
    """Debian's package, without its service: installing it would start a server."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise Missing("no prometheus on the PATH, and no apt-get to fetch it")
    folder.mkdir(parents=True, exist_ok=True)
    for command in (["apt-get", "download", "prometheus"], ["apt-get", "update", "-qq"], ["apt-get", "download", "prometheus"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode == 0 and "download" in command:
            break
    packages = sorted(folder.glob("prometheus_*.deb"))
    if not packages:
        raise Missing(f"no prometheus on the PATH, and apt-get could not fetch it: {done.stderr.strip()}")
    subprocess.run(["dpkg", "-x", packages[-1], folder], check=True)
