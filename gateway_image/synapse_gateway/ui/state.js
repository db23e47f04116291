// What the views show, asked for in one place.

import { call, json } from "./api.js";
import { History } from "./metrics.js";
import { Poll } from "./poll.js";

const history = new History();

export const health = new Poll(async () => {
  const began = performance.now();
  const found = await json("/health");
  return { ...found, tookMs: performance.now() - began };
}, 30_000);
export const routes = new Poll(() => json("/api/backend-routes"), 300_000);
export const models = new Poll(async () => {
  await routes.ready();
  return (await json(canSwitch() ? "/models" : "/v1/models")).data;
}, 15_000);
export const metrics = new Poll(async () => history.add(await (await call("/metrics")).text()), 5_000);

/** Every model that can be asked for; it is looked at from the moment somebody wants to try one. */
export const catalog = new Poll(async () => (await json("/v1/models")).data, 60_000);
export const POLLS = [health, routes, models, metrics];

/** Whether there is a backend that loads and unloads models; without one the list has no states. */
export function canSwitch() {
  const groups = Object.values(routes.value ?? {}).flatMap((backend) => backend.groups);
  return groups.some(({ routes: listed }) => listed.some(({ path }) => path === "/models/load"));
}

/** A word and a light for the whole. */
export function overall() {
  if (health.error && !health.value) return ["bad", "unreachable"];
  if (!health.value) return ["unknown", "looking"];
  return health.value.status === "healthy" ? ["good", "healthy"] : ["warn", health.value.status];
}
