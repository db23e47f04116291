"""API documentation: the OpenAPI document, and Swagger UI, served by the gateway itself.

API keys and sessions of the dashboard may read it.
"""

from collections.abc import Iterable
from functools import cached_property
from importlib.metadata import distribution
from pathlib import Path

import msgspec

from synapse_gateway.api.docs.openapi import document
from synapse_gateway.api.static_files import UI_FILES, load
from synapse_gateway.errors import AuthenticationError, NotFoundError
from synapse_gateway.server.call import JSON, Call
from synapse_gateway.server.endpoint import Endpoint
from synapse_gateway.server.http import Response, Stream

PACKAGE = "drf-spectacular-sidecar"
SWAGGER_UI = Path(
    str(distribution(PACKAGE).locate_file("drf_spectacular_sidecar/static/drf_spectacular_sidecar/swagger-ui-dist"))
)
FILES = load(SWAGGER_UI, [SWAGGER_UI / "swagger-ui.css", SWAGGER_UI / "swagger-ui-bundle.js"])


class ApiDocs:
    """Endpoints that describe *endpoints*; the document is made at the first request for it."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._endpoints = tuple(endpoints)

    @cached_property
    def document(self) -> bytes:
        return msgspec.json.encode(document(self._endpoints))

    async def openapi(self, call: Call) -> Response | Stream:
        """Return the OpenAPI document. Raises AuthenticationError."""
        _authorize(call)
        return call.respond(self.document, JSON)


async def page(call: Call) -> Response | Stream:
    """Return the page that shows the OpenAPI document. Raises AuthenticationError."""
    _authorize(call)
    return UI_FILES["docs.html"].respond(call)


async def asset(call: Call) -> Response | Stream:
    """Return a script or a style sheet of Swagger UI. Raises AuthenticationError and NotFoundError."""
    _authorize(call)
    file = FILES.get(call.parameters["name"])
    if file is None:
        raise NotFoundError("the API documentation has no such file")
    return file.respond(call)


def _authorize(call: Call) -> None:
    headers = call.request.headers
    try:
        call.gateway.keys.identify(headers.get("authorization"), "user")
    except AuthenticationError:
        if not call.gateway.dashboard_auth.is_logged_in(headers):
            raise


def endpoints(described: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Return the endpoints that describe *described*.

    Their access is `open` in the table because each accepts a key or the cookie of a session.
    """
    docs = ApiDocs(described)
    return (
        Endpoint(method="GET", path="/openapi.json", handler=docs.openapi, access="open"),
        Endpoint(method="GET", path="/docs", handler=page, access="open"),
        Endpoint(method="GET", path="/redoc", handler=page, access="open"),
        Endpoint(method="GET", path="/docs/{name}", handler=asset, access="open"),
    )
