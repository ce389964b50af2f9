// The named arenas.

import { byId } from "./element.js";
import { bytes, count, percent } from "./format.js";
import { table } from "./table.js";

const COLUMNS = [
  { name: "Arena" },
  { name: "In use", isNumber: true },
  { name: "High water", isNumber: true },
  { name: "Capacity", isNumber: true },
  { name: "Allocations", isNumber: true },
  { name: "Overflows", isNumber: true },
  { name: "On the heap", isNumber: true },
];

export function showArenas({ arenas }) {
  byId("arenas-card").hidden = arenas.length === 0;
  table(byId("arenas"), COLUMNS, arenas.map((arena) => ({
    key: arena.name,
    name: arena.name,
    cells: [
      { text: percent(arena.utilization) }, { text: bytes(arena.high_water) }, { text: bytes(arena.capacity) },
      { text: count(arena.allocations) }, { text: count(arena.overflows), mood: arena.overflows > 0 ? "some" : "" },
      { text: bytes(arena.heap_bytes) },
    ],
  })));
}
