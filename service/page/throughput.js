// Triples a second, and what each stage takes of a run.

import { Chart, emptyPlot, legend } from "./chart.js";
import { element } from "./element.js";
import { count, nanoseconds } from "./format.js";

const STAGES = ["load", "reflex", "emit"];
const MINUTE = 60;
/** Times the usual: what is above is cut off. */
const CUT = 4;
const fromZero = (_, max) => [0, max > 0 ? max * 1.08 : 1];

const throughput = new Chart("throughput", { value: count, range: fromZero, fill: true });

let pointed = null;
let shown = null;
const stages = new Chart("stages", {
  gutter: 64,
  value: (number) => (number === 0 ? "0" : nanoseconds(number)),
  range: (_, max) => fromZero(0, Math.min(max ?? 0, usual() || Infinity)),
  cursor: (index) => {
    pointed = index;
    if (shown) names(shown);
  },
});

/** Of the last minute's seconds in which the stage was timed; a thread may lose its core in any of them. */
function median(column) {
  const timed = column.slice(-MINUTE).filter((ns) => ns !== null).sort((a, b) => a - b);
  return timed[Math.floor(timed.length / 2)] ?? null;
}

/** A few seconds in which a thread lost its core would flatten all others. */
const usual = () => CUT * Math.max(...STAGES.map((stage) => median(shown?.stages[stage] ?? []) ?? 0));

export function showThroughput(history) {
  const hasWorked = history.triples.some((triples) => triples > 0);
  emptyPlot("throughput", !hasWorked, element("strong", {}, "No triple yet"));
  throughput.show(["triples"], [history.times, history.triples], history.newest);
  throughput.describe(`Triples a second over time, ${count(history.triples.at(-1) ?? 0)} in the last second.`);
  const isTimed = STAGES.some((stage) => history.stages[stage].some((ns) => ns !== null));
  emptyPlot("stages", !isTimed, element("strong", {}, "No batch yet"));
  shown = history;
  stages.show(STAGES, [history.times, ...STAGES.map((stage) => history.stages[stage])], history.newest);
  names(history);
}

function names(history) {
  const at = (column) => (pointed === null ? median(column) : column[pointed]);
  const rows = STAGES.map((stage, place) => ({ key: stage, name: stage, place, value: nanoseconds(at(history.stages[stage])) }));
  legend("stages-legend", stages, rows);
  stages.describe(`Nanoseconds a run: ${rows.map((row) => `${row.name} ${row.value}`).join(", ")}.`);
}
