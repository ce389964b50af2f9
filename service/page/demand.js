// What the pools that record were asked for, and which sizes would have served it.

import { byId } from "./element.js";
import { bytes, count, NONE } from "./format.js";
import { poolKey } from "./history.js";
import { table } from "./table.js";

const RATES = [0.95, 0.99, 0.999];

const COLUMNS = [
  { name: "Pool" },
  { name: "Acquires", isNumber: true },
  { name: "Out at once", isNumber: true },
  ...RATES.map((rate) => ({ name: `For ${100 * rate} %`, isNumber: true })),
];

export function showDemand({ pools }) {
  const recording = pools.filter((pool) => pool.demand);
  byId("demand-card").hidden = recording.length === 0;
  table(byId("demand"), COLUMNS, recording.map((pool) => ({ key: poolKey(pool), name: pool.name, cells: cells(pool.demand) })));
}

function cells(demand) {
  const acquires = sum(demand.needed) + demand.beyond;
  // Where it was more than is counted, it is not known.
  const most = demand.deeper === 0 ? count(demand.depths.length) : NONE;
  const sizes = RATES.map((rate) => {
    const size = smallest(demand.needed, rate * acquires);
    return size === null ? { text: NONE } : { text: count(size), small: ` (${bytes(size * demand.buffer_size)})` };
  });
  return [{ text: count(acquires) }, { text: most }, ...(acquires > 0 ? sizes : RATES.map(() => ({ text: NONE })))];
}

/** The smallest size that serves so many acquires; `needed[i]` are those that need one of i + 1. */
export function smallest(needed, acquires) {
  let served = 0;
  for (const [at, more] of needed.entries()) {
    served += more;
    if (served >= acquires) return at + 1;
  }
  return null;
}

const sum = (numbers) => numbers.reduce((all, number) => all + number, 0);
