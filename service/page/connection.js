// Whether what is shown is what is: stale figures are said to be stale.

import { byId, mark, write } from "./element.js";
import { date, moment } from "./format.js";

const STALE_MS = 3500;

let heardAt = null;
let sampledAt = null;
let isLost = false;

/** A sample of the server's time `at` has come. By this machine's clock: the server's may be off. */
export function heard(at) {
  [heardAt, sampledAt, isLost] = [performance.now(), at, false];
  show();
}

/** The connection broke. */
export function lost() {
  isLost = true;
  show();
}

function show() {
  const [state, text] = describe();
  mark(document.body, "data-connection", state);
  write(byId("connection-text"), text);
  if (sampledAt === null) return;
  write(byId("sampled"), `Sampled at ${moment(sampledAt)}`);
  for (const id of ["sampled", "connection-text"]) mark(byId(id), "title", date(sampledAt));
}

function describe() {
  if (heardAt === null) return ["connecting", isLost ? "No answer. Trying again…" : "Connecting…"];
  const age = performance.now() - heardAt;
  const since = `figures of ${moment(sampledAt)}`;
  if (isLost) return ["lost", `Connection lost, ${since}`];
  if (age > STALE_MS) return ["stale", `Stale, ${since}`];
  return ["live", "Live"];
}

setInterval(show, 1000);
