// The page: its views, its keyboard shortcuts, and the status at its top.

import { reason } from "./api.js";
import { clock, h } from "./dom.js";
import { feed } from "./feed.js";
import { listen } from "./keys.js";
import { health, overall, POLLS } from "./state.js";
import { restore, toggle } from "./theme.js";
import { api } from "./views/api.js";
import { backends } from "./views/backends.js";
import { models } from "./views/models.js";
import { overview } from "./views/overview.js";
import { playground } from "./views/playground.js";
import { terminal } from "./views/terminal.js";

const VIEWS = [overview, backends, models, terminal, api, playground];
const at = (id) => document.getElementById(id);
const shown = new Map();

function current() {
  return VIEWS.find((view) => `#${view.id}` === location.hash) ?? overview;
}

/** Show the view of the address; each is created once and kept. */
function show() {
  const view = current();
  if (!shown.has(view)) shown.set(view, h("section.view", { id: `view-${view.id}`, "aria-labelledby": `title-${view.id}` },
    h("h1", { id: `title-${view.id}` }, view.title), view.make()));
  at("main").replaceChildren(shown.get(view));
  for (const link of at("views").children) link.setAttribute("aria-current", link.hash === `#${view.id}` ? "page" : "false");
  document.title = `${view.title} · Synapse`;
  view.shown?.();
}

function links() {
  return VIEWS.map((view, position) => h("a", { href: `#${view.id}` }, view.title, h("kbd", { "aria-hidden": "true" }, position + 1)));
}

function status() {
  const [state, word] = overall();
  const element = at("status");
  const text = health.isStale ? `${word} · stale` : word;
  element.dataset.state = state;
  if (element.textContent !== text) element.textContent = text;
  at("seen").textContent = health.at ? `checked ${clock(health.at)}` : "";
  element.title = health.error ? reason(health.error) : "";
}

function search() {
  if (!document.querySelector("main input[type=search]")) location.hash = "#models";
  requestAnimationFrame(() => document.querySelector("main input[type=search]")?.focus());
}

const refresh = () => POLLS.forEach((poll) => poll.refresh());
const help = () => at("keys").showModal();
const SHORTCUTS = {
  ...Object.fromEntries(VIEWS.map((view, position) => [position + 1, { label: view.title, run: () => { location.hash = view.id; } }])),
  r: { label: "Refresh", run: refresh },
  "/": { label: "Search", run: search },
  t: { label: "Light or dark", run: toggle },
  "?": { label: "Keyboard shortcuts", run: help },
};

function sessionEnded() {
  at("notice").hidden = false;
  at("notice").replaceChildren("Your session has ended. ", h("a", { href: "/dashboard/login" }, "Log in again"));
}

restore();
at("views").append(...links());
at("keys-list").append(...Object.entries(SHORTCUTS).flatMap(([key, { label }]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, label)]));
at("refresh").addEventListener("click", refresh);
at("theme").addEventListener("click", toggle);
at("help").addEventListener("click", help);
document.addEventListener("session-ended", sessionEnded);
addEventListener("hashchange", () => { show(); at("main").focus({ preventScroll: true }); });
listen(SHORTCUTS);
health.watch(status);
POLLS.forEach((poll) => poll.start());
feed.start();
show();
