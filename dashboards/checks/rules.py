"""The rules by themselves: promtool's checks and tests, and errors planted to see the tests fail."""

import json
import pathlib
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from .board import Board, fill
from .tools import RULE_TESTS, RULES, Failure

# For each file of tests, what is replaced in the rules, once, by what; each must make the file fail.
PLANTED = {
    "hit_rate": [
        ("buffer threshold", "knhk_buffer_pool_hit_rate:ratio1m < 0.90", "knhk_buffer_pool_hit_rate:ratio1m < 0.92"),
        (
            "buffer threshold too low",
            "knhk_buffer_pool_hit_rate:ratio1m < 0.90",
            "knhk_buffer_pool_hit_rate:ratio1m < 0.75",
        ),
        ("object threshold", "knhk_object_pool_hit_rate:ratio1m < 0.90", "knhk_object_pool_hit_rate:ratio1m < 0.92"),
        (
            "buffer traffic guard",
            "and job_instance_pool:knhk_buffer_pool_acquire:rate1m > 100",
            "and job_instance_pool:knhk_buffer_pool_acquire:rate1m > 0",
        ),
        (
            "object traffic guard",
            "and job_instance_pool:knhk_object_pool_acquire:rate1m > 100",
            "and job_instance_pool:knhk_object_pool_acquire:rate1m > 0",
        ),
        ("early alert", "for: 2m", "for: 30s"),
        ("no memory of an alert", "keep_firing_for: 5m", "keep_firing_for: 15s"),
        ("misses for hits", 'knhk_buffer_pool_outcome="hit"', 'knhk_buffer_pool_outcome="miss"'),
        (
            "refusals left out",
            "sum by (job, instance, knhk_object_pool_name) (rate(knhk_object_pool_acquire_total[1m]))",
            'sum by (job, instance, knhk_object_pool_name) (rate(knhk_object_pool_acquire_total{knhk_object_pool_outcome!="exhausted"}[1m]))',
        ),
        (
            "instances mixed",
            "sum by (job, instance, knhk_buffer_pool_name) (rate(knhk_buffer_pool_acquire_total[1m]))",
            "sum by (job, knhk_buffer_pool_name) (rate(knhk_buffer_pool_acquire_total[1m]))",
        ),
        ("severity", "severity: warning", "severity: page"),
        ("misses are no refusals", 'knhk_object_pool_outcome="exhausted"', 'knhk_object_pool_outcome!="hit"'),
        ("refusals of buffers", 'knhk_buffer_pool_outcome="exhausted"', 'knhk_buffer_pool_outcome="miss"'),
        ("drop of one point", "ratio1h - 0.05", "ratio1h - 0.01"),
        ("drop of twenty points", "ratio1h - 0.05", "ratio1h - 0.20"),
    ],
    "memory": [
        (
            "a step is growth",
            "[30m] offset 1h) + 1048576\n        for: 1h",
            "[30m] offset 1h) + 1048576\n        for: 15m",
        ),
        ("small is growth", "+ 1048576", "+ 0"),
        ("up and down is growth", "min_over_time({__name__", "max_over_time({__name__"),
        (
            "object pools do not grow",
            'min_over_time({__name__=~"knhk_(buffer|object)_',
            'min_over_time({__name__=~"knhk_(buffer)_',
        ),
        (
            "a busy hour leaks buffers",
            "max_over_time(knhk_buffer_pool_in_use[15m] offset 30m)\n        for: 30m",
            "max_over_time(knhk_buffer_pool_in_use[15m] offset 30m)\n        for: 5m",
        ),
        (
            "a busy hour leaks objects",
            "max_over_time(knhk_object_pool_in_use[15m] offset 30m)\n        for: 30m",
            "max_over_time(knhk_object_pool_in_use[15m] offset 30m)\n        for: 5m",
        ),
        (
            "a leak never leaks",
            "max_over_time(knhk_buffer_pool_in_use[15m] offset 30m)",
            "max_over_time(knhk_buffer_pool_in_use[15m])",
        ),
    ],
    "arena_and_hot_path": [
        ("any overflow", "> 0.01", "> 0.001"),
        (
            "idle arenas overflow",
            "(rate(knhk_arena_overflow_total[5m]))\n            > 1\n",
            "(rate(knhk_arena_overflow_total[5m]))\n            > 0\n",
        ),
        (
            "arenas that refuse all are silent",
            "            + sum by (job, instance, knhk_arena_name) (rate(knhk_arena_overflow_total[5m]))\n",
            "",
        ),
        (
            "first violation unseen",
            "          or (knhk_hot_path_allocation_total unless last_over_time(knhk_hot_path_allocation_total[1h] offset 5m)) > 0\n",
            "",
        ),
        (
            "a gap is a first violation",
            "unless last_over_time(knhk_hot_path_allocation_total[1h] offset 5m))",
            "unless knhk_hot_path_allocation_total offset 5m)",
        ),
        (
            "violations in a gap unseen",
            "          or knhk_hot_path_allocation_total > last_over_time(knhk_hot_path_allocation_total[1h] offset 5m)\n",
            "",
        ),
        (
            "later violations unseen",
            "increase(knhk_hot_path_allocation_total[5m]) > 0",
            "increase(knhk_hot_path_allocation_total[5m]) < 0",
        ),
        ("violations for ever", "keep_firing_for: 15m", "keep_firing_for: 2h"),
        ("violations forgotten", "keep_firing_for: 15m", "keep_firing_for: 1m"),
    ],
    "service": [
        ("a lost journal is silent", '"journal|worker"', '"worker"'),
        ("workers fail silently", '"journal|worker"', '"journal"'),
        ("a full queue is critical", '"journal|worker"', '"journal|worker|queue_full"'),
        ("it fails for ever", "keep_firing_for: 5m\n        labels:\n          severity: critical", "keep_firing_for: 2h\n        labels:\n          severity: critical"),
        ("not critical", "severity: critical", "severity: warning"),
        ("ready is not", "knhk_service_ready == 0", "knhk_service_ready == 1"),
        ("a moment is not ready", "ready == 0\n        for: 5m", "ready == 0\n        for: 4m"),
        ("not ready is told late", "ready == 0\n        for: 5m", "ready == 0\n        for: 6m"),
        ("reloads that hold fire", '{knhk_service_reload_outcome="refused"}', ""),
        (
            "refused reloads forgotten",
            '[5m]) > 0\n        keep_firing_for: 15m\n        labels:\n          severity: warning\n        annotations:\n          summary: "{{ $labels.instance }} refused',
            '[5m]) > 0\n        keep_firing_for: 1m\n        labels:\n          severity: warning\n        annotations:\n          summary: "{{ $labels.instance }} refused',
        ),
    ],
    "telemetry": [
        ("other jobs down", 'up{job=~"knhk.*"}', "up"),
        (
            "down at once",
            'for: 1m\n        labels:\n          severity: warning\n        annotations:\n          summary: "{{ $labels.instance }} of {{ $labels.job }} cannot',
            'for: 0m\n        labels:\n          severity: warning\n        annotations:\n          summary: "{{ $labels.instance }} of {{ $labels.job }} cannot',
        ),
        (
            "silence unseen",
            'present_over_time({__name__=~"knhk_(buffer|object)_pool_acquire_total"}[15m])',
            'present_over_time({__name__=~"knhk_(buffer|object)_pool_acquire_total"}[1m])',
        ),
        (
            "who reports is silent",
            '          unless group by (job, instance) ({__name__=~"knhk_(buffer|object)_pool_acquire_total"})\n',
            "",
        ),
        (
            "object pools alone are silent",
            'unless group by (job, instance) ({__name__=~"knhk_(buffer|object)_',
            'unless group by (job, instance) ({__name__=~"knhk_(buffer)_',
        ),
        (
            "object pools alone are absent",
            'absent({__name__=~"knhk_(buffer|object)_',
            'absent({__name__=~"knhk_(buffer)_',
        ),
        ("absent at once", "for: 10m", "for: 1m"),
        ("some exports fail", "          > 0.5\n", "          > 0.1\n"),
        ("exports that succeed fail", 'knhk_telemetry_outcome="failed"', 'knhk_telemetry_outcome="ok"'),
        ("runbook of another alert", "runbook.md#telemetry-absent", "runbook.md#alerts"),
    ],
}

