// Tables whose rows stay where they are.

import { element, list, mark, write } from "./element.js";

/** Below `place`: columns are `{ name, isNumber }`, rows `{ key, name, cells: [{ text, small, mood }] }`. */
export function table(place, columns, rows) {
  if (!place.firstChild) {
    const head = columns.map(({ name, isNumber }) => element("th", { scope: "col", class: isNumber ? "number" : "" }, name));
    place.append(element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody")));
  }
  const make = (row) => element("tr", {}, element("th", { scope: "row", title: row.name }, element("span", { class: "clamp" }, row.name)),
    ...columns.slice(1).map(() => element("td", {}, element("span"), element("small"))));
  list(place.firstChild.tBodies[0], rows, (row) => row.key, make, (node, row) => {
    row.cells.forEach(({ text, small = "", mood = "" }, at) => {
      const cell = node.children[at + 1];
      write(cell.firstChild, text);
      write(cell.lastChild, small);
      mark(cell, "class", `${columns[at + 1].isNumber ? "number" : "source"} ${mood}`.trim());
    });
  });
}
