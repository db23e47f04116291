// Creation of elements and formatting of values. Text is always set as text, so that no text of a backend becomes markup.

const SVG = "http://www.w3.org/2000/svg";

/** Create an element: `h("p.muted", {id: "x", onclick: f}, "text", child)`. */
export function h(name, attributes = {}, ...children) {
  return fill(document, name, attributes, children);
}

/** Create an SVG element. */
export function svg(name, attributes = {}, ...children) {
  return fill({ createElement: (tag) => document.createElementNS(SVG, tag) }, name, attributes, children);
}

function fill(maker, name, attributes, children) {
  const [tag, ...classes] = name.split(".");
  const element = maker.createElement(tag);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(attributes)) set(element, key, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function set(element, key, value) {
  if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
  else if (value === true) element.setAttribute(key, "");
  else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
}

/** Create a button with the text `name`. */
export function button(name, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, name);
}

/** Create a control with its label and an optional hint. */
export function field(label, control, hint) {
  control.id ||= `f${(field.count = (field.count ?? 0) + 1)}`;
  return h("div.field", {}, h("label", { for: control.id }, label), control, hint ? h("small.muted", {}, hint) : null);
}

/** Create a colored state indicator with its text. */
export function led(state, text) {
  return h("span.led", { "data-state": state }, text);
}

const NUMBERS = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export function number(value, unit = "") {
  return Number.isFinite(value) ? NUMBERS.format(value) + unit : "–";
}

/** Format seconds in a suitable unit. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${seconds < 10 ? NUMBERS.format(seconds) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Format the time of day of a date, or of a value that converts to one. */
export function clock(when) {
  const date = new Date(when);
  return Number.isNaN(date.getTime()) ? "--:--:--" : date.toLocaleTimeString("en-GB");
}
