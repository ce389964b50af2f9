// Ten minutes of seconds, in columns, as charts want them.

const STAGES = ["load", "reflex", "emit"];
const GAP_MS = 3000;

export const poolKey = (pool) => `${pool.kind} ${pool.name}`;

export class History {
  constructor(max = 600) {
    this.max = max;
    this.times = [];
    this.triples = [];
    this.stages = Object.fromEntries(STAGES.map((stage) => [stage, []]));
    /** By key: rates, and what the newest second held. */
    this.pools = new Map();
  }

  /** Adds a second. After a pause there is a gap, not a line across it. */
  push(point) {
    if (this.newest * 1000 >= point.at_ms) this.#setBack(point.at_ms - point.span_ms);
    const last = this.times.at(-1);
    if (last !== undefined && point.at_ms - last * 1000 > GAP_MS + point.span_ms) this.#row(point.at_ms - point.span_ms, null);
    this.#row(point.at_ms, point);
    if (this.times.length > this.max + 60) this.#trim();
  }

  /** The clock was set back: the seconds before, which it called later, are moved to end at `before`. */
  #setBack(before) {
    const ahead = this.newest - before / 1000;
    this.times = this.times.map((time) => time - ahead);
  }

  get newest() {
    return this.times.at(-1);
  }

  #row(at, point) {
    const index = this.times.push(at / 1000) - 1;
    this.triples.push(point && (point.triples * 1000) / point.span_ms);
    for (const stage of STAGES) {
      const { ns, runs } = point?.stages[stage] ?? { ns: 0, runs: 0 };
      this.stages[stage].push(runs > 0 ? ns / runs : null);
    }
    for (const pool of this.pools.values()) {
      pool.rates.push(null);
      pool.second = null;
    }
    for (const seen of point?.pools ?? []) this.#pool(seen, index, point.span_ms);
  }

  #pool(seen, index, span) {
    const key = poolKey(seen);
    if (!this.pools.has(key)) {
      this.pools.set(key, { kind: seen.kind, name: seen.name, rates: new Array(index + 1).fill(null), second: null });
    }
    const pool = this.pools.get(key);
    const acquires = seen.hits + seen.misses + seen.exhausted;
    pool.rates[index] = acquires > 0 ? (100 * seen.hits) / acquires : null;
    const each = (number) => (number * 1000) / span;
    pool.second = {
      acquires: each(acquires), hits: each(seen.hits), misses: each(seen.misses),
      exhausted: each(seen.exhausted), grown: each(seen.grown),
    };
  }

  #trim() {
    const columns = [this.times, this.triples, ...Object.values(this.stages)];
    for (const pool of this.pools.values()) columns.push(pool.rates);
    const extra = this.times.length - this.max;
    for (const column of columns) column.splice(0, extra);
  }
}
