// Calls of the API, authorized by the session cookie and a header that only scripts of this origin can send.

const SCRIPT = { "X-Synapse-Dashboard": "1" };

/** Error response of the API, with the `code` and `param` of its body. */
export class ApiError extends Error {
  constructor(status, error) {
    super(error.message ?? `the gateway responded with status ${status}`);
    this.status = status;
    this.code = error.code ?? null;
    this.param = error.param ?? null;
  }
}

/** Return a successful response. Throws ApiError, and TypeError if the gateway cannot be reached. */
export async function call(path, options = {}) {
  const response = await fetch(path, { ...options, headers: { ...SCRIPT, ...options.headers } });
  if (response.ok) return response;
  const error = await envelope(response);
  if (response.status === 401) document.dispatchEvent(new CustomEvent("session-ended"));
  throw new ApiError(response.status, error);
}

export async function json(path, options) {
  return (await call(path, options)).json();
}

/** Send `value` as JSON. */
export function send(method, path, value, options = {}) {
  return call(path, { ...options, method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });
}

/** Return the error as one line of text. */
export function reason(error) {
  if (error instanceof ApiError) return error.code ? `${error.message} (${error.code})` : error.message;
  return error instanceof TypeError ? "the gateway cannot be reached" : String(error.message ?? error);
}

async function envelope(response) {
  try {
    return (await response.json()).error ?? {};
  } catch {
    return {};
  }
}
