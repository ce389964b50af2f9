// The figures that one looks at first.

import { byId, element, list, mark, write } from "./element.js";
import { bytes, count, counted, exact, percent } from "./format.js";

const sum = (items, of) => items.reduce((total, item) => total + of(item), 0);

export function showTiles(history, { pools, arenas, pipeline }) {
  const seconds = [...history.pools.values()].map((pool) => pool.second).filter(Boolean);
  const acquires = sum(pools, (pool) => pool.hits + pool.misses + pool.exhausted);
  const acquiresNow = sum(seconds, (second) => second.acquires);
  const missesNow = sum(seconds, (second) => second.misses + second.exhausted);
  const rate = acquires > 0 ? sum(pools, (pool) => pool.hits) / acquires : null;
  const rateNow = acquiresNow > 0 ? sum(seconds, (second) => second.hits) / acquiresNow : null;
  const { queue, rejected, workers } = pipeline;
  const isFull = queue.capacity > 0 && queue.len >= queue.capacity;
  list(byId("tiles"), [
    { name: "Hit rate, all pools", figure: percent(rateNow), below: `${percent(rate)} over its life` },
    { name: "Acquires a second", figure: count(acquiresNow), below: `${count(acquires)} in all` },
    { name: "Misses a second", figure: count(missesNow), below: `${count(sum(pools, (pool) => pool.misses + pool.exhausted))} in all` },
    { name: "Triples a second", figure: count(history.triples.at(-1) ?? 0), below: `${count(sum(workers, (worker) => worker.triples))} in all` },
    { name: "Waiting", figure: exact(queue.len), below: `of ${count(queue.capacity)}, ${count(rejected)} refused`, mood: isFull ? "bad" : "" },
    { name: "Memory held", figure: bytes(sum(pools, (pool) => pool.bytes) + sum(arenas, (arena) => arena.capacity + arena.heap_bytes)), below: `${counted(pools.length, "pool")}, ${counted(arenas.length, "arena")}` },
  ], (tile) => tile.name, make, update);
}

function make(tile) {
  return element("div", { class: "tile" }, element("dt", {}, tile.name),
    element("dd", { class: "figure" }), element("dd", { class: "below" }));
}

function update(node, tile) {
  write(node.querySelector(".figure"), tile.figure);
  write(node.querySelector(".below"), tile.below);
  mark(node, "data-mood", tile.mood ?? "");
}
