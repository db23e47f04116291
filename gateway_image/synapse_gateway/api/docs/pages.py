"""The description of the API, for programs and as two pages for people: those with a key, or who have logged in."""

from collections.abc import Iterable, Mapping
from functools import cached_property

import msgspec

from synapse_gateway.api.docs.openapi import document
from synapse_gateway.api.docs.reference import POLICY, page
from synapse_gateway.errors import AuthenticationError
from synapse_gateway.server.call import JSON, Call
from synapse_gateway.server.endpoint import Endpoint
from synapse_gateway.server.http import Response, Stream

HTML = "text/html; charset=utf-8"
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class Description:
    """The description of *endpoints*, made when it is first asked for."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._endpoints = tuple(endpoints)

    @cached_property
    def document(self) -> bytes:
        return msgspec.json.encode(document(self._endpoints))

    @cached_property
    def folded(self) -> bytes:
        return page(msgspec.json.decode(self.document), is_open=False)

    @cached_property
    def unfolded(self) -> bytes:
        return page(msgspec.json.decode(self.document), is_open=True)

    async def openapi(self, call: Call) -> Response | Stream:
        """All of these raise AuthenticationError."""
        _admit(call)
        return call.respond(self.document, JSON)

    async def docs(self, call: Call) -> Response | Stream:
        _admit(call)
        return call.respond(self.folded, HTML, headers=HEADERS)

    async def redoc(self, call: Call) -> Response | Stream:
        _admit(call)
        return call.respond(self.unfolded, HTML, headers=HEADERS)


def _admit(call: Call) -> None:
    headers = call.request.headers
    try:
        call.gateway.keys.identify(headers.get("authorization"), "user")
    except AuthenticationError:
        if not call.gateway.dashboard_auth.is_logged_in(headers):
            raise


def endpoints(offered: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """What describes *offered*. They are open in the table because a browser has a cookie where others have a key."""
    description = Description(offered)
    return (
        Endpoint(method="GET", path="/openapi.json", handler=description.openapi, access="open"),
        Endpoint(method="GET", path="/docs", handler=description.docs, access="open"),
        Endpoint(method="GET", path="/redoc", handler=description.redoc, access="open"),
    )
