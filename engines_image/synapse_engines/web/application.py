"""An application: routes, one dialect for errors, and what ends with it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from synapse_engines.web.refusals import Dialect, handlers

Handler = Callable[[Request], Awaitable[Response]]
CLIENT_LEFT = 499
"""Nobody reads it; logs do."""


def application(routes: Sequence[Route], dialect: Dialect, close: Callable[[], None] = lambda: None) -> Starlette:
    """*close* is called once no request is under way any more."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        close()

    found = Starlette(routes=routes, exception_handlers=handlers(dialect), lifespan=lifespan)
    found.add_exception_handler(ClientDisconnect, _left)
    return found


def get(path: str, handler: Handler) -> Route:
    return Route(path, handler, methods=["GET"])


def post(path: str, handler: Handler) -> Route:
    return Route(path, handler, methods=["POST"])


async def _left(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_LEFT)
