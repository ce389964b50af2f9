"""The dashboard and the alerts on a real Prometheus that scrapes the real service, and an embedder.

    sizes by profile          ──▸ every query has a result, no alert
    a pool of one             ──▸ every query has a result, the hit-rate alert fires, and no other;
                                  the service's log says which size would have held
    a pool of that size       ──▸ it clears; warnings and restarts show as annotations

The embedder has what the pipeline has not: an arena that overflows, a section that allocates. Its two
alerts fire from some time on, and none of another program.
"""

import math
import pathlib
import re
import tempfile
import time

from . import picture, service
from .board import Board, fill
from .prometheus import Prometheus, free_port, until
from .tools import Failure

# What the embedder alone has figures of.
EMBEDDED = ("knhk_arena_", "knhk_hot_path_")

# What `serve` alone has figures of.
SERVED = "knhk_service_"

# Seconds of data that rates look at, as $__rate_interval: five scrapes.
RATE = 5

POOL = "emit"
LOW = "KnhkBufferPoolLowHitRate"

# The service's warning, as it logs it.
RECOMMENDED = re.compile(rf'knhk\.buffer_pool\.name="{POOL}".*knhk\.buffer_pool\.recommended_size=(\d+)')

# What may fire while a pool is too small: the warning, and that it was better before.
EXPECTED = {LOW, "KnhkBufferPoolHitRateDrop"}

# What must fire for the embedder.
VIOLATED = {"KnhkArenaOverflow", "KnhkHotPathViolation"}


def check(tools, poold, drawing):
    """All of it, in one run of Prometheus; raises the first failure."""
    poold, embedder = poold or service.poold(), service.embedder()
    ports = [free_port(), free_port(), free_port()]
    with tempfile.TemporaryDirectory() as folder, service.Collector() as collector:
        folder = pathlib.Path(folder)
        embedding = service.Program([embedder, ports[1]], folder / "embedder.log")
        serving = service.Server(poold, ports[2], folder / "serve.log")
        with embedding, serving, Prometheus(tools, folder, ports) as prometheus:
            run = Run(prometheus, poold, ports, collector, folder / "service.log")
            run.good()
            run.too_small()
            run.good_again()
            run.violations(embedding, ports[1])
            run.annotations()
            if drawing:
                picture.draw(prometheus, run.started, time.time(), run.marks, drawing)
                print(f"live: drew {drawing}")


