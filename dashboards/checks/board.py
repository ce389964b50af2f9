"""The dashboard's queries, with its variables filled in as Grafana does."""

import json
import re
from dataclasses import dataclass

from .tools import DASHBOARDS

BOARD = DASHBOARDS / "grafana" / "dashboards" / "knhk-pool.json"


@dataclass(frozen=True)
class Query:
    """One query of one panel."""

    panel: str
    ref: str
    expr: str
    instant: bool
    unit: str
    legend: str


class Board:
    """The JSON, read."""

    def __init__(self):
        self.json = json.loads(BOARD.read_text())

    def queries(self):
        """Of all panels, in their order."""
        for panel in self.json["panels"]:
            for target in panel.get("targets", []):
                yield Query(
                    panel["title"],
                    target["refId"],
                    target["expr"],
                    target.get("instant", False),
                    panel["fieldConfig"]["defaults"]["unit"],
                    target.get("legendFormat", ""),
                )

    def annotations(self):
        """Name and query of those that ask Prometheus."""
        for annotation in self.json["annotations"]["list"]:
            if "target" in annotation:
                yield annotation["name"], annotation["target"]["expr"]

    def variables(self):
        """Name, selector and label of those that ask Prometheus, in the order in which they depend."""
        for variable in self.json["templating"]["list"]:
            if variable["type"] == "query":
                selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
                yield variable["name"], selector, label

    def all_values(self):
        """Every variable at All."""
        return {it["name"]: it["allValue"] for it in self.json["templating"]["list"] if it["type"] == "query"}


def fill(expr, values, seconds):
    """`expr` with the variables' values, over an interval of that many seconds."""
    expr = expr.replace("$__rate_interval", f"{seconds}s").replace("$__range", f"{seconds}s")
    for name, value in values.items():
        expr = re.sub(rf"\$(\{{{name}\}}|{name}\b)", lambda _: value, expr)
    return expr
