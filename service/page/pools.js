// One card a pool.

import { fillBar, makeBar } from "./bar.js";
import { swatch } from "./chart.js";
import { byId, element, list, mark, write } from "./element.js";
import { bytes, count, NONE, percent } from "./format.js";
import { poolKey } from "./history.js";

const FACTS = ["Hands out", "Memory", "Threads", "Acquires by thread", "Hit rate by thread"];

export function showPools(state, tooSmall) {
  const used = state.pools.filter((pool) => pool.hit_rate !== null);
  const pools = state.pools.map((pool) => ({ ...pool, mood: mood(pool, tooSmall), place: used.indexOf(pool) }));
  const order = ({ mood: [name] }) => ["bad", "resized", "good", "none"].indexOf(name);
  pools.sort((a, b) => order(a) - order(b));
  list(byId("pools"), pools, poolKey, make, update);
}

/** The server's own judgement, which waits for enough acquires and has hysteresis. */
function mood(pool, tooSmall) {
  if (pool.hit_rate === null) return ["none", "No acquire yet"];
  const fall = tooSmall.get(poolKey(pool));
  if (fall === undefined) return ["good", "Healthy"];
  if (fall.size !== pool.size) return ["resized", `Resized to ${count(pool.size)}, no recovery yet`];
  return ["bad", "Too small"];
}

function make(pool) {
  const figure = (name) => element("div", {}, element("dt", {}, name), element("dd"));
  const facts = FACTS.flatMap((name) => [element("dt", {}, name), element("dd")]);
  return element("li", { class: "card pool" },
    element("header", {}, element("span", { class: "line" }), element("h3", { title: pool.name }, pool.name),
      element("span", { class: "mood" })),
    element("dl", { class: "rates" }, figure("Hit rate now"), figure("Over its life")),
    makeBar(), element("dl", { class: "facts" }, ...facts));
}

function update(card, pool) {
  const [name, text] = pool.mood;
  mark(card, "data-mood", name);
  write(card.querySelector(".mood"), text);
  tie(card.querySelector(".line"), pool.place);
  const [now, life] = card.querySelectorAll(".rates dd");
  write(now, percent(pool.interval_hit_rate));
  write(life, percent(pool.hit_rate));
  fillBar(card.children[2], pool);
  const { acquires, hit_rate: rates } = pool.spread;
  const texts = [
    pool.kind === "buffer" ? "buffers" : "objects", bytes(pool.bytes), count(pool.threads),
    acquires === null ? NONE : between(acquires, count),
    rates === null ? NONE : between(rates, percent),
  ];
  card.querySelectorAll(".facts dd").forEach((node, at) => write(node, texts[at]));
}

/** The line of the chart that is this pool's. */
function tie(node, place) {
  if (node.dataset.place === String(place)) return;
  node.dataset.place = place;
  node.replaceChildren(...(place < 0 ? [] : [swatch(place)]));
}

function between(ends, format) {
  const [least, most] = ends.map(format);
  return least === most ? least : `${least}–${most}`;
}
