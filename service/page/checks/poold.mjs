// The page of knhk-poold serve: empty, under load with a pool that is too small, after a restart with the
// size that it recommends.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server } from "./server.mjs";

const LINES = 4000;
const PREDICATES = 40;

const line = (number) => `<http://example.org/s${number}> <http://example.org/p${number % PREDICATES}> "value ${number}" .\n`;
const TRIPLES = Array.from({ length: LINES }, (_, number) => line(number)).join("");

export async function poold(browser, pictures) {
  const folder = await mkdtemp(join(tmpdir(), "knhk-page-"));
  const file = join(folder, "pools.toml");
  try {
    await size(file, 1);
    const server = await start(file, 0);
    const sight = await browser.open(server.address + "/");
    await empty(sight);
    const recommended = await tooSmall(sight, server, file);
    await late(sight, server);
    await resized(sight, server, file);
    await reloaded(sight, server, file, recommended);
    await photograph(browser, server, file, pictures);
    await restarted(sight, server, file, recommended);
    await sight.page.context().close();
    await guarded(browser, folder);
    await recording(browser, file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const start = (file, port, ...more) => Server.start(process.env.POOLD, ["serve", "--config", file, "--listen", `127.0.0.1:${port}`, ...more]);

const size = (file, buffers) => writeFile(file, `[poold]\nmonitor_interval_s = 1\n\n[pools.emit]\npool_size = ${buffers}\n`);

async function post(server, times) {
  for (let time = 0; time < times; time += 1) {
    const answer = await fetch(`${server.address}/v1/triples`, {
      method: "POST", body: TRIPLES, headers: { "Content-Type": "application/n-triples" },
    });
    assert.equal(answer.status, 200, await answer.text());
  }
}

/** Posts until `done`. */
async function work(server, until) {
  let isDone = false;
  const waited = until.finally(() => { isDone = true; });
  while (!isDone) await post(server, 1);
  return waited;
}

async function empty(sight) {
  await sight.isLive();
  await sight.wait("#hit-rate .plot-empty", "No acquire yet");
  await sight.wait(".notices .empty");
  await sight.isAccessible();
  assert.ok(await sight.page.locator("#demand-card").isHidden(), "no pool records");
  console.log("page: says that nobody has acquired yet, and how to begin");
}

async function tooSmall(sight, server, file) {
  await work(server, sight.wait(".alarm", "emit is too small"));
  const alarm = await sight.text(".alarm p");
  const recommended = Number(/has 1 buffer a thread; (\d+) would have held/.exec(alarm)?.[1]);
  assert.ok(recommended > 1, alarm);
  assert.ok(server.said.includes(`: ${recommended} buffers`), `standard error says the same size: ${server.said}`);
  await sight.wait(".notice code", `[pools.emit]\npool_size = ${recommended}`);
  await sight.wait(".pool[data-mood=bad] h3", "emit");
  await sight.wait("#configuration td.source", file);
  await work(server, sight.page.waitForFunction(() => document.querySelectorAll("#workers .worker").length > 0));

  const { pools, pipeline } = await server.json("/v1/pools");
  const emit = pools.find((pool) => pool.name === "emit");
  const triples = pipeline.workers.reduce((sum, worker) => sum + worker.triples, 0);
  assert.ok(triples >= LINES && triples % LINES === 0, `${triples} triples`);
  const exact = (number) => new Intl.NumberFormat("en", number < 1e5 ? {} : { notation: "compact", minimumSignificantDigits: 3, maximumSignificantDigits: 3 }).format(number);
  await sight.wait(".tile", `${exact(triples)} in all`);
  await sight.wait("#misses td", exact(emit.misses));
  await updates(sight);
  assert.deepEqual(sight.faults, [], "no error and no violation");
  console.log(`page: updates each second; says that emit is too small, and that ${recommended} buffers would have held`);
  return recommended;
}

/** Who comes late is not told totals since the beginning as what was done just now. */
async function late(sight, server) {
  const page = await sight.page.context().newPage();
  await page.addInitScript(() => {
    window.skews = [];
    const watch = () => {
      const skew = document.getElementById("skew");
      new MutationObserver(() => window.skews.push(skew.textContent)).observe(skew, { childList: true });
    };
    addEventListener("DOMContentLoaded", watch);
  });
  await page.goto(server.address + "/");
  await page.waitForFunction(() => window.skews.length >= 2);
  const [first, second] = await page.evaluate(() => window.skews);
  assert.doesNotMatch(first, /Triples of|Nothing/, "one sample says nothing about a while");
  assert.match(second, /^(Triples of|Nothing to do in) the last (second|\d+ seconds)\b/);
  await page.close();
  console.log("page: of a page that was just opened the workers' card says so");
}

/** Another size, and no acquire since: what was said of the old one is not said of it. */
async function resized(sight, server, file) {
  await size(file, 64);
  server.child.kill("SIGHUP");
  await sight.wait(".alarm", "It had 1 buffer a thread");
  await sight.wait(".alarm", "resized to 64");
  await sight.wait(".pool .mood", "Resized to 64");
  const row = sight.page.locator("#configuration tr", { hasText: "pool_size" });
  // Much sooner than the configuration is read anyway.
  await row.locator("td", { hasText: /^64$/ }).waitFor({ timeout: 25_000 });
  await size(file, 1);
  server.child.kill("SIGHUP");
  await sight.wait(".alarm", "It has 1 buffer a thread");
  await sight.wait(".pool .mood", "Too small");
  console.log("page: a pool of another size is not called too small for what the former was");
}

async function updates(sight) {
  for (let time = 0; time < 2; time += 1) {
    const before = await sight.text("#sampled");
    await sight.page.waitForFunction((text) => document.getElementById("sampled").textContent !== text, before);
  }
}

/** The recommended size takes effect without a restart, and the alarm goes. */
async function reloaded(sight, server, file, recommended) {
  await size(file, recommended);
  server.child.kill("SIGHUP");
  await work(server, sight.wait(".notice .badge", "Healthy again"));
  await sight.page.waitForFunction(() => document.querySelector(".alarm") === null);
  console.log("page: with the recommended size the alarm goes");
}

/** A pool that held, and then is made too small. */
async function photograph(browser, server, file, pictures) {
  if (!pictures) return;
  await loaded(server, 40);
  await size(file, 3);
  server.child.kill("SIGHUP");
  await loaded(server, 25);
  const looks = {
    light: { colorScheme: "light" },
    dark: { colorScheme: "dark" },
    phone: { colorScheme: "light", viewport: { width: 360, height: 780 }, deviceScaleFactor: 2 },
  };
  for (const [name, look] of Object.entries(looks)) {
    const seen = await browser.open(server.address + "/", look);
    await work(server, seen.page.waitForTimeout(3000));
    await seen.picture(pictures, name);
    if (name !== "phone") await seen.picture(pictures, `${name}-top`, { x: 0, y: 0, width: 1280, height: 1080 });
    await seen.close();
  }
}

const loaded = (server, seconds) => work(server, new Promise((resolve) => setTimeout(resolve, seconds * 1000)));

/** Stale figures are said to be stale; the next run begins anew; with the recommended size it is well. */
async function restarted(sight, server, file, recommended) {
  const { port } = server;
  await server.stop();
  await sight.wait('body[data-connection="lost"]');
  await sight.wait("#connection-text", "Connection lost, figures of ");
  await size(file, recommended);
  const next = await start(file, port);
  try {
    await sight.isLive();
    await sight.wait("#hit-rate .plot-empty", "No acquire yet");
    assert.equal(await sight.page.locator(".alarm").count(), 0, "the former run's alarm is gone");
    await work(next, sight.wait(".pool[data-mood=good] h3", "emit"));
    // Three intervals of the monitor, each with load.
    await work(next, sight.page.waitForTimeout(3500));
    assert.equal(await sight.page.locator(".alarm").count(), 0, `emit is well with ${recommended}: ${next.said}`);
  } finally {
    await next.stop();
  }
  console.log("page: stale figures are said to be stale, a new run begins anew, the recommended size holds");
}

/** A server that wants a token gives the page to who knows it, and to nobody else. */
async function guarded(browser, folder) {
  const [config, file] = [join(folder, "guarded.toml"), join(folder, "token")];
  const token = "correct-horse-battery-staple";
  await writeFile(config, "");
  await writeFile(file, token);
  const server = await start(config, 0, "--token-file", file);
  try {
    assert.equal((await fetch(server.address)).status, 401);
    const sight = await browser.open(server.address + "/", { httpCredentials: { username: "operator", password: token } });
    await sight.isLive();
    await sight.wait("#configuration th", "workers");
    await sight.close();
  } finally {
    await server.stop();
  }
  console.log("page: with a token as the browser's password it is live, without it is not given");
}

/** A pool that records shows which size it would have needed. */
async function recording(browser, file) {
  const arguments_ = ["serve", "--config", file, "--listen", "127.0.0.1:0"];
  const server = await Server.start(process.env.POOLD, arguments_, { KNHK_POOL_RECORD: "1" });
  try {
    const sight = await browser.open(server.address + "/");
    await post(server, 3);
    const { pools } = await server.json("/v1/pools");
    const { buffer_size: bytes, needed, beyond, depths } = pools.find((pool) => pool.name === "emit").demand;
    const acquires = needed.reduce((sum, number) => sum + number, beyond);
    let [size, served] = [0, 0];
    while (served < 0.99 * acquires) served += needed[size++];
    await sight.wait("#demand th", "emit");
    await sight.wait("#demand td", new Intl.NumberFormat("en").format(acquires));
    const row = await sight.page.locator("#demand tbody tr", { hasText: "emit" }).locator("td").allTextContents();
    assert.equal(row[1], String(depths.length), "out at once");
    assert.equal(row[3].replaceAll("\u00a0", " "), `${size} (${(size * bytes) / 1024} KiB)`, "for 99 %");
    await sight.isAccessible();
    await sight.close();
  } finally {
    await server.stop();
  }
  console.log("page: a pool that records shows the sizes that would have served it, and where none does nothing is shown");
}
