"""A drawing of some of the dashboard's panels, from the queries' results. It is no picture of Grafana."""

import math
from datetime import datetime, timezone
from xml.sax.saxutils import escape

from .board import Board, fill

# Which panels, in two columns.
TITLES = ["Buffer pools", "Buffers not from the pool", "Buffers released", "Buffers: high water against size", "Triples", "Stage durations"]
COLOURS = ["#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#8c564b", "#17becf"]
WIDTH, HEIGHT, LEFT, TOP, GAP = 470, 150, 62, 86, 74
RATE = 5
FIRING = 'ALERTS{alertname="KnhkBufferPoolLowHitRate", alertstate="firing"}'
CAPTION = "Drawn by dashboards/check from the dashboard's queries to Prometheus {version}, {day} UTC; not a picture of Grafana."
LEGEND = "Red: below 90 %, and while the alert fires. knhk-poold was restarted where a line stands; the rules' durations ran twelve times faster."


def draw(prometheus, start, end, marks, path):
    """Writes the SVG; `marks` are the restarts, with what was changed."""
    board = Board()
    frame = Frame(start, end)
    firing = [(float(t), 1.0) for it in prometheus.range(FIRING, start, end) for t, _ in it["values"]]
    parts = []
    for nth, title in enumerate(TITLES):
        queries = [query for query in board.queries() if query.panel == title and ", 1 h" not in query.legend]
        series = [it for query in queries for it in results(prometheus, query, board.all_values(), start, end)]
        x, y = LEFT + nth % 2 * (WIDTH + GAP), TOP + nth // 2 * (HEIGHT + GAP)
        parts.append(f'<g transform="translate({x},{y})">{frame.panel(title, queries[0].unit, series, firing, marks)}</g>')
    version = prometheus.get("status/buildinfo")["version"].split("+")[0]
    day = datetime.fromtimestamp(end, timezone.utc).strftime("%Y-%m-%d %H:%M")
    width, height = LEFT + 2 * (WIDTH + GAP), TOP + 3 * (HEIGHT + GAP)
    head = text(LEFT, 24, "A pool that is too small, and then of the size that its warning recommends", "font-size='16' font-weight='bold'")
    head += text(LEFT, 42, CAPTION.format(version=version, day=day), "fill='#555'") + text(LEFT, 58, LEGEND, "fill='#555'")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n{head}\n' + "\n".join(parts) + "\n</svg>\n"
    )


def results(prometheus, query, values, start, end):
    """Legend and finite points of each series."""
    for it in prometheus.range(fill(query.expr, values, RATE), start, end):
        legend = query.legend
        for label, value in it["metric"].items():
            legend = legend.replace("{{" + label + "}}", value)
        points = [(float(t), float(v)) for t, v in it["values"]]
        yield legend.split(" · ")[0], [point for point in points if math.isfinite(point[1])]


def text(x, y, words, more=""):
    return f"<text x='{x:.1f}' y='{y:.1f}' {more}>{escape(words)}</text>"


def shown(value, unit):
    """A figure on an axis."""
    if unit == "percentunit":
        return f"{value:.0%}"
    if unit == "s":
        return f"{value * 1e3:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.3g} µs"
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def round_up(value):
    """To a number whose quarters are short."""
    step = 10 ** math.floor(math.log10(value)) if value > 0 else 1
    return next(step * nice for nice in (1, 2, 4, 6, 8, 10) if step * nice >= value)


class Frame:
    """The time that every panel shows."""

    def __init__(self, start, end):
        self.start, self.end = start, end

    def x(self, time):
        return (time - self.start) / (self.end - self.start) * WIDTH

    def panel(self, title, unit, series, firing, marks):
        top = 1.0 if unit == "percentunit" else round_up(max((v for _, points in series for _, v in points), default=1.0))
        y = lambda value: HEIGHT - value / top * (HEIGHT - 8)  # noqa: E731
        out = [f"<rect width='{WIDTH}' height='{HEIGHT}' fill='none' stroke='#ccc'/>", text(0, -8, title, "font-weight='bold'")]
        if unit == "percentunit":
            out.append(f"<rect y='{y(0.9):.1f}' width='{WIDTH}' height='{HEIGHT - y(0.9):.1f}' fill='#d62728' opacity='0.07'/>")
            out.append(f"<path d='M0 {y(0.9):.1f}H{WIDTH}' stroke='#d62728' stroke-dasharray='4 3'/>")
        if firing:
            first, last = self.x(firing[0][0]), self.x(firing[-1][0])
            out.append(f"<rect x='{first:.1f}' width='{last - first:.1f}' height='4' fill='#d62728'/>")
        for part in range(5):
            value = top * part / 4
            out.append(text(-6, y(value) + 4, shown(value, unit), "text-anchor='end' fill='#555'"))
        for time, words in marks:
            if words:
                out.append(f"<path d='M{self.x(time):.1f} 0V{HEIGHT}' stroke='#888' stroke-dasharray='2 3'/>")
                out.append(text(self.x(time) + 3, HEIGHT - 5, words, "fill='#888' font-size='9'"))
        for nth, (legend, points) in enumerate(series):
            colour = COLOURS[nth % len(COLOURS)]
            out.append(f"<path d='{self.line(points, y)}' fill='none' stroke='{colour}' stroke-width='1.5'/>")
            column, row = nth % 4, nth // 4
            out.append(f"<rect x='{column * 118}' y='{HEIGHT + 24 + row * 14}' width='8' height='8' fill='{colour}'/>")
            out.append(text(column * 118 + 12, HEIGHT + 32 + row * 14, legend))
        for seconds in range(0, int(self.end - self.start) + 1, 20):
            out.append(text(self.x(self.start + seconds), HEIGHT + 13, f"{seconds} s", "text-anchor='middle' fill='#555'"))
        return "".join(out)

    def line(self, points, y):
        """Broken where a point is missing."""
        path, before = [], None
        for time, value in points:
            joined = before is not None and time - before < 1.5
            path.append(f"{'L' if joined else 'M'}{self.x(time):.1f} {y(value):.1f}")
            before = time
        return "".join(path)