SECTION = '{{knhk_hot_path_section="{}"}}'
SERIES = 'knhk_hot_path_allocation_total{{job="j", instance="i", knhk_hot_path_section="{}"}}'
VIOLATIONS = [
    {"series": SERIES.format("late"), "values": "_x40 3x10"},
    {"series": SERIES.format("early"), "values": "5x50"},
]


def check(tools):
    """All of it; raises the first failure."""
    promtool(tools, "check", "rules", "--lint=all", "--lint-fatal", RULES)
    tests = sorted(RULE_TESTS.glob("*.test.yml"))
    for test in tests:
        promtool(tools, "test", "rules", test)
    print(f"rules: syntax, lint and {len(tests)} files of tests pass")
    text = RULES.read_text()
    planted = [(test, *error) for test, errors in PLANTED.items() for error in errors]
    with ThreadPoolExecutor(2) as pool:
        seen = list(pool.map(lambda error: is_seen(tools, text, *error), planted))
    survived = [f"{name} ({test})" for (test, name, *_), it in zip(planted, seen) if not it]
    if survived:
        raise Failure(f"planted errors that the tests of the rules do not see: {', '.join(survived)}")
    print(f"rules: the tests see all of {len(planted)} planted errors")
    panels_show_first_violations(tools)


def panels_show_first_violations(tools):
    """A section's first violation makes its series, which `increase` alone does not see."""
    shown = {"Violations": {"{}": 3}, "Violations by section": {SECTION.format("late"): 3, SECTION.format("early"): 0}}
    board = Board()
    for query in board.queries():
        if query.panel in shown:
            # Of the last five minutes: one series is 15 s old, the other has stood still.
            samples = [{"labels": labels, "value": value} for labels, value in shown[query.panel].items()]
            asked = {"expr": fill(query.expr, board.all_values(), 300), "eval_time": "10m15s", "exp_samples": samples}
            test = {"interval": "15s", "input_series": VIOLATIONS, "promql_expr_test": [asked]}
            with tempfile.TemporaryDirectory() as folder:
                file = pathlib.Path(folder) / "panel.test.yml"
                # JSON is YAML.
                file.write_text(json.dumps({"evaluation_interval": "15s", "tests": [test]}))
                promtool(tools, "test", "rules", file)
            shown.pop(query.panel)
    if shown:
        raise Failure(f"no panel shows violations: {', '.join(shown)}")
    print("dashboard: its panels show a section's first violation")


def promtool(tools, *arguments):
    done = run(tools, *arguments)
    if done.returncode != 0:
        raise Failure(f"promtool {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")


def run(tools, *arguments):
    return subprocess.run([tools.promtool, *map(str, arguments)], capture_output=True, text=True)


def is_seen(tools, text, test, name, right, wrong):
    """Whether the file of tests fails with the error in place."""
    if right not in text:
        raise Failure(f"planted error {name!r}: the rules have no {right!r} any more")
    with tempfile.TemporaryDirectory() as folder:
        rules = pathlib.Path(folder) / RULES.name
        rules.write_text(text.replace(right, wrong, 1))
        # An error of syntax would prove nothing.
        if run(tools, "check", "rules", rules).returncode != 0:
            raise Failure(f"planted error {name!r} is no valid rule")
        shutil.copytree(RULE_TESTS, rules.parent / RULE_TESTS.name)
        return run(tools, "test", "rules", rules.parent / RULE_TESTS.name / f"{test}.test.yml").returncode != 0
