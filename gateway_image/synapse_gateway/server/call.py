"""One request under way: what came in, who asks, and the answer's headers."""

import random
import re
from collections.abc import AsyncIterator, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from synapse_gateway.auth.keys import ANYBODY, Identity
from synapse_gateway.errors import BadRequestError, GatewayError, MethodNotAllowedError, ValidationError, envelope
from synapse_gateway.observe.tracing import Span
from synapse_gateway.server import body
from synapse_gateway.server.http import Request, Response, Stream
from synapse_gateway.server.http.exchange import Exchange

if TYPE_CHECKING:
    from synapse_gateway.gateway import Gateway
    from synapse_gateway.server.endpoint import Endpoint

JSON = "application/json"
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
T = TypeVar("T")
_random = random.Random()  # noqa: S311 - names requests, guards nothing


class Call:
    """What an endpoint works with. *backend*, *model* and *is_fallback* are told to the client in headers."""

    __slots__ = (
        "backend",
        "endpoint",
        "exchange",
        "gateway",
        "id",
        "identity",
        "is_fallback",
        "model",
        "parameters",
        "request",
        "span",
        "started",
    )

    def __init__(self, gateway: "Gateway", exchange: Exchange) -> None:
        self.gateway = gateway
        self.exchange = exchange
        self.request: Request = exchange.request
        self.started = perf_counter()
        self.id = _request_id(self.request.headers.get("x-request-id"))
        self.identity: Identity = ANYBODY
        self.endpoint: Endpoint | None = None
        self.parameters: Mapping[str, str] = {}
        self.backend: str | None = None
        self.model: str | None = None
        self.is_fallback = False
        self.span: Span | None = None

    @property
    def route(self) -> str:
        """The template of its path; never the path itself."""
        return self.endpoint.template if self.endpoint else "(none)"

    # What came in

    async def body(self) -> bytes:
        """The whole body, within the endpoint's limit."""
        return await body.read(self.request, self._limit, self.gateway.settings.client_s)

    def chunks(self, most: int) -> AsyncIterator[bytes]:
        """The body as it comes, at most *most* bytes of it."""
        return body.chunks(self.request, most, self.gateway.settings.client_s)

    async def json(self, kind: type[T]) -> T:
        """The body as *kind*, a msgspec type. Raises BadRequestError and ValidationError."""
        return parse(await self.body(), kind)

    @property
    def _limit(self) -> int:
        return self.endpoint.body_limit if self.endpoint else 0

    # What goes out

    def headers(self, media: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The headers of the answer, whatever it is."""
        found = {"content-type": media, "x-request-id": self.id}
        if self.backend:
            found["x-synapse-backend"] = self.backend
        if self.model:
            found["x-synapse-model"] = self.model
        if self.is_fallback:
            found["x-synapse-fallback"] = "1"
        if more:
            found.update(more)
        return found

    def respond(
        self, data: bytes, media: str = JSON, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """A whole answer."""
        return Response(data, status, self.headers(media, headers))

    def answer(self, value: Any, status: int = 200) -> Response:  # noqa: ANN401 - whatever msgspec writes
        """A whole answer in JSON."""
        return self.respond(msgspec.json.encode(value), JSON, status)

    def stream(self, media: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Stream:
        """An answer whose head is sent now and whose parts follow."""
        return self.exchange.stream(status, self.headers(media, headers))

    def failure(self, error: GatewayError) -> Response:
        """The answer that tells of *error*."""
        more = {} if error.retry_after_s is None else {"retry-after": str(max(1, round(error.retry_after_s)))}
        if error.status == 401:
            more["www-authenticate"] = "Bearer"
        if isinstance(error, MethodNotAllowedError):
            more["allow"] = error.allowed
        return self.respond(envelope(error), JSON, error.status, more)


def parse(data: bytes, kind: type[T]) -> T:
    """*data* as *kind*, a msgspec type. Raises BadRequestError for what is no JSON, else ValidationError."""
    if not data:
        raise BadRequestError("the body is missing; send a JSON object", code="missing_body")
    try:
        if not data.isascii():
            data.decode()  # skipped fields travel on, and nobody else looks at their bytes
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise refused(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequestError("the body is not valid JSON", code="invalid_json") from None


def refused(error: msgspec.ValidationError) -> ValidationError:
    """What the client is told when its input does not fit a type: the reason, and where."""
    message, _, path = str(error).partition(" - at `$")
    return ValidationError(message, param=path.strip("`.") or _named(message))


def _named(message: str) -> str | None:
    """The field that a message of msgspec names, as in: Object contains unknown field `x`."""
    found = re.search(r"field `([^`]+)`", message)
    return found[1] if found else None


def _request_id(given: str | None) -> str:
    return given if given is not None and REQUEST_ID.fullmatch(given) else _uuid4()


def _uuid4() -> str:
    """A UUID of version 4; it need not be unforeseeable, so it costs no system call."""
    digits = f"{_random.getrandbits(122):032x}"
    return f"{digits[2:10]}-{digits[10:14]}-4{digits[14:17]}-a{digits[17:20]}-{digits[20:]}"
