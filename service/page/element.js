// Elements and their text. Whatever a pool is named, it becomes a text node or an attribute's value,
// never markup.

const SVG = "http://www.w3.org/2000/svg";

/** The children that `list` made, by key, of each parent. */
const lists = new WeakMap();

export const byId = (id) => document.getElementById(id);

/** An element with these attributes and children; a child that is no node is text. */
export function element(name, attributes = {}, ...children) {
  return dressed(document.createElement(name), attributes, children);
}

/** The same in a drawing. */
export function drawing(name, attributes = {}, ...children) {
  return dressed(document.createElementNS(SVG, name), attributes, children);
}

function dressed(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Sets the text, if it is another: a screen reader is not told what it knows. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets an attribute, if it is another. */
export function mark(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/**
 * Makes `parent` show `items`, one child each, in their order: a child stays with its key, so that
 * focus and selection survive. `make(item)` gives an element, `update(element, item)` fills it.
 */
export function list(parent, items, key, make, update) {
  const known = lists.get(parent);
  const rows = new Map();
  for (const item of items) {
    const id = key(item);
    rows.set(id, known?.get(id) ?? make(item));
    update(rows.get(id), item);
  }
  lists.set(parent, rows);
  const wanted = [...rows.values()];
  if (wanted.length !== parent.childNodes.length || wanted.some((row, at) => row !== parent.childNodes[at])) {
    parent.replaceChildren(...wanted);
  }
}
