// Server-sent events, for ever. A browser's EventSource takes up a broken connection where it was, but
// gives up when it is refused, and does not notice a peer that is silently gone: both are seen to here.

const SILENCE_MS = 10_000;
const PAUSE_MS = 2000;

/** `on.event(name, data)` for each event, once; `on.lost()` when the connection breaks. */
export function follow(path, names, on) {
  let source = null;
  let heardAt = 0;
  let seen = { epoch: "", number: 0 };

  function take({ type, lastEventId, data }) {
    heardAt = performance.now();
    if (type !== "hello" && isKnown(lastEventId)) return;
    on.event(type, JSON.parse(data));
  }

  /** A connection that was begun anew is told everything again. */
  function isKnown(id) {
    const [epoch, number] = id.split("-");
    if (epoch === seen.epoch && Number(number) <= seen.number) return true;
    seen = { epoch, number: Number(number) };
    return false;
  }

  function connect() {
    source?.close();
    heardAt = performance.now();
    source = new EventSource(path);
    for (const name of names) source.addEventListener(name, take);
    source.addEventListener("error", on.lost);
  }

  connect();
  setInterval(() => {
    const isRefused = source.readyState === EventSource.CLOSED;
    if (!isRefused && performance.now() - heardAt < SILENCE_MS) return;
    on.lost();
    connect();
  }, PAUSE_MS);
}
