// Figures as people read them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export const NONE = "–";
/** Between a figure and its unit: no line ends there. */
const GLUE = "\u00a0";

/** Exact below a hundred thousand, then three figures: 99,999, 1.25M. */
export const count = (number) => (Math.abs(number) < 1e5 ? whole : short).format(number);

/** To the last one: 1,250,000. */
export const exact = (number) => whole.format(number);

/** A share as percent, rounded down: what is not all is never shown as 100 %. */
export function percent(share) {
  if (share === null || share === undefined) return NONE;
  const digits = share >= 0.99 && share < 1 ? 2 : 1;
  const scale = 100 * 10 ** digits;
  return `${(Math.floor(share * scale + 1e-9) / 10 ** digits).toFixed(digits)}${GLUE}%`;
}

/** Of bytes, in powers of 1024. */
export function bytes(number) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (number >= 1024 && at < units.length - 1) [number, at] = [number / 1024, at + 1];
  return `${at === 0 || number >= 100 ? whole.format(number) : Number(number.toPrecision(3))}${GLUE}${units[at]}`;
}

/** Nanoseconds, three figures. */
export function nanoseconds(number) {
  if (number === null || number === undefined) return NONE;
  if (number >= 1e6) return `${(number / 1e6).toPrecision(3)}${GLUE}ms`;
  if (number >= 1e4) return `${(number / 1e3).toPrecision(3)}${GLUE}µs`;
  return `${number >= 100 ? whole.format(number) : number.toPrecision(3)}${GLUE}ns`;
}

export const time = (ms) => clock.format(ms);

/** The time, and the date where that is not today's: a page is open for days. */
export function moment(ms, now = Date.now()) {
  const isToday = new Date(ms).toDateString() === new Date(now).toDateString();
  return isToday ? time(ms) : `${day.format(ms)}, ${time(ms)}`;
}

/** With weekday, year and zone. */
export const date = (ms) => full.format(ms);

/** One buffer, two buffers. */
export const counted = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
