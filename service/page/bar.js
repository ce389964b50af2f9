// A pool's memory at a glance: in use, idle, room, and the most that one thread ever had out.
//
//   [■■■■ in use ▒▒▒▒▒ idle ·······|▨▨▨▨ beyond ▎]
//                                capacity      high water
//
// In use and idle are sums over threads, and drawn as shares of the sum of their capacities; the high
// water is one thread's, and drawn as a share of one thread's size. So all have one scale: 100 % is full.

import { element, mark, write } from "./element.js";
import { count } from "./format.js";

const PARTS = ["room", "idle", "in-use", "beyond", "high"];

export function makeBar() {
  const bar = element("div", { class: "bar", role: "meter", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": "In use" },
    ...PARTS.map((part) => element("span", { class: part })));
  const key = (name) => element("li", { class: name }, element("i", { "aria-hidden": "true" }), element("span"));
  return element("div", {}, bar, element("ul", { class: "keys" }, key("in-use"), key("idle"), key("high")));
}

export function fillBar(node, pool) {
  const share = (number, of) => (of > 0 ? number / of : 0);
  const used = share(pool.in_use, pool.capacity);
  const held = share(pool.in_use + pool.idle, pool.capacity);
  const high = share(pool.high_water, pool.size);
  const full = Math.max(1, used, held, high);
  const bar = node.firstChild;
  const span = (part, from, to) => {
    const { style } = bar.querySelector(`.${part}`);
    style.setProperty("--from", `${(100 * from) / full}%`);
    style.setProperty("--to", `${(100 * to) / full}%`);
  };
  span("room", 0, 1);
  span("in-use", 0, used);
  span("idle", used, held);
  span("beyond", 1, Math.max(1, high));
  bar.querySelector(".beyond").hidden = high <= 1;
  span("high", high, high);
  bar.querySelector(".high").hidden = pool.high_water === 0;
  mark(bar, "aria-valuenow", Math.round(100 * Math.min(1, used)));
  words(node, pool, high > 1);
}

function words(node, pool, isBeyond) {
  const [used, idle, high] = node.lastChild.children;
  figures(used, pool.in_use, " in use of ", pool.capacity);
  figures(idle, pool.idle, " idle");
  figures(high, pool.high_water, pool.kind === "buffer" ? " at most on one thread, of " : " at most at once, of ", pool.size);
  high.classList.toggle("beyond", isBeyond);
  mark(node.firstChild, "aria-valuetext", [...node.lastChild.children].map((key) => key.textContent).join(", "));
}

function figures(key, number, text, of) {
  const place = key.lastChild;
  const all = `${count(number)}${text}${of === undefined ? "" : count(of)}`;
  if (place.textContent === all) return;
  place.replaceChildren(element("b", {}, count(number)), all.slice(count(number).length));
}
