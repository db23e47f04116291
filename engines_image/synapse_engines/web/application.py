"""Starlette application of an engine: routes, error format and shutdown."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from synapse_engines.web.error_responses import ErrorFormat, handlers

Handler = Callable[[Request], Awaitable[Response]]
CLIENT_CLOSED_REQUEST = 499
"""Status of a request whose client disconnected; it appears only in logs."""


def application(
    routes: Sequence[Route], error_format: ErrorFormat, close: Callable[[], None] = lambda: None
) -> Starlette:
    """Return the application; *close* is called at shutdown, after the last request."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        close()

    app = Starlette(routes=routes, exception_handlers=handlers(error_format), lifespan=lifespan)
    app.add_exception_handler(ClientDisconnect, _client_disconnected)
    return app


def get(path: str, handler: Handler) -> Route:
    return Route(path, handler, methods=["GET"])


def post(path: str, handler: Handler) -> Route:
    return Route(path, handler, methods=["POST"])


async def health(_: Request) -> Response:
    """Handle `GET /health`."""
    return JSONResponse({"status": "ok"})


async def _client_disconnected(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)
