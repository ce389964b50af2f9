// The token that a server may ask for: kept as long as the tab, sent in a header, never in an address.

import { byId } from "./element.js";

const KEY = "knhk-token";

function kept() {
  try { return sessionStorage.getItem(KEY); } catch { return null; }
}

let text = kept();
let asking = null;

function ask() {
  asking ??= new Promise((resolve) => {
    const form = byId("token");
    form.hidden = false;
    byId("token-refused").hidden = text === null;
    byId("token-text").focus();
    form.onsubmit = (event) => {
      event.preventDefault();
      text = byId("token-text").value;
      try { sessionStorage.setItem(KEY, text); } catch { /* then it lasts as long as the page */ }
      byId("token-text").value = "";
      form.hidden = true;
      asking = null;
      resolve();
    };
  });
  return asking;
}

export const token = {
  /** As fetch; where the server wants a token, it asks for one first, and tells `waits` so. */
  async fetch(path, options = {}, waits = () => {}) {
    for (;;) {
      const headers = { ...options.headers, ...(text !== null && { Authorization: `Bearer ${text}` }) };
      const answer = await fetch(path, { ...options, headers });
      if (answer.status !== 401) return answer;
      waits();
      await ask();
    }
  },
};
