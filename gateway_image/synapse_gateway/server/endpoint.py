"""Endpoints and their table, from which dispatch, access control, metric labels and the API description are derived."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from synapse_gateway.auth.keys import Access
from synapse_gateway.errors import MethodNotAllowedError, NotFoundError
from synapse_gateway.server.call import Call
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.settings import MI
from synapse_gateway.upstream.adapters import Operation

Handler = Callable[[Call], Awaitable[Response | Stream]]


@dataclass(frozen=True, kw_only=True)
class Doc:
    """API description of an endpoint. *body* and *answer*: msgspec types, or None for other media than JSON."""

    summary: str
    tag: str
    body: Any = None
    form: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # multipart: field -> JSON schema
    required: tuple[str, ...] = ()  # fields of the form
    answer: Any = None
    media: str = "application/json"
    also: tuple[str, ...] = ()  # other media types of the response, such as that of a stream
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
    doc: Doc | None = None  # None: left out of the API description
    operations: tuple[Operation, ...] = ()  # operations of a backend that it may use
    lifecycle: str | None = None  # kind of model lifecycle that it manages

    @cached_property
    def template(self) -> str:
        """The path as the API description writes it."""
        return self.path.replace(":path}", "}")


EndpointMatch = tuple[Endpoint, Mapping[str, str]]


class Table:
    """All endpoints. Paths are matched as sent by the client; only path parameters are percent-decoded."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.endpoints = tuple(endpoints)
        self._exact: dict[str, dict[str, EndpointMatch]] = {}
        self._patterns: list[tuple[re.Pattern[str], Endpoint]] = []
        for endpoint in self.endpoints:
            if "{" in endpoint.path:
                self._patterns.append((_pattern(endpoint.path), endpoint))
            else:
                self._exact.setdefault(endpoint.path, {})[endpoint.method] = (endpoint, {})

    def find(self, method: str, path: str) -> EndpointMatch:
        """Return the endpoint and its path parameters. Raises NotFoundError and MethodNotAllowedError."""
        if (methods := self._exact.get(path)) and (exact := methods.get(method)):
            return exact
        others = set(methods or ())
        for pattern, endpoint in self._patterns:
            if match := pattern.fullmatch(path):
                if endpoint.method == method:
                    return endpoint, {name: unquote(value) for name, value in match.groupdict().items()}
                others.add(endpoint.method)
        if others:
            raise MethodNotAllowedError(method, ", ".join(sorted(others)))
        raise NotFoundError("unknown route; GET /openapi.json lists the available ones")


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(:path)?\}", path)
    pieces = [re.escape(parts[0])]
    for name, many, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        pieces.append(f"(?P<{name}>{'.+' if many else '[^/]+'})" + re.escape(literal))
    return re.compile("".join(pieces))
