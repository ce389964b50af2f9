// Server-sent events, for ever. A browser's EventSource takes up a broken connection where it was, but
// gives up when it is refused, and does not notice a peer that is silently gone: both are seen to here.
//
// A browser allows six connections to a host, over all its tabs, and a seventh waits without a word. So a
// tab that is hidden lets its stream go, and takes it up when it is shown: the server tells ten minutes again,
// and what is known is dropped. What is left: of seven that are shown at once, in windows of their own, one waits.

const SILENCE_MS = 10_000;
const PAUSE_MS = 2000;
/** Who goes through tabs looks at each for less, and none of them begins anew. */
const HIDDEN_MS = 4000;

/** `on.event(name, data)` for each event, once; `on.lost()` when the connection breaks. */
export function follow(path, names, on) {
  let source = null;
  let rest = null;
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

  function look() {
    clearTimeout(rest);
    if (document.hidden) rest = setTimeout(disconnect, HIDDEN_MS);
    else if (source === null) connect();
  }

  function disconnect() {
    source.close();
    source = null;
  }

  connect();
  look();
  document.addEventListener("visibilitychange", look);
  setInterval(() => {
    if (source === null) return;
    const isRefused = source.readyState === EventSource.CLOSED;
    if (!isRefused && performance.now() - heardAt < SILENCE_MS) return;
    on.lost();
    connect();
  }, PAUSE_MS);
}
