// Why acquires were not served from the pool, pool by pool.

import { byId } from "./element.js";
import { count } from "./format.js";
import { poolKey } from "./history.js";
import { table } from "./table.js";

const COLUMNS = [
  { name: "Pool" },
  { name: "Heap served", isNumber: true },
  { name: "Refused", isNumber: true },
  { name: "Outgrew it", isNumber: true },
  { name: "Taken away", isNumber: true },
];

export function showMisses(history, state) {
  const rows = state.pools.map((pool) => {
    const second = history.pools.get(poolKey(pool))?.second;
    const cell = (total, now) => ({ text: count(total), small: now > 0 ? ` (${count(now)})` : "", mood: now > 0 ? "some" : "" });
    const cells = [
      cell(pool.misses, second?.misses), cell(pool.exhausted, second?.exhausted),
      cell(pool.grown, second?.grown), cell(pool.detached, 0),
    ];
    return { key: poolKey(pool), name: pool.name, cells };
  });
  table(byId("misses"), COLUMNS, rows);
}
