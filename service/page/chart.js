// A chart over time: uPlot with this page's colours, sizes and keys.

import { byId, drawing, element, list, mark, write } from "./element.js";
import { time } from "./format.js";

const SERIES = 6;
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [5, 2], [1, 4]];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A series' look by its place: a colour, and a dash pattern that changes with it. */
const dash = (place) => DASHES[(place + Math.floor(place / SERIES)) % DASHES.length];
const stroke = (place) => colour(`--series-${place % SERIES}`);

/** The seconds that all charts show. */
let shown = 600;
const charts = new Set();

export function showSpan(seconds) {
  shown = seconds;
  for (const chart of charts) chart.redraw();
}

export class Chart {
  /**
   * Below element `id`. `look` has: `label` for a screen reader, `range(min, max)`, `value(number)`,
   * `fill` to fill below lines, `draw(plot)` to draw over them, `cursor(index)` when one points at a moment.
   */
  constructor(id, look) {
    this.place = byId(id);
    this.look = look;
    this.off = new Set();
    this.names = [];
    this.data = [[]];
    mark(this.place, "role", "img");
    mark(this.place, "tabindex", "0");
    this.place.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#resize()).observe(this.place);
    addEventListener("colours", () => this.#rebuild());
    charts.add(this);
  }

  /** Shows these columns: the first is times. A new set of names makes a new plot. */
  show(names, data, newest) {
    this.data = data;
    this.newest = newest;
    if (names.join("\n") !== this.names.join("\n") || !this.plot) {
      this.names = names;
      this.#rebuild();
    } else {
      this.redraw();
    }
  }

  /** Draws, or takes off, one series. */
  toggle(name) {
    if (!this.off.delete(name)) this.off.add(name);
    this.plot?.setSeries(this.names.indexOf(name) + 1, { show: !this.off.has(name) });
  }

  /** A sentence on what is seen. */
  describe(text) {
    mark(this.place, "aria-label", text);
  }

  redraw() {
    if (!this.plot) return;
    this.plot.batch(() => {
      this.plot.setData(this.data, false);
      this.plot.setScale("x", { min: this.#oldest(), max: this.newest });
    });
  }

  /** A program that began a moment ago has its minute, not ten that are empty. */
  #oldest() {
    return Math.max(this.newest - shown, Math.min(this.data[0][0], this.newest - 60));
  }

  #rebuild() {
    this.plot?.destroy();
    this.stamp?.remove();
    this.plot = null;
    if (this.names.length === 0) return;
    this.plot = new uPlot(this.#options(), this.data, this.place);
    this.stamp = element("output", { class: "stamp", "aria-live": "off" });
    this.place.append(this.stamp);
    this.redraw();
  }

  #options() {
    const axis = { stroke: colour("--soft"), font: `12px ${colour("--sans")}`, ticks: { show: false } };
    const grid = { stroke: colour("--grid"), width: 1 };
    return {
      width: this.place.clientWidth,
      height: this.place.clientHeight,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 }, sync: { key: "seconds" } },
      scales: { x: { time: true }, y: { range: (_, min, max) => this.look.range(min, max) } },
      axes: [
        { ...axis, grid: { show: false }, size: 28, space: 70, values: (_, ticks) => ticks.map((tick) => clock(tick)) },
        { ...axis, grid, size: this.look.gutter ?? 52, space: 34, values: (_, ticks) => ticks.map(this.look.value) },
      ],
      series: [{}, ...this.names.map((name, place) => this.#series(name, place))],
      hooks: {
        drawClear: [(plot) => this.look.under?.(plot, colour)],
        draw: [(plot) => this.look.over?.(plot, colour)],
        setCursor: [(plot) => this.#point(plot.cursor.idx ?? null)],
      },
    };
  }

  #point(index) {
    write(this.stamp, index === null ? "" : time(this.data[0][index] * 1000));
    this.look.cursor?.(index);
  }

  #series(name, place) {
    const fill = this.look.fill ? `${stroke(place)}22` : undefined;
    return { label: name, stroke: stroke(place), fill, dash: dash(place), width: 2, show: !this.off.has(name), points: { size: 5, fill: stroke(place), show: false, filter: alone } };
  }

  #resize() {
    this.plot?.setSize({ width: this.place.clientWidth, height: this.place.clientHeight });
  }

  /** Left and right move to the moment before and after; Escape lets go. */
  #key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (!this.plot || !(event.key in steps || event.key === "Escape")) return;
    event.preventDefault();
    const times = this.data[0];
    const at = this.plot.cursor.idx ?? times.length;
    const to = Math.max(0, Math.min(times.length - 1, at + (steps[event.key] ?? 0)));
    const left = event.key === "Escape" ? -10 : this.plot.valToPos(times[to], "x");
    this.plot.setCursor({ left, top: event.key === "Escape" ? -10 : 10 }, true, true);
  }
}

/** Of a series, the places of seconds without a neighbour: a line would not show them. */
function alone(plot, series) {
  const column = plot.data[series];
  const isEmpty = (at) => (column[at] ?? null) === null;
  return column.flatMap((_, at) => (!isEmpty(at) && isEmpty(at - 1) && isEmpty(at + 1) ? [at] : []));
}

const clock = (seconds) => time(seconds * 1000).replace(/:00$/, "");

/** The names of a chart below it: each a switch, with its line and its figure. */
export function legend(id, chart, rows) {
  list(byId(id), rows, (row) => row.key, (row) => legendRow(row, chart), (item, row) => {
    write(item.querySelector(".value"), row.value);
    mark(item.firstChild, "aria-pressed", !chart.off.has(row.key));
  });
}

/** A piece of a series' line: what ties a name to it. */
export function swatch(place) {
  const line = drawing("line", { x1: 0, y1: 5, x2: 22, y2: 5, "stroke-dasharray": dash(place).join(" ") || "none" });
  return drawing("svg", { class: `swatch series-${place % SERIES}`, width: 22, height: 10, "aria-hidden": "true" }, line);
}

function legendRow(row, chart) {
  const button = element("button", { type: "button", title: row.name }, swatch(row.place),
    element("span", { class: "name" }, row.name), element("span", { class: "value" }));
  button.addEventListener("click", () => {
    chart.toggle(row.key);
    mark(button, "aria-pressed", !chart.off.has(row.key));
  });
  return element("li", {}, button);
}

/** In place of a plot that has nothing to show. */
export function emptyPlot(id, isEmpty, ...words) {
  const place = byId(id);
  const note = place.querySelector(".plot-empty");
  if (!isEmpty) note?.remove();
  else if (!note) place.append(element("div", { class: "plot-empty" }, ...words));
}
