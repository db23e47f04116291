// Data of the views, requested in one place.

import { call, json } from "./api.js";
import { History } from "./metrics.js";
import { Poll } from "./poll.js";

const history = new History();

export const health = new Poll(async () => {
  const startedAt = performance.now();
  const response = await json("/health");
  return { ...response, tookMs: performance.now() - startedAt };
}, 30_000);
export const routes = new Poll(() => json("/api/backend-routes"), 300_000);
export const models = new Poll(async () => {
  await routes.ready();
  return (await json(canSwitch() ? "/models" : "/v1/models")).data;
}, 15_000);
export const metrics = new Poll(async () => history.add(await (await call("/metrics")).text()), 5_000);

/** Models of all backends; requested once the playground is opened. */
export const catalog = new Poll(async () => (await json("/v1/models")).data, 60_000);
export const POLLS = [health, routes, models, metrics];

/** Tell if a backend loads and unloads models; without one, models have no state. */
export function canSwitch() {
  const groups = Object.values(routes.value ?? {}).flatMap((backend) => backend.groups);
  return groups.some(({ routes: group }) => group.some(({ path }) => path === "/models/load"));
}

/** Return the state of the gateway and its text. */
export function overall() {
  if (health.error && !health.value) return ["bad", "unreachable"];
  if (!health.value) return ["unknown", "checking"];
  return health.value.status === "healthy" ? ["good", "healthy"] : ["warn", health.value.status];
}
