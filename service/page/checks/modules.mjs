// The modules that need no page: how figures are written, and what becomes of seconds.

import assert from "node:assert/strict";
import { smallest } from "../demand.js";
import { bytes, count, moment, nanoseconds, NONE, percent } from "../format.js";
import { History } from "../history.js";
import { lately, recordWorkers } from "../workers.js";

export function figures() {
  const plain = (text) => text.replaceAll("\u00a0", " ");
  assert.equal(percent(1), "100.0\u00a0%");
  assert.equal(plain(percent(0.99999)), "99.99 %", "what is not all is not 100 %");
  assert.equal(plain(percent(0.9)), "90.0 %");
  assert.equal(plain(percent(0.29)), "29.0 %", "0.29 in binary is a little less");
  assert.equal(percent(null), NONE);
  assert.deepEqual([0, 1023, 1536, 1 << 20, 300 * 1024].map(bytes).map(plain), ["0 B", "1,023 B", "1.5 KiB", "1 MiB", "300 KiB"]);
  assert.deepEqual([0, 99_999, 123_456].map(count), ["0", "99,999", "123K"]);
  assert.deepEqual([0.5, 12.34, 9999, 12_345, 2e6].map(nanoseconds).map(plain), ["0.500 ns", "12.3 ns", "9,999 ns", "12.3 µs", "2.00 ms"]);
  const [evening, night] = [new Date(2026, 10, 26, 23, 59, 59), new Date(2026, 10, 27, 0, 0, 1)].map(Number);
  assert.equal(moment(evening, evening), "23:59:59");
  assert.match(moment(evening, night), /26.*, 23:59:59$/, "what was before midnight is of another day");
  assert.match(moment(evening, evening + 365 * 86_400_000), /26.*, 23:59:59$/, "and so is the same day a year ago");
  console.log("page: figures are written as people read them");
}

export function demand() {
  // 60 acquires that one buffer serves, 35 that two do, 5 that need four.
  const needed = [60, 35, 0, 5];
  assert.deepEqual([60, 61, 95, 95.5, 100, 101].map((acquires) => smallest(needed, acquires)), [1, 2, 2, 4, 4, null]);
  console.log("page: the smallest size that serves so much is the smallest");
}

export function workers() {
  const sample = (second, ...triples) => recordWorkers({
    at_ms: 1000 * second, pipeline: { workers: [...triples.map((done) => ({ active: true, triples: done })), { active: false, triples: 9 }] },
  });
  sample(1, 26_000, 14_000);
  assert.deepEqual(lately(), { ms: 0, done: [null, null] }, "totals are no work of the last ten seconds");
  sample(2, 26_000, 14_500);
  assert.deepEqual(lately(), { ms: 1000, done: [0, 500] });
  for (let second = 3; second < 20; second += 1) sample(second, 26_000, 14_500 + second);
  assert.deepEqual(lately(), { ms: 10_000, done: [0, 10] }, "ten seconds, whatever was before");
  sample(40, 90_000, 90_000);
  assert.deepEqual(lately().done, [null, null], "what was done in a gap may be long ago");
  sample(41, 90_001, 90_002);
  sample(42, 90_002);
  assert.deepEqual(lately().done, [null], "another number of workers begins anew");
  sample(3, 90_003);
  assert.deepEqual(lately().done, [null], "and so does a clock that is set back");
  console.log("page: workers' shares are of ten seconds, or not known");
}

export function history() {
  const seen = new History(5);
  const point = (second, hits, misses) => ({
    at_ms: 1000 * second, span_ms: 1000, triples: 10, stages: { load: { ns: 60, runs: 3 }, reflex: { ns: 0, runs: 0 } },
    pools: hits + misses > 0 ? [{ kind: "buffer", name: "p", hits, misses, exhausted: 0, grown: 0 }] : [],
  });
  seen.push(point(1, 0, 0));
  seen.push(point(2, 3, 1));
  seen.push(point(3, 0, 0));
  assert.deepEqual(seen.pools.get("buffer p").rates, [null, 75, null], "a second without an acquire has no rate");
  assert.deepEqual([seen.stages.load[1], seen.stages.reflex[1]], [20, null]);
  seen.push(point(60, 1, 0));
  assert.deepEqual(seen.times, [1, 2, 3, 59, 60]);
  assert.deepEqual(seen.triples, [10, 10, 10, null, 10], "a pause is a gap, not a line");
  for (let second = 61; second < 1000; second += 1) seen.push(point(second, 1, 1));
  const lengths = [seen.times, seen.triples, seen.stages.emit, seen.pools.get("buffer p").rates].map((column) => column.length);
  assert.ok(new Set(lengths).size === 1 && lengths[0] <= 65, `columns stay together, and short: ${lengths}`);
  assert.equal(seen.times.at(-1), 999);

  const reset = new History(5);
  for (const second of [7201, 7202, 3600, 3601]) reset.push(point(second, 1, 0));
  assert.deepEqual(reset.times, [3598, 3599, 3600, 3601], "a clock that is set back moves what was before");
  assert.deepEqual(reset.triples, [10, 10, 10, 10]);
  console.log("page: seconds are kept in step, gaps are gaps, old ones go, and a clock may be set back");
}
