// The page of a program with pools of its own: what hostile names do to it, and how it serves people.

import assert from "node:assert/strict";
import { Server } from "./server.mjs";

export async function embedder(browser) {
  const server = await Server.start(process.env.EMBEDDER, ["127.0.0.1:0"]);
  try {
    await names(browser, server);
    await workers(browser, server);
    await days(browser, server);
    await keyboard(browser, server);
    await colours(browser, server);
    await phone(browser, server);
    await updated(browser, server);
  } finally {
    await server.stop();
  }
}

async function names(browser, server) {
  const sight = await browser.open(server.address + "/");
  await sight.isLive();
  await sight.wait(".alarm", "answers is too small");
  const { pools } = await server.json("/v1/pools");
  const hostile = pools.find((pool) => pool.name.includes("<script>"));
  assert.ok(hostile, "the embedder has a hostile name");
  await sight.wait(".pool h3", hostile.name);
  await sight.wait("#hit-rate-legend", hostile.name);
  await sight.wait("#misses th", hostile.name);
  await sight.wait("#configuration th", hostile.name);
  assert.match(await sight.page.title(), /^Pools/, "no name ran as a script");
  const grown = await sight.page.evaluate(() => [document.querySelectorAll("img").length, document.querySelectorAll("body script").length]);
  assert.deepEqual(grown, [1, 0], "no name became an element");
  await sight.isAccessible();
  await sight.close();
  console.log("page: hostile names are text; no policy violation, no console error, accessible");
  await planted(browser, server);
}

/** What the check above would see if a name did become markup. */
async function planted(browser, server) {
  const sight = await browser.open(server.address + "/");
  await sight.isLive();
  await sight.page.evaluate(() => {
    const name = "<img src=x onerror=\"document.title='owned'\"><i style=\"color:red\"></i>";
    document.querySelector("main").insertAdjacentHTML("beforeend", name);
  });
  while (!sight.faults.some((fault) => /policy: script-src-attr/.test(fault))) await sight.page.waitForTimeout(50);
  assert.ok(sight.faults.some((fault) => /policy: style-src-attr/.test(fault)), "a style of its own is noticed");
  assert.notEqual(await sight.page.title(), "owned", "the policy stops what the code would not");
  await sight.page.context().close();
  console.log("page: planted markup is noticed, and does not run");
}

/** An embedder's workers work, without a word from it. */
async function workers(browser, server) {
  const sight = await browser.open(server.address + "/");
  await sight.wait("#skew", "Triples of the last");
  assert.equal(await sight.page.locator("#workers .worker").count(), 2);
  await sight.close();
  console.log("page: an embedder's workers are shown");
}

/** What is of another day says so: the page is open for days. */
async function days(browser, server) {
  const sight = await browser.open(server.address + "/");
  await sight.wait(".notice .badge", "Too small");
  const { page } = sight;
  const time = page.locator(".notice time").first();
  const at = Date.parse(await time.getAttribute("datetime"));
  // Midnight may have come since.
  await page.clock.setFixedTime(at);
  await page.waitForFunction(() => /^\d\d:\d\d:\d\d$/.test(document.querySelector(".notice time").textContent));
  await page.clock.setFixedTime(at + 3 * 86_400_000);
  const [day, year] = await page.evaluate((ms) => [
    new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" }).format(ms), String(new Date(ms).getFullYear()),
  ], at);
  await sight.wait(".notice time", `${day}, `);
  assert.ok((await time.getAttribute("title")).includes(year), "the whole date, where one points");
  await sight.wait("#sampled", `Sampled at ${day}, `);
  await sight.close();
  console.log("page: events and figures of another day have their date");
}

async function keyboard(browser, server) {
  const sight = await browser.open(server.address + "/");
  await sight.isLive();
  await sight.wait("#hit-rate-legend button", "answers");
  await sight.wait("#configuration th", "pool_size");
  const { page } = sight;
  const wanted = await page.evaluate(() => {
    const all = [...document.querySelectorAll("a[href], button, input, [tabindex='0']")];
    const stops = all.filter((node) => !node.closest("[hidden]") && (node.type !== "radio" || node.checked));
    stops.forEach((node, at) => { node.dataset.stop = at; });
    return stops.length;
  });
  const reached = new Set();
  for (let press = 0; press < wanted + 5; press += 1) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.dataset.stop));
  }
  reached.delete(undefined);
  assert.equal(reached.size, wanted, "Tab reaches every control");

  await page.focus("#hit-rate");
  await page.keyboard.press("ArrowLeft");
  await sight.wait("#hit-rate .stamp", ":");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.querySelector("#hit-rate .stamp").textContent === "");

  const button = page.locator("#hit-rate-legend button", { hasText: "answers" });
  await button.focus();
  await page.keyboard.press("Space");
  assert.equal(await button.getAttribute("aria-pressed"), "false", "a line is taken off");

  await page.focus('#theme input[value="system"]');
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await sight.wait('html[data-colours="dark"]');
  await page.reload();
  await sight.wait('html[data-colours="dark"]');
  await sight.close();
  console.log("page: Tab reaches every control, arrows move through time, a theme is remembered");
}

async function colours(browser, server) {
  for (const colorScheme of ["light", "dark"]) {
    const sight = await browser.open(server.address + "/", { colorScheme, reducedMotion: "reduce" });
    await sight.isLive();
    await sight.wait(`html[data-colours="${colorScheme}"]`);
    const [ground, motion] = await sight.page.evaluate(() => [
      getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number)[0],
      getComputedStyle(document.querySelector(".card")).transitionDuration,
    ]);
    assert.equal(ground < 64, colorScheme === "dark", `${colorScheme} is ${colorScheme}`);
    assert.equal(motion, "0s", "nothing moves for who does not want it");
    await sight.wait(".alarm");
    // Contrast among others.
    await sight.isAccessible();
    await sight.close();
  }
  console.log("page: light and dark as the system says, each with enough contrast; no motion where unwanted");
}

async function phone(browser, server) {
  const sight = await browser.open(server.address + "/", { viewport: { width: 360, height: 780 }, isMobile: true, hasTouch: true });
  await sight.isLive();
  await sight.wait(".alarm");
  await sight.wait("#arenas th", "turn");
  await sight.fits(360);
  await sight.close();
  console.log("page: fits a phone of 360 px");
}

/** A page whose program was replaced by another version loads that one's page. */
async function updated(browser, server) {
  const sight = await browser.open(server.address + "/");
  await sight.isLive();
  const { page } = sight;
  const body = 'event: hello\ndata: {"epoch":1,"version":"0.0.0","points_max":600}\n\n';
  await page.route("**/v1/live", (route) => route.fulfill({ contentType: "text/event-stream", body }), { times: 1 });
  let loads = 0;
  page.on("load", () => { loads += 1; });
  await page.reload();
  while (loads < 2) await page.waitForTimeout(50);
  await sight.isLive();
  assert.notEqual(await sight.text("#version"), "0.0.0");
  await sight.close();
  console.log("page: loads itself again when the program is another version");
}
