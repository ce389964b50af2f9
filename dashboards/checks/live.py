"""The dashboard and the alerts on a real Prometheus that scrapes the real service.

    sizes by profile          ──▸ every query has a result, no alert
    a pool of one             ──▸ every query has a result, the hit-rate alert fires, and no other;
                                  the service's log says which size would have held
    a pool of that size       ──▸ it clears; warnings and restarts show as annotations
"""

import math
import pathlib
import re
import tempfile
import time

from . import picture
from .board import Board, fill
from .prometheus import Prometheus, free_port, until
from .service import Collector, Service, build
from .tools import Failure

# Metrics that this service does not have, and why. Queries of these alone may be empty as long as
# Prometheus knows no series of theirs; tests of the rules hold what they mean.
ABSENT = {
    "knhk_arena_": "the pipeline uses no arena",
    "knhk_hot_path_": "nothing allocates where it must not",
}

# Seconds of data that rates look at, as $__rate_interval: five scrapes.
RATE = 5

POOL = "emit"
LOW = "KnhkBufferPoolLowHitRate"

# The service's warning, as it logs it.
RECOMMENDED = re.compile(rf'knhk\.buffer_pool\.name="{POOL}".*knhk\.buffer_pool\.recommended_size=(\d+)')

# What may fire while a pool is too small: the warning, and that it was better before.
EXPECTED = {LOW, "KnhkBufferPoolHitRateDrop"}


def check(tools, poold, drawing):
    """All of it, in one run of Prometheus; raises the first failure."""
    poold = poold or build()
    with tempfile.TemporaryDirectory() as folder, Collector() as collector:
        folder = pathlib.Path(folder)
        port = free_port()
        with Prometheus(tools, folder, port) as prometheus:
            run = Run(prometheus, poold, port, collector, folder / "service.log")
            run.good()
            run.too_small()
            run.good_again()
            run.annotations()
            if drawing:
                picture.draw(prometheus, run.started, time.time(), run.marks, drawing)
                print(f"live: drew {drawing}")


class Run:
    """The three phases, over one port: one instance that is restarted."""

    def __init__(self, prometheus, poold, port, collector, log):
        self.prometheus = prometheus
        self.board = Board()
        self.poold, self.port, self.collector, self.log = poold, port, collector, log
        self.started = time.time()
        # Time and text of what the picture notes.
        self.marks = []

    def service(self, size=None):
        settings = {"KNHK_POOL_SIZE": str(size)} if size else {}
        self.marks.append((time.time(), f"size {size}" if size else "size by profile"))
        return Service(self.poold, self.port, self.collector, self.log, **settings)

    def good(self):
        with self.service() as service:
            self.reports(service)
            self.variables()
            self.panels("sizes by profile")
            self.one_of_each()
            firing = self.prometheus.firing()
            if firing:
                raise Failure(f"alerts fire though all is well: {firing}")

    def too_small(self):
        with self.service(size=1) as service:
            took = until(f"{LOW} fires for {POOL}", 60, lambda: service.must_live() and self.fires(LOW))
            time.sleep(2 * RATE)
            self.panels("a pool of one")
            others = {labels["alertname"] for labels in self.prometheus.firing()} - EXPECTED
            if others:
                raise Failure(f"alerts fire that have no cause: {others}")
        print(f"live: a pool of one: {LOW} fired after {took:.0f} s")

    def good_again(self):
        found = RECOMMENDED.search(self.log.read_text())
        if not found:
            raise Failure(f"the service did not warn:\n{self.log.read_text()[-2000:]}")
        with self.service(size=int(found[1])) as service:
            took = until(f"{LOW} has cleared", 90, lambda: service.must_live() and not self.fires(LOW))
        print(f"live: a pool of {found[1]}, as its warning recommends: the alert cleared after {took:.0f} s")

    def fires(self, alert):
        wanted = {"alertname": alert, "knhk_buffer_pool_name": POOL}.items()
        return any(wanted <= labels.items() for labels in self.prometheus.firing())

    def reports(self, service):
        """There are rates of every pool that works, and an export of every signal."""
        ready = [
            f'rate(knhk_buffer_pool_acquire_total{{knhk_buffer_pool_name="{POOL}"}}[{RATE}s]) > 0',
            f"rate(knhk_pipeline_stage_duration_seconds_count[{RATE}s]) > 0",
            "knhk_telemetry_export_total > 0",
        ]
        is_so = lambda: service.must_live() and all(self.prometheus.instant(expr) for expr in ready)  # noqa: E731
        until("the service's counters move in Prometheus", 60, is_so)
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
        absent = [query for query in queries if not self.result(query, self.board.all_values())]
        print(f"live: {phase}: {len(queries) - len(absent)} of {len(queries)} queries have finite results in range")
        for prefix, why in ABSENT.items():
            panels = sorted({query.panel for query in absent if prefix in query.expr})
            if panels:
                print(f"live: !! not shown by this service, as {why}: {', '.join(panels)}")

    def one_of_each(self):
        """Every query that knows the pool, with one value of each variable."""
        values = self.board.all_values()
        for name, selector, label in self.board.variables():
            found = self.prometheus.label_values(label, fill(selector, values, RATE))
            values[name] = POOL if POOL in found else found[0]
        for query in self.board.queries():
            self.result(query, values)
        print(f"live: the same with {values}")

    def result(self, query, values):
        """The query's result, after it was found good; empty only where the service has no such metric."""
        expr = fill(query.expr, values, RATE)
        where = f"panel {query.panel!r}, query {query.ref}: {expr}"
        now = time.time()
        if query.instant:
            result = [(it["metric"], [it["value"]]) for it in self.prometheus.instant(expr)]
        else:
            result = [(it["metric"], it["values"]) for it in self.prometheus.range(expr, now - RATE, now)]
        if not result:
            self.must_be_absent(query.expr, where)
        for labels, points in result:
            for _, value in points:
                in_range(float(value), query.unit, where)
            for label in re.findall(r"\{\{(\w+)\}\}", query.legend):
                if label not in labels:
                    raise Failure(f"{where}: the legend's {label} is no label of {labels}")
        return result

    def must_be_absent(self, expr, where):
        metrics = set(re.findall(r"\bknhk_\w+(?=\{)", expr))
        excused = {it for it in metrics if it.startswith(tuple(ABSENT))}
        known = self.prometheus.label_values("__name__", '{__name__=~"knhk_.+"}')
        if not metrics or metrics != excused or excused & set(known):
            raise Failure(f"{where}: empty")

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
