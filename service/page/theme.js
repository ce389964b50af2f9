// Light or dark: as the system says, or as was chosen here. It runs before anything is drawn, so that
// no page is white for a moment in the dark.
"use strict";

(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // Storage may be refused; then a choice lasts as long as the page.
  const remembered = () => {
    try { return localStorage.getItem("knhk-theme"); } catch { return null; }
  };
  const remember = (choice) => {
    try { localStorage.setItem("knhk-theme", choice); } catch { /* as above */ }
  };
  let choice = ["light", "dark"].includes(remembered()) ? remembered() : "system";

  const apply = () => {
    root.dataset.colours = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
    dispatchEvent(new Event("colours"));
  };
  apply();
  dark.addEventListener("change", apply);

  addEventListener("DOMContentLoaded", () => {
    const control = document.getElementById("theme");
    control.querySelector(`[value="${choice}"]`).checked = true;
    control.addEventListener("change", (event) => {
      choice = event.target.value;
      remember(choice);
      apply();
    });
  });
})();
