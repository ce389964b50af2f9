#!/usr/bin/env python3
"""gate.py REPORT.json [PREFIX...]: judges a report of `weaver registry live-check`.

Weaver exits with 0 when nothing arrived, and when a declared signal was never seen. This fails then,
too. PREFIX names declared signals that this run could not show."""

import json
import sys

SIGNALS = ("metrics", "events", "attributes")


def faults(statistics, excused):
    if not statistics["total_entities"]:
        yield "no telemetry arrived"
    for signals in SIGNALS:
        for name, count in statistics[f"seen_registry_{signals}"].items():
            if not count and not name.startswith(excused):
                yield f"never seen: {name}"
        for name in statistics[f"seen_non_registry_{signals}"]:
            yield f"not declared: {name}"
    for message, count in statistics["advice_message_counts"].items():
        yield f"{count} times: {message}"


def main(report, *excused):
    with open(report, encoding="utf-8") as file:
        statistics = json.load(file)["statistics"]
    found = list(faults(statistics, tuple(excused)))
    print("\n".join(found) or f"{statistics['total_entities']} samples, no finding")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
