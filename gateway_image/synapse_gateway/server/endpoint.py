"""What the gateway offers, as a table: dispatch, access, labels of metrics and the description all come from it."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from synapse_gateway.auth.keys import Access
from synapse_gateway.errors import MethodNotAllowedError, NotFoundError
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.settings import MI
from synapse_gateway.upstream.adapters import Operation

if TYPE_CHECKING:
    from synapse_gateway.server.call import Call

Handler = Callable[["Call"], Awaitable[Response | Stream]]


@dataclass(frozen=True, kw_only=True)
class Doc:
    """How an endpoint is described. *body* and *answer*: msgspec types, or None for what is no JSON."""

    summary: str
    tag: str
    body: Any = None
    form: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # multipart: field -> JSON schema
    required: tuple[str, ...] = ()  # fields of the form
    answer: Any = None
    media: str = "application/json"
    also: tuple[str, ...] = ()  # types that the answer may have besides, such as that of a stream
    status: int = 200
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One method of one path. In *path*, `{name}` is one segment and `{name:path}` any number of them."""

    method: str
    path: str
    handler: Handler
    access: Access = "user"
    body_limit: int = MI
    doc: Doc | None = None  # None: it is not part of the API's description
    operations: tuple[Operation, ...] = ()  # what it may ask of a backend
    lifecycle: str | None = None  # it manages the models of backends whose models come and go that way

    @cached_property
    def template(self) -> str:
        """The path as the API's description writes it."""
        return self.path.replace(":path}", "}")


Match = tuple[Endpoint, Mapping[str, str]]


class Table:
    """All endpoints; finds the one for a request by the path as it was sent, decoded only where a name stands."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.endpoints = tuple(endpoints)
        self._exact: dict[str, dict[str, Match]] = {}
        self._patterns: list[tuple[re.Pattern[str], Endpoint]] = []
        for endpoint in self.endpoints:
            if "{" in endpoint.path:
                self._patterns.append((_pattern(endpoint.path), endpoint))
            else:
                self._exact.setdefault(endpoint.path, {})[endpoint.method] = (endpoint, {})

    def find(self, method: str, path: str) -> Match:
        """Raises NotFoundError and MethodNotAllowedError."""
        if (methods := self._exact.get(path)) and (found := methods.get(method)):
            return found
        others = set(methods or ())
        for pattern, endpoint in self._patterns:
            if match := pattern.fullmatch(path):
                if endpoint.method == method:
                    return endpoint, {name: unquote(value) for name, value in match.groupdict().items()}
                others.add(endpoint.method)
        if others:
            raise MethodNotAllowedError(method, ", ".join(sorted(others)))
        raise NotFoundError("there is no such route; GET /openapi.json lists them")


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(:path)?\}", path)
    pieces = [re.escape(parts[0])]
    for name, many, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        pieces.append(f"(?P<{name}>{'.+' if many else '[^/]+'})" + re.escape(literal))
    return re.compile("".join(pieces))
