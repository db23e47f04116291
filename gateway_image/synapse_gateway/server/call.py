"""Call: one request in progress, its identity, and its response headers."""

import random
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import Any, TypeVar

import msgspec

from synapse_gateway.auth.keys import ANONYMOUS, Identity
from synapse_gateway.errors import BadRequestError, GatewayError, MethodNotAllowedError, ValidationError, envelope
from synapse_gateway.gateway import Gateway
from synapse_gateway.observe.tracing import TRACE, Headers, Span, received
from synapse_gateway.server import body
from synapse_gateway.server.http import Request, Response, Stream
from synapse_gateway.server.http.exchange import Exchange

JSON = "application/json"
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
T = TypeVar("T")
_random = random.Random()  # noqa: S311 - for request ids, not for secrets


class Call:
    """Context of an endpoint. *backend*, *model* and *is_fallback* are sent to the client in headers.

    *route*: the path template of the endpoint, never the path itself.
    """

    __slots__ = (
        "backend",
        "body_limit",
        "exchange",
        "gateway",
        "id",
        "identity",
        "is_fallback",
        "model",
        "parameters",
        "request",
        "route",
        "span",
        "started",
    )

    def __init__(self, gateway: Gateway, exchange: Exchange) -> None:
        self.gateway = gateway
        self.exchange = exchange
        self.request: Request = exchange.request
        self.started = perf_counter()
        self.id = _request_id(self.request.headers.get("x-request-id"))
        self.identity: Identity = ANONYMOUS
        self.route = "(none)"
        self.body_limit = 0
        self.parameters: Mapping[str, str] = {}
        self.backend: str | None = None
        self.model: str | None = None
        self.is_fallback = False
        self.span: Span | None = None

    # Request

    async def body(self) -> bytes:
        """Return the whole body, within the endpoint's limit."""
        return await body.read(self.request, self.body_limit, self.gateway.settings.client_s)

    def chunks(self, most: int) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, at most *most* bytes."""
        return body.chunks(self.request, most, self.gateway.settings.client_s)

    async def json(self, kind: type[T]) -> T:
        """Return the body as *kind*, a msgspec type. Raises BadRequestError and ValidationError."""
        return parse(await self.body(), kind)

    def trace_headers(self, backend: str) -> AbstractContextManager[Headers]:
        """Record a request to *backend*; give the headers that link its logs and spans to this call."""
        request_id = ("x-request-id", self.id)
        if self.span is not None:
            return self.span.attempt(backend, request_id)
        if TRACE in self.request.headers:
            return nullcontext((request_id, *received(self.request.headers)))
        return nullcontext((request_id,))

    # Response

    def headers(self, media: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the response headers."""
        headers = {"content-type": media, "x-request-id": self.id}
        if self.backend:
            headers["x-synapse-backend"] = self.backend
        if self.model:
            headers["x-synapse-model"] = self.model
        if self.is_fallback:
            headers["x-synapse-fallback"] = "1"
        if more:
            headers.update(more)
        return headers

    def respond(
        self, data: bytes, media: str = JSON, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Return a whole response."""
        return Response(data, status, self.headers(media, headers))

    def answer(self, value: Any, status: int = 200) -> Response:  # noqa: ANN401 - any type that msgspec encodes
        """Return *value* as a JSON response."""
        return self.respond(msgspec.json.encode(value), JSON, status)

    def stream(self, media: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Stream:
        """Send the head of a response now, and return the stream for its parts."""
        return self.exchange.stream(status, self.headers(media, headers))

    def failure(self, error: GatewayError) -> Response:
        """Return the error response."""
        more = {} if error.retry_after_s is None else {"retry-after": str(max(1, round(error.retry_after_s)))}
        if error.status == 401:
            more["www-authenticate"] = "Bearer"
        if isinstance(error, MethodNotAllowedError):
            more["allow"] = error.allowed
        return self.respond(envelope(error), JSON, error.status, more)


def parse(data: bytes, kind: type[T]) -> T:
    """Return *data* as *kind*, a msgspec type. Raises BadRequestError for invalid JSON, else ValidationError."""
    if not data:
        raise BadRequestError("the body is missing; send a JSON object", code="missing_body")
    try:
        if not data.isascii():
            data.decode()  # msgspec does not check skipped fields, which are forwarded
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise validation_error(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequestError("the body is not valid JSON", code="invalid_json") from None


def validation_error(error: msgspec.ValidationError) -> ValidationError:
    """Return the error for input that does not match a type: the reason, and the field."""
    message, _, path = str(error).partition(" - at `$")
    return ValidationError(message, param=path.strip("`.") or _field_name(message))


def _field_name(message: str) -> str | None:
    """Return the field in a message of msgspec such as: Object contains unknown field `x`."""
    match = re.search(r"field `([^`]+)`", message)
    return match[1] if match else None


def _request_id(given: str | None) -> str:
    return given if given is not None and REQUEST_ID.fullmatch(given) else _uuid4()


def _uuid4() -> str:
    """Return a UUID of version 4. It need not be unpredictable, so it costs no system call."""
    digits = f"{_random.getrandbits(122):032x}"
    return f"{digits[2:10]}-{digits[10:14]}-4{digits[14:17]}-a{digits[17:20]}-{digits[20:]}"
