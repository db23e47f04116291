"""Translation of a backend's error response into an error of the gateway."""

from typing import Any

import msgspec

from synapse_gateway.errors import (
    BackendTimeoutError,
    BadGatewayError,
    GatewayError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
)
from synapse_gateway.upstream.http import UpstreamResponse

MOST_BYTES = 64 * 1024
MOST_CHARACTERS = 2000


async def error_from_response(name: str, response: UpstreamResponse) -> GatewayError:
    """Return the error for a *response* of the backend *name* that is no success; its own message only below 500."""
    status = response.status
    if status == 503:
        return UnavailableError(f"{name} is not available (503)", retry_after_s=_retry_after(response))
    if status == 504:
        return BackendTimeoutError(f"{name} timed out waiting for its own upstream (504)")
    if status >= 500:
        return BadGatewayError(f"{name} failed with status {status}")
    if status < 400:
        return BadGatewayError(f"{name} sent unsupported status {status}", code="backend_bad_response")
    fields = _error_fields(await response.read(MOST_BYTES))
    if status == 429:
        return RateLimitedError(
            fields.message or f"{name} is over its rate limit (429)", retry_after_s=_retry_after(response)
        )
    return RefusedError(
        status,
        fields.message or f"{name} refused the request ({status})",
        code=fields.code,
        param=fields.param,
        type=fields.type,
    )


class ErrorFields(msgspec.Struct):
    """Fields of a backend's error; any of them may be missing."""

    message: str | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None


def _error_fields(data: bytes) -> ErrorFields:
    """Return the fields of OpenAI's `error` object, of Ollama's `error` string, or of FastAPI's `detail`."""
    try:
        content = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return ErrorFields()
    if not isinstance(content, dict):
        return ErrorFields()
    error = content.get("error", content.get("detail", content.get("message")))
    if isinstance(error, dict):
        return ErrorFields(*(_text(error.get(name)) for name in ("message", "type", "code", "param")))
    if isinstance(error, list) and error and isinstance(error[0], dict):
        location = ".".join(str(part) for part in error[0].get("loc", ()))
        return ErrorFields(message=_text(error[0].get("msg")), param=location or None)
    return ErrorFields(message=_text(error))


def _text(value: Any) -> str | None:  # noqa: ANN401 - JSON holds anything
    return str(value)[:MOST_CHARACTERS] if isinstance(value, str | int) and value != "" else None


def _retry_after(response: UpstreamResponse) -> float:
    value = response.header(b"retry-after") or ""
    return float(value) if value.isdigit() else 1.0
