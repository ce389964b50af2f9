// How evenly the workers share the work.

import { byId, element, list, mark, write } from "./element.js";
import { count, exact, NONE } from "./format.js";

/** Ten seconds; what comes each second comes a little late at times. */
const WINDOW_MS = 10_500;

/** What each worker had done since it began, at the moments of the window. */
let samples = [];

/** Takes every sample, also while nothing is drawn: else what is drawn next would be of long ago. */
export function recordWorkers({ at_ms: at, pipeline }) {
  const totals = pipeline.workers.filter((worker) => worker.active).map((worker) => worker.triples);
  const last = samples.at(-1);
  const goesOn = last !== undefined && last.totals.length === totals.length && last.at < at;
  samples = goesOn ? samples.filter((sample) => at - sample.at <= WINDOW_MS) : [];
  samples.push({ at, totals });
}

/** The next sample is of another run of the program. */
export function forgetWorkers() {
  samples = [];
}

/** What each has done within the window, and how long that is: unknown of a single sample. */
export function lately() {
  if (samples.length === 0) return { ms: 0, done: [] };
  const [first, last] = [samples[0], samples.at(-1)];
  const done = last.totals.map((total, index) => Math.max(0, total - first.totals[index]));
  return { ms: last.at - first.at, done: samples.length > 1 ? done : done.map(() => null) };
}

export function showWorkers() {
  const { ms, done } = lately();
  const most = Math.max(...done, 0);
  const rows = done.map((triples, index) => ({ index, triples, share: most > 0 ? triples / most : 0 }));
  list(byId("workers"), rows, (row) => row.index, make, update);
  write(byId("skew"), ms > 0 ? verdict(ms, done, most) : "What each does, from the second sample on.");
}

function verdict(ms, done, most) {
  const seconds = Math.max(1, Math.round(ms / 1000));
  const span = seconds === 1 ? "second" : `${seconds} seconds`;
  const total = done.reduce((sum, triples) => sum + triples, 0);
  if (total === 0) return `Nothing to do in the last ${span}.`;
  const skew = (most * done.length) / total;
  return `Triples of the last ${span}. The busiest had ${skew.toFixed(2)} times its even share.`;
}

function make({ index }) {
  return element("li", { class: "worker" }, element("span", {}, `Worker ${index + 1}`),
    element("div", { class: "track", "aria-hidden": "true" }, element("div", { class: "fill" })),
    element("span", { class: "count" }));
}

function update(row, { triples, share }) {
  row.querySelector(".fill").style.setProperty("--share", `${100 * share}%`);
  write(row.lastChild, triples === null ? NONE : count(triples));
  mark(row.lastChild, "title", triples === null ? "not known yet" : `${exact(triples)} triples`);
}
