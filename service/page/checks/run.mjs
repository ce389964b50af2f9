// All checks, one after the other; the first that fails ends it.

import { Browser } from "./browser.mjs";
import { embedder } from "./embedder.mjs";
import { demand, figures, history, workers } from "./modules.mjs";
import { poold } from "./poold.mjs";
import { tabs } from "./tabs.mjs";

const at = process.argv.indexOf("--pictures");
const pictures = at < 0 ? null : process.argv[at + 1];
let failed = false;
let browser;
try {
  figures();
  history();
  demand();
  workers();
  browser = await Browser.start();
  for (const check of [embedder, poold, tabs]) await check(browser, pictures);
  console.log("service/page/check: all good");
} catch (error) {
  failed = true;
  console.error(`service/page/check: ${error.stack}`);
} finally {
  await browser?.stop();
}
process.exit(failed ? 1 : 0);
