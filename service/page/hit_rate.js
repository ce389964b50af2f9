// Each pool's hit rate over time, with the line below which it is too small.

import { Chart, emptyPlot, legend } from "./chart.js";
import { element } from "./element.js";
import { percent } from "./format.js";
import { poolKey } from "./history.js";

let thresholds = [90];
let pointed = null;
let shown = null;

const chart = new Chart("hit-rate", {
  value: (number) => `${number}\u00a0%`,
  range: (min) => [Math.max(0, Math.min(Math.floor(((min ?? 100) - 3) / 10) * 10, Math.min(...thresholds) - 10)), 100.5],
  under: (plot, colour) => {
    const { ctx, bbox } = plot;
    const top = plot.valToPos(Math.min(...thresholds), "y", true);
    ctx.save();
    ctx.fillStyle = colour("--bad-soft");
    ctx.globalAlpha = 0.55;
    ctx.fillRect(bbox.left, top, bbox.width, Math.max(0, bbox.top + bbox.height - top));
    ctx.restore();
  },
  over: (plot, colour) => {
    for (const threshold of thresholds) line(plot, threshold, colour);
  },
  cursor: (index) => {
    pointed = index;
    if (shown) names(shown);
  },
});

function line({ ctx, bbox, valToPos }, threshold, colour) {
  const y = Math.round(valToPos(threshold, "y", true));
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("--bad");
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([6 * devicePixelRatio, 5 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.textAlign = "left";
  ctx.font = `600 ${11 * devicePixelRatio}px ${colour("--sans")}`;
  label(ctx, `warns below ${threshold} %`, bbox.left + 6 * devicePixelRatio, y + 14 * devicePixelRatio, colour("--surface"));
  ctx.restore();
}

/** Legible where lines run behind it. */
function label(ctx, text, x, y, ground) {
  ctx.setLineDash([]);
  ctx.lineWidth = 4 * devicePixelRatio;
  ctx.lineJoin = "round";
  ctx.strokeStyle = ground;
  ctx.strokeText(text, x, y);
  ctx.fillText(text, x, y);
}

export function showHitRate(history, state) {
  const used = state.pools.filter((pool) => pool.hit_rate !== null);
  const warned = used.map((pool) => Math.round(pool.hit_rate_warning * 1000) / 10);
  thresholds = warned.length > 0 ? [...new Set(warned)] : [90];
  emptyPlot("hit-rate", used.length === 0, ...invitation());
  const none = new Array(history.times.length).fill(null);
  const columns = used.map((pool) => history.pools.get(poolKey(pool))?.rates ?? none);
  chart.show(used.map(poolKey), [history.times, ...columns], history.newest);
  shown = { used, columns };
  names(shown);
  const worst = used.filter((pool) => pool.hit_rate < pool.hit_rate_warning).map((pool) => pool.name);
  chart.describe(`Hit rate of ${used.length} pools over time. ${worst.length > 0 ? `Below their line over their life: ${worst.join(", ")}.` : "All above their line over their life."} Left and right arrows move through time.`);
}

/** With a moment pointed at, the figures are that moment's. */
function names({ used, columns }) {
  legend("hit-rate-legend", chart, used.map((pool, place) => {
    const then = columns[place][pointed] ?? null;
    const rate = pointed === null ? pool.interval_hit_rate : then && then / 100;
    return { key: poolKey(pool), name: pool.name, place, value: percent(rate) };
  }));
}

function invitation() {
  const command = `curl -H 'Content-Type: application/n-triples' --data-binary @file.nt ${location.origin}/v1/triples`;
  return [element("strong", {}, "No acquire yet"), element("span", {}, "Send triples, and this fills: "), element("code", {}, command)];
}
