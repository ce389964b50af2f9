// The page: one stream in, every part drawn once a second.

import { showArenas } from "./arenas.js";
import { showSpan } from "./chart.js";
import { followSizes, showConfiguration } from "./configuration.js";
import { heard, lost } from "./connection.js";
import { showDemand } from "./demand.js";
import { byId, write } from "./element.js";
import { showHitRate } from "./hit_rate.js";
import { History } from "./history.js";
import { showMisses } from "./misses.js";
import { addNotice, forgetNotices, showNotices, tooSmall } from "./notices.js";
import { showPools } from "./pools.js";
import { follow } from "./stream.js";
import { showThroughput } from "./throughput.js";
import { showTiles } from "./tiles.js";
import { forgetWorkers, recordWorkers, showWorkers } from "./workers.js";

let epoch = null;
let history = new History();
let state = null;

const on = {
  hello({ epoch: now, version, points_max: max }) {
    // A page that is open for months outlives a program: the next one has a page of its own.
    const known = byId("version").textContent;
    if (known !== "" && known !== version) location.reload();
    write(byId("version"), version);
    showConfiguration();
    if (now === epoch) return;
    // Another run of the program: nothing of the one before belongs to it.
    epoch = now;
    history = new History(max);
    forgetNotices();
    forgetWorkers();
  },
  point(point) {
    history.push(point);
  },
  notice: addNotice,
  state(now) {
    state = now;
    heard(now.at_ms);
    recordWorkers(now);
    followSizes(now);
    if (!document.hidden) requestAnimationFrame(draw);
  },
};

function draw() {
  showTiles(history, state);
  showNotices(state);
  showHitRate(history, state);
  showPools(state, tooSmall);
  showThroughput(history);
  showMisses(history, state);
  showWorkers();
  showArenas(state);
  showDemand(state);
}

document.addEventListener("visibilitychange", () => { if (!document.hidden && state) draw(); });
byId("span").addEventListener("change", (event) => showSpan(Number(event.target.value)));
follow("v1/live", Object.keys(on), { event: (name, data) => on[name](data), lost });
