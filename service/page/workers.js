// How evenly the workers share the work.

import { byId, element, list, mark, write } from "./element.js";
import { count, exact } from "./format.js";

const SECONDS = 10;
let seen = [];

export function showWorkers({ at_ms: at, pipeline }) {
  const workers = pipeline.workers.filter((worker) => worker.active);
  if (seen.at(-1)?.totals.length !== workers.length) seen = [];
  seen.push({ at, totals: workers.map((worker) => worker.triples) });
  seen = seen.slice(-SECONDS - 1);
  const first = seen.length > 1 ? seen[0].totals : workers.map(() => 0);
  const done = workers.map((worker, at) => Math.max(0, worker.triples - first[at]));
  const most = Math.max(...done, 0);
  const rows = done.map((triples, index) => ({ index, triples, share: most > 0 ? triples / most : 0 }));
  list(byId("workers"), rows, (row) => row.index, make, update);
  write(byId("skew"), verdict(done, most));
}

/** After a break in the stream, differences would span it. */
export function forgetWorkers() {
  seen = [];
}

function verdict(done, most) {
  const total = done.reduce((sum, triples) => sum + triples, 0);
  if (total === 0) return "Nothing to do in the last ten seconds.";
  const skew = (most * done.length) / total;
  return `Triples of the last ten seconds. The busiest had ${skew.toFixed(2)} times its even share.`;
}

function make({ index }) {
  return element("li", { class: "worker" }, element("span", {}, `Worker ${index + 1}`),
    element("div", { class: "track", "aria-hidden": "true" }, element("div", { class: "fill" })),
    element("span", { class: "count" }));
}

function update(row, { triples, share }) {
  row.querySelector(".fill").style.setProperty("--share", `${100 * share}%`);
  write(row.lastChild, count(triples));
  mark(row.lastChild, "title", `${exact(triples)} triples`);
}
