// What the process reported, and which pools are too small now.

import { byId, element, list, write } from "./element.js";
import { count, counted, date, moment, percent } from "./format.js";
import { poolKey } from "./history.js";

const MAX = 100;
const notices = new Map();
let last = 0;
/** The fall that still holds, by pool. */
const fallen = new Map();

/** What was said of the pools that were warned of and have not recovered, by key. */
export const tooSmall = fallen;

export function forgetNotices() {
  notices.clear();
  fallen.clear();
}

export function addNotice(notice) {
  const known = understand(notice);
  last += 1;
  notices.set(last, known);
  if (notices.size > MAX) notices.delete(notices.keys().next().value);
  if (known.what === "fell") fallen.set(known.pool, known);
  if (known.what === "recovered") fallen.delete(known.pool);
}

export function showNotices({ pools }) {
  const sizes = new Map(pools.map((pool) => [poolKey(pool), pool.size]));
  const alarms = [...fallen.values()].map((known) => ({ ...known, now: sizes.get(known.pool) ?? known.size }));
  list(byId("alarms"), alarms, ({ pool, at, now }) => `${pool} ${at} ${now}`, alarm, () => {});
  const newest = [...notices.entries()].reverse();
  if (newest.length === 0) newest.push(["none", null]);
  list(byId("notices"), newest, ([key]) => key, ([, known]) => row(known), update);
}

/** What a hit rate's event says; any other as it is. */
function understand({ at_ms: at, name, level, message, attributes }) {
  const match = /^knhk\.(buffer|object)_pool\.(low_hit_rate|hit_rate_recovered)$/.exec(name);
  if (!match) return { at, what: "event", level, name, message };
  const [, kind, event] = match;
  const of = (key) => attributes[`knhk.${kind}_pool.${key}`];
  return {
    at, kind, what: event === "low_hit_rate" ? "fell" : "recovered", pool: `${kind} ${of("name")}`, name: of("name"),
    rate: attributes["knhk.hit_rate.value"], threshold: attributes["knhk.hit_rate.threshold"],
    exhausted: attributes["knhk.hit_rate.exhausted"], size: of("size"), recommended: of("recommended_size"),
  };
}

/** `verb`: what is told of a moment that is over *had* that size. */
function need(known, verb) {
  const things = known.kind === "buffer" ? "buffer" : "object";
  const each = known.kind === "buffer" ? " a thread" : "";
  const refused = `${counted(known.exhausted, "acquire")} refused, and ${count(known.recommended)} the next to try`;
  const remedy = known.exhausted > 0 ? refused : `${count(known.recommended)} would have held`;
  return `It ${verb} ${counted(known.size, things)}${each}; ${remedy}.`;
}

/** Of a pool that has another size by now, its judge has said nothing yet. */
function alarm(known) {
  const isResized = known.now !== known.size;
  const then = isResized ? ` It was resized to ${count(known.now)}, and no recovery is seen yet.` : "";
  const text = element("p", {}, element("strong", {}, `${known.name} ${isResized ? "was" : "is"} too small. `),
    `${percent(known.rate)} of its acquires were hits, below ${percent(known.threshold)}. ${need(known, isResized ? "had" : "has")}${then}`);
  return element("div", { class: "alarm" }, text, ...(known.kind === "buffer" ? [copyButton(known)] : []));
}

function row(known) {
  if (known === null) return element("li", { class: "empty" }, "Nothing has happened.");
  const shapes = {
    fell: () => ["bad", "Too small", `${known.name}: ${percent(known.rate)}, below ${percent(known.threshold)}. ${need(known, "had")}`],
    recovered: () => ["good", "Healthy again", `${known.name}: ${percent(known.rate)}.`],
    event: () => [known.level === "WARN" || known.level === "ERROR" ? "bad" : "none", known.name, known.message],
  };
  const [mood, badge, text] = shapes[known.what]();
  const body = element("div", {}, element("span", { class: "badge" }, badge), element("p", {}, text));
  if (known.what === "fell" && known.kind === "buffer") {
    body.append(element("p", { class: "remedy" }, element("code", {}, toml(known)), copyButton(known)));
  }
  const time = element("time", { datetime: new Date(known.at).toISOString(), title: date(known.at) });
  return element("li", { class: "notice", "data-mood": mood }, time, body);
}

/** Today's events are yesterday's after midnight. */
function update(item, [, known]) {
  if (known !== null) write(item.firstChild, moment(known.at));
}

/** A JSON string is a TOML string, but for one character. */
const key = (name) => /^[\w-]+$/.test(name) ? name : JSON.stringify(name).replaceAll("\u007f", "\\u007f");
const toml = ({ name, recommended }) => `[pools.${key(name)}]\npool_size = ${recommended}`;

function copyButton(known) {
  const button = element("button", { type: "button", class: "button" }, "Copy TOML");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(toml(known));
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copying is not allowed";
    }
    setTimeout(() => { button.textContent = "Copy TOML"; }, 2000);
  });
  return button;
}
