// Line charts of the last minutes, in SVG.

import { h, svg } from "./dom.js";
import { MAX_POINTS } from "./metrics.js";

const WIDTH = 480;
const HEIGHT = 120;
const LEFT = 2;
const STEPS = [1, 2, 2.5, 5, 10];

/** Return a chart of `lines` ({key, label}) and its function `draw(points)`; `write` formats a value. */
export function chart(title, lines, write) {
  const drawing = svg("svg.chart", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const top = h("span.chart-top.muted");
  const legend = h("div.legend", {}, lines.map(({ label }, position) => h("span", { "data-line": position }, label, " ", h("b", {}, "–"))));
  const figure = h("figure.card.figure", { role: "img", "aria-label": title },
    h("figcaption", {}, h("h3", {}, title), legend), h("div.plot", {}, top, drawing), h("div.ends.muted", { "aria-hidden": "true" }, h("span", {}, "5 min ago"), h("span", {}, "now")));
  const draw = (points) => {
    const most = ceiling(Math.max(0, ...lines.flatMap(({ key }) => points.map((point) => point[key]).filter(Number.isFinite))));
    top.textContent = write(most);
    drawing.replaceChildren(grid(), ...lines.flatMap(({ key }, position) => line(points, key, most, position)));
    const now = lines.map(({ key }) => write(points.at(-1)?.[key] ?? NaN));
    legend.querySelectorAll("b").forEach((value, position) => { value.textContent = now[position]; });
    figure.setAttribute("aria-label", `${title}: ${lines.map(({ label }, position) => `${label} ${now[position]}`).join(", ")}`);
  };
  draw([]);
  return { element: figure, draw };
}

function grid() {
  const rows = [0.5, HEIGHT / 2, HEIGHT - 0.5];
  return svg("g.grid", {}, rows.map((y) => svg("line", { x1: LEFT, x2: WIDTH, y1: y, y2: y })));
}

/** Return the area and the line of one key, with gaps where it has no value. */
function line(points, key, most, position) {
  const across = (index) => WIDTH - ((points.length - 1 - index) * (WIDTH - LEFT)) / (MAX_POINTS - 1);
  const down = (value) => HEIGHT - 2 - (value / most) * (HEIGHT - 6);
  const runs = [[]];
  points.forEach((point, index) => {
    if (Number.isFinite(point[key])) runs.at(-1).push([across(index), down(point[key])]);
    else if (runs.at(-1).length) runs.push([]);
  });
  return runs.filter((run) => run.length).flatMap((run) => {
    const path = run.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
    const lone = run.length === 1 ? `M${path}h1.5` : `M${path}`;
    const area = `M${run[0][0]} ${HEIGHT}L${path}L${run.at(-1)[0]} ${HEIGHT}Z`;
    return [
      position === 0 && svg("path.area", { d: area, "data-line": position }),
      svg("path.line", { d: lone, "data-line": position }),
    ].filter(Boolean);
  });
}

/** Return the smallest round number not below `value`. */
export function ceiling(value) {
  if (!(value > 0)) return 1;
  const magnitude = 10 ** Math.floor(Math.log10(value));
  return magnitude * STEPS.find((step) => step * magnitude >= value);
}
