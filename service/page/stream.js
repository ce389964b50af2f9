// Server-sent events, read with fetch: an EventSource cannot send a token.

import { token } from "./token.js";

const SILENCE_MS = 10_000;
const PAUSE_MS = [500, 1000, 2000, 4000, 8000];

/**
 * Reads `path` for ever. `on.event(name, data)` for each event; `on.lost()` when it breaks off. After a
 * break it goes on where it was.
 */
export async function follow(path, on) {
  let last = null;
  let breaks = 0;
  const take = ({ name, id, data }) => {
    breaks = 0;
    last = id ?? last;
    on.event(name, JSON.parse(data));
  };
  for (;;) {
    try {
      await read(path, last, take);
    } catch (error) {
      if (error instanceof SyntaxError) console.error(error);
    }
    on.lost();
    const pause = PAUSE_MS[Math.min(breaks, PAUSE_MS.length - 1)];
    breaks += 1;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function read(path, last, take) {
  const stop = new AbortController();
  const headers = { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) };
  let watch;
  const heard = () => {
    clearTimeout(watch);
    watch = setTimeout(() => stop.abort(), SILENCE_MS);
  };
  heard();
  try {
    const answer = await token.fetch(path, { headers, cache: "no-store", signal: stop.signal }, () => clearTimeout(watch));
    if (!answer.ok) return;
    await events(answer.body.getReader(), take, heard);
  } finally {
    clearTimeout(watch);
    stop.abort();
  }
}

async function events(reader, take, heard) {
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    const parts = (rest + decoder.decode(value, { stream: true })).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const event = parse(part);
      if (event.data) take(event);
    }
  }
}

function parse(part) {
  const event = { name: "message", id: null, data: "" };
  for (const line of part.split("\n")) {
    const at = line.indexOf(": ");
    const [field, value] = [line.slice(0, at), line.slice(at + 2)];
    if (field === "event") event.name = value;
    if (field === "id") event.id = value;
    if (field === "data") event.data += value;
  }
  return event;
}
