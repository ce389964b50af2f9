// The effective configuration, each value with its source.

import { byId, element } from "./element.js";
import { poolKey } from "./history.js";

const AGAIN_MS = 30_000;
let shown = "";
let sizes = null;
let isNew = false;

export async function showConfiguration() {
  const text = await read();
  if (text === shown) return;
  shown = text;
  byId("configuration").replaceChildren(text === null
    ? element("p", { class: "empty" }, "This program does not tell its configuration.")
    : tableOf(JSON.parse(text)));
}

/**
 * Reads it again when a pool has another size: at once, and with the next state, since a reload makes
 * its pools before its configuration holds.
 */
export function followSizes({ pools }) {
  const now = JSON.stringify(pools.map((pool) => [poolKey(pool), pool.size]));
  const changed = sizes !== null && sizes !== now;
  if (changed || isNew) showConfiguration();
  [sizes, isNew] = [now, changed];
}

async function read() {
  try {
    const answer = await fetch("v1/config", { cache: "no-store" });
    return answer.ok ? await answer.text() : null;
  } catch {
    // The connection's state says so already; what was read last still stands.
    return shown || null;
  }
}

function tableOf({ poold, pools }) {
  const head = ["Key", "Value", "Source"].map((name) => element("th", { scope: "col" }, name));
  const bodies = [...(poold.length > 0 ? [group("poold", poold)] : []), ...pools.map(({ name, settings }) => group(`pools.${name}`, settings))];
  return element("table", {}, element("thead", {}, element("tr", {}, ...head)), ...bodies);
}

function group(name, settings) {
  const title = element("tr", {}, element("th", { class: "group", scope: "rowgroup", colspan: 3 }, `[${name}]`));
  return element("tbody", {}, title, ...settings.map(({ key, value, source, adr }) => element("tr", {},
    element("th", { class: "key", scope: "row" }, key), element("td", {}, plain(value)),
    element("td", { class: "source" }, adr ? `${source}, ${adr}` : source))));
}

const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value));

setInterval(() => { if (!document.hidden) showConfiguration(); }, AGAIN_MS);
