// Calls of the API. The session's cookie authorises them, together with the header that only this origin's scripts send.

const SCRIPT = { "X-Synapse-Dashboard": "1" };

/** What the API answered instead of a result; `code` and `param` as its envelope has them. */
export class ApiError extends Error {
  constructor(status, error) {
    super(error.message ?? `the gateway answered ${status}`);
    this.status = status;
    this.code = error.code ?? null;
    this.param = error.param ?? null;
  }
}

/** The answer to a call, once it is a good one; throws ApiError, and TypeError where nobody answers. */
export async function call(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: { ...SCRIPT, ...options.headers } });
  if (answer.ok) return answer;
  const error = await envelope(answer);
  if (answer.status === 401) document.dispatchEvent(new CustomEvent("session-over"));
  throw new ApiError(answer.status, error);
}

export async function json(path, options) {
  return (await call(path, options)).json();
}

/** Send `value` as JSON. */
export function send(method, path, value, options = {}) {
  return call(path, { ...options, method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });
}

/** One line that says what went wrong. */
export function reason(error) {
  if (error instanceof ApiError) return error.code ? `${error.message} (${error.code})` : error.message;
  return error instanceof TypeError ? "the gateway cannot be reached" : String(error.message ?? error);
}

async function envelope(answer) {
  try {
    return (await answer.json()).error ?? {};
  } catch {
    return {};
  }
}
