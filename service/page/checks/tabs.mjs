// Many tabs, most of them hidden: a browser allows six connections to a host.

import assert from "node:assert/strict";
import { Server } from "./server.mjs";

const TABS = 7;

/** Older than what the page calls the last ten seconds. */
const LONG_AGO_MS = 11_500;

export async function tabs(browser) {
  const server = await Server.start(process.env.POOLD, ["serve", "--listen", "127.0.0.1:0"]);
  try {
    await hidden(browser, server);
    await seventh(browser, server);
  } finally {
    await server.stop();
  }
}

/** A driver's tabs are never hidden, so they are told so. */
const hide = (page, isHidden) => page.evaluate((hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}, isHidden);

/** Follows the stream beside the page, with the page's own module, and keeps what it is given. */
const follow = (page) => page.evaluate(async () => {
  const { follow: own } = await import(new URL("page/stream.js", location.href));
  window.points = [];
  window.streams = [];
  window.EventSource = class extends EventSource {
    constructor(path) {
      super(path);
      window.streams.push(this);
    }
  };
  const event = (name, data) => { if (name === "point") window.points.push(data.at_ms); };
  own("v1/live", ["hello", "point", "state"], { event, lost() {} });
});

/** The moments of all points that a new viewer is told. */
async function told(server) {
  const abort = new AbortController();
  const { body } = await fetch(`${server.address}/v1/live`, { signal: abort.signal });
  let text = "";
  for await (const piece of body.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (/event: state\n[^]*\n\n/.test(text)) break;
  }
  abort.abort();
  return [...text.matchAll(/event: point\n.*\ndata: (.*)\n/g)].map(([, data]) => JSON.parse(data).at_ms);
}

async function hidden(browser, server) {
  const sight = await browser.open(server.address + "/");
  const { page } = sight;
  await sight.isLive();
  await follow(page);
  await page.waitForFunction(() => window.points.length > 0);
  await hide(page, true);
  await page.waitForFunction(() => window.streams.at(-1).readyState === EventSource.CLOSED);
  const body = "<http://e/s> <http://e/p> <http://e/o> .\n".repeat(100);
  const answer = await fetch(`${server.address}/v1/triples`, { method: "POST", body, headers: { "Content-Type": "application/n-triples" } });
  assert.equal(answer.status, 200, await answer.text());
  const now = async () => (await server.json("/v1/pools")).at_ms;
  const done = await now();
  while (await now() < done + LONG_AGO_MS) await page.waitForTimeout(250);
  const seen = await page.evaluate(() => window.points.length);
  await page.evaluate(() => {
    window.skews = [];
    const skew = document.getElementById("skew");
    new MutationObserver(() => window.skews.push(skew.textContent)).observe(skew, { childList: true });
  });
  await hide(page, false);
  await page.waitForFunction((before) => window.points.length > before, seen);
  await sight.isLive();
  const all = await told(server);
  await page.waitForFunction((last) => window.points.includes(last), all.at(-1));
  const points = await page.evaluate(() => window.points);
  assert.deepEqual(points.slice(0, all.length), all, "each second once, and none is missing");
  await page.waitForFunction(() => window.skews.some((text) => text.startsWith("Nothing to do")));
  const skews = await page.evaluate(() => window.skews);
  assert.ok(!skews.some((text) => text.startsWith("Triples of")), `what was done while it was hidden is over: ${skews}`);
  await sight.close();
  console.log("page: hidden it lets its stream go; shown again it has every second once, and workers as they are now");
}

/** All in one window: a context of its own would have connections of its own. */
async function seventh(browser, server) {
  const sight = await browser.open(server.address + "/");
  await sight.isLive();
  await hide(sight.page, true);
  for (let tab = 2; tab <= TABS; tab += 1) {
    const page = await sight.page.context().newPage();
    await page.goto(server.address + "/");
    await page.locator('body[data-connection="live"]').waitFor();
    if (tab < TABS) await hide(page, true);
  }
  await sight.close();
  console.log(`page: of ${TABS} tabs in one window the one that is shown is live`);
}
