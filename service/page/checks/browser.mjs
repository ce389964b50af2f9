// Chromium, and pages that note everything that goes wrong on them.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const drivers = createRequire(process.env.DRIVERS);
const { chromium } = drivers("playwright-core");

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** For what must come; a machine may be slow, but not that slow. */
export const PATIENCE_MS = 60_000;

export class Browser {
  static async start() {
    const made = new Browser();
    made.chromium = await chromium.launch({ executablePath: process.env.BROWSER, args: FLAGS });
    return made;
  }

  stop() {
    return this.chromium.close();
  }

  /** A page at `address`, as `options` want it: size, colours, motion, password. */
  async open(address, options = {}) {
    const context = await this.chromium.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const faults = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => faults.push(`error: ${error.stack}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(address) && !request.url().startsWith("data:")) faults.push(`asks ${request.url()}`);
    });
    await page.exposeFunction("noteFault", (text) => faults.push(text));
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => window.noteFault(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
    await page.goto(address);
    return new Sight(page, faults);
  }
}

/** A page, and what went wrong on it. */
export class Sight {
  constructor(page, faults) {
    this.page = page;
    this.faults = faults;
  }

  async close() {
    assert.deepEqual(this.faults, [], "no error, warning, foreign request or violation of the policy");
    await this.page.context().close();
  }

  text(selector) {
    return this.page.locator(selector).first().textContent();
  }

  /** Until `selector` is seen with `text` in it. */
  async wait(selector, text = "") {
    await this.page.locator(selector, { hasText: text }).first().waitFor();
  }

  async isLive() {
    await this.wait('body[data-connection="live"]');
  }

  /** Rules of WCAG 2 A and AA and good practice, by axe. */
  async isAccessible() {
    await this.page.evaluate(drivers("axe-core").source);
    const found = await this.page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    const told = found.violations.map((rule) => `${rule.id}: ${rule.help}: ${rule.nodes.map((node) => node.html).join(" | ")}`);
    assert.deepEqual(told, [], "accessible");
  }

  /** Nothing is wider than the window, but for what scrolls by itself. */
  async fits(width) {
    const wide = await this.page.evaluate((limit) => {
      const inside = [...document.querySelectorAll("body *")].filter((node) => !node.closest(".scroll table, .skip, .hidden"));
      const out = inside.filter((node) => node.getBoundingClientRect().right > limit + 0.5);
      return { page: document.documentElement.scrollWidth, out: out.map((node) => node.outerHTML.slice(0, 120)) };
    }, width);
    assert.deepEqual(wide, { page: width, out: [] }, `fits into ${width} px`);
  }

  async picture(folder, name, clip) {
    if (folder) await this.page.screenshot({ path: `${folder}/${name}.png`, fullPage: true, ...(clip && { clip }) });
  }
}