class Run:
    """The three phases, over one port: one instance that is restarted."""

    def __init__(self, prometheus, poold, ports, collector, log):
        self.prometheus = prometheus
        self.board = Board()
        self.port, _, self.serving = ports
        self.poold, self.collector, self.log = poold, collector, log
        self.started = time.time()
        # Time and text of what the picture notes.
        self.marks = []

    def service(self, size=None):
        self.marks.append((time.time(), f"size {size}" if size else "size by profile"))
        return service.service(self.poold, self.port, self.collector, self.log, size)

    def good(self):
        with self.service() as program:
            self.reports(program)
            self.variables()
            self.panels("sizes by profile")
            self.one_of_each()
            firing = self.firing()
            if firing:
                raise Failure(f"alerts fire though all is well: {firing}")

    def too_small(self):
        with self.service(size=1) as program:
            took = until(f"{LOW} fires for {POOL}", 180, lambda: program.must_live() and self.fires(LOW))
            time.sleep(2 * RATE)
            self.panels("a pool of one")
            others = self.firing() - EXPECTED
            if others:
                raise Failure(f"alerts fire that have no cause: {others}")
        print(f"live: a pool of one: {LOW} fired after {took:.0f} s")

    def good_again(self):
        found = RECOMMENDED.search(self.log.read_text())
        if not found:
            raise Failure(f"the service did not warn:\n{self.log.read_text()[-2000:]}")
        with self.service(size=int(found[1])) as program:
            took = until(f"{LOW} has cleared", 240, lambda: program.must_live() and not self.fires(LOW))
        print(f"live: a pool of {found[1]}, as its warning recommends: the alert cleared after {took:.0f} s")

    def violations(self, embedding, port):
        """The embedder's alerts fire, and no other of it."""
        fire = lambda: embedding.must_live() and self.firing(port) >= VIOLATED  # noqa: E731
        until(f"{', '.join(sorted(VIOLATED))} fire", 180, fire)
        others = self.firing(port) - VIOLATED
        if others:
            raise Failure(f"alerts fire for the embedder that have no cause: {others}")
        print(f"live: an arena that overflows, a section that allocates: {', '.join(sorted(VIOLATED))} fire")

    def firing(self, port=None):
        """Names of the alerts that fire for the program on that port, the service's unless given."""
        instance = f"127.0.0.1:{port or self.port}"
        of_it = (it for it in self.prometheus.firing() if it.get("instance", instance) == instance)
        return {labels["alertname"] for labels in of_it}

    def fires(self, alert):
        wanted = {"alertname": alert, "knhk_buffer_pool_name": POOL}.items()
        return any(wanted <= labels.items() for labels in self.prometheus.firing())

    def reports(self, program):
        """There are rates of every pool that works, an export, and the embedder's figures."""
        ready = [
            f'rate(knhk_buffer_pool_acquire_total{{knhk_buffer_pool_name="{POOL}"}}[{RATE}s]) > 0',
            f"rate(knhk_pipeline_stage_duration_seconds_count[{RATE}s]) > 0",
            "knhk_telemetry_export_total > 0",
            f"rate(knhk_service_request_duration_seconds_count[{RATE}s]) > 0",
            f"rate(knhk_arena_overflow_total[{RATE}s]) > 0",
            f"rate(knhk_hot_path_allocation_total[{RATE}s]) > 0",
        ]
        is_so = lambda: program.must_live() and all(self.prometheus.instant(expr) for expr in ready)  # noqa: E731
        until("the counters move in Prometheus", 180, is_so)
        time.sleep(2 * RATE)

    def variables(self):
        values = self.board.all_values()
        for name, selector, label in self.board.variables():
            found = self.prometheus.label_values(label, fill(selector, values, RATE))
            if not found:
                raise Failure(f"variable {name} has no value")
            print(f"live: variable {name}: {', '.join(found)}")

    def panels(self, phase):
        """Every query, with every variable at All."""
        queries = list(self.board.queries())
        for query in queries:
            self.result(query, self.board.all_values())
        print(f"live: {phase}: all {len(queries)} queries have finite results in range")

    def one_of_each(self):
        """Every query of the service's figures, with one value of each variable."""
        values = self.board.all_values()
        for name, selector, label in self.board.variables():
            found = self.prometheus.label_values(label, fill(selector, values, RATE))
            values[name] = POOL if POOL in found else found[0]
        queries = [it for it in self.board.queries() if not any(name in it.expr for name in EMBEDDED)]
        for query in queries:
            port = self.serving if SERVED in query.expr else self.port
            self.result(query, values | {"instance": f"127.0.0.1:{port}"})
        print(f"live: {len(queries)} of them with {values}, and the instance that has them, too")

    def result(self, query, values):
        """Fails unless the query's result is good."""
        expr = fill(query.expr, values, RATE)
        where = f"panel {query.panel!r}, query {query.ref}: {expr}"
        result = []

        def is_there():
            now = time.time()
            if query.instant:
                result[:] = [(it["metric"], [it["value"]]) for it in self.prometheus.instant(expr)]
            else:
                result[:] = [(it["metric"], it["values"]) for it in self.prometheus.range(expr, now - RATE, now)]
            return result

        # On a busy machine a scrape may be late.
        until(f"a result of {where}", 120, is_there)
        for labels, points in result:
            for _, value in points:
                in_range(float(value), query.unit, where)
            for label in re.findall(r"\{\{(\w+)\}\}", query.legend):
                if label not in labels:
                    raise Failure(f"{where}: the legend's {label} is no label of {labels}")

    def annotations(self):
        """Over the whole run."""
        now = time.time()
        for name, expr in self.board.annotations():
            result = self.prometheus.range(fill(expr, self.board.all_values(), RATE), self.started, now)
            if not result:
                raise Failure(f"annotation {name}: nothing in the whole run")
            points = sum(len(it["values"]) for it in result)
            print(f"live: annotation {name}: {points} points")


def in_range(value, unit, where):
    """A finite number, not below zero; a share not above one."""
    if not math.isfinite(value):
        raise Failure(f"{where}: {value}")
    if value < 0 or unit == "percentunit" and value > 1 + 1e-9:
        raise Failure(f"{where}: {value} is out of range for {unit}")
