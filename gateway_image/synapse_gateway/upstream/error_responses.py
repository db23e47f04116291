"""What a backend said instead of an answer, as an error of the gateway's own shape."""

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
from synapse_gateway.upstream.http import Answer

MOST_BYTES = 64 * 1024
MOST_CHARACTERS = 2000


async def refusal(name: str, answer: Answer) -> GatewayError:
    """The error for an *answer* of the backend *name* that is no success; its own words only below 500."""
    if answer.status == 503:
        return UnavailableError(f"{name} is not available", retry_after_s=_retry_after(answer))
    if answer.status == 504:
        return BackendTimeoutError(f"{name} did not get its own answer in time")
    if answer.status >= 500:
        return BadGatewayError(f"{name} failed with status {answer.status}")
    if answer.status < 400:
        return BadGatewayError(
            f"{name} sent status {answer.status}, which is not passed on", code="backend_bad_response"
        )
    words = _words(await answer.read(MOST_BYTES))
    if answer.status == 429:
        return RateLimitedError(words.message or f"{name} is busy", retry_after_s=_retry_after(answer))
    return RefusedError(
        answer.status,
        words.message or f"{name} refused the request",
        code=words.code,
        param=words.param,
        type=words.type,
    )


class Words(msgspec.Struct):
    """What a refusal says; everything may be missing."""

    message: str | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None


def _words(data: bytes) -> Words:
    """The words of OpenAI's `error` object, of Ollama's `error` string, or of FastAPI's `detail`."""
    try:
        content = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return Words()
    if not isinstance(content, dict):
        return Words()
    found = content.get("error", content.get("detail", content.get("message")))
    if isinstance(found, dict):
        return Words(*(_text(found.get(name)) for name in ("message", "type", "code", "param")))
    if isinstance(found, list) and found and isinstance(found[0], dict):
        where = ".".join(str(part) for part in found[0].get("loc", ()))
        return Words(message=_text(found[0].get("msg")), param=where or None)
    return Words(message=_text(found))


def _text(value: Any) -> str | None:  # noqa: ANN401 - JSON holds anything
    return str(value)[:MOST_CHARACTERS] if isinstance(value, str | int) and value != "" else None


def _retry_after(answer: Answer) -> float:
    value = answer.header(b"retry-after") or ""
    return float(value) if value.isdigit() else 1.0
