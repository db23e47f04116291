"""Errors as the upstream servers write them: FastAPI's `detail`, or llama.cpp's `error` object."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines.errors import EngineError, FailedError, InvalidError, NotFoundError

log = logging.getLogger("synapse_engines.web")
Dialect = Callable[[EngineError], Any]


def detail(error: EngineError) -> Any:  # noqa: ANN401 - JSON
    """FastAPI: a string, and for a field a list that says which."""
    if isinstance(error, InvalidError):
        return {"detail": [{"type": "value_error", "loc": ["body", error.where], "msg": error.message}]}
    return {"detail": error.message}


def llama(error: EngineError) -> Any:  # noqa: ANN401 - JSON
    """llama.cpp knows no 422: a field that is wrong is a bad request."""
    status = 400 if isinstance(error, InvalidError) else error.status
    return {"error": {"code": status, "message": error.message, "type": error.type, **error.more}}


def respond(error: EngineError, dialect: Dialect) -> Response:
    content = dialect(error)
    status = content["error"]["code"] if "error" in content else error.status
    return JSONResponse(content, status_code=status)


def handlers(dialect: Dialect) -> Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """For whatever a handler raises."""

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, EngineError)  # noqa: S101 - it is registered for these
        return respond(error, dialect)

    async def unrouted(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        known = NotFoundError("Not Found") if error.status_code == 404 else EngineError(error.detail)
        return JSONResponse(dialect(known), status_code=error.status_code, headers=error.headers)

    async def broken(request: Request, error: Exception) -> Response:
        log.error("%s failed: %s: %s", request.url.path, type(error).__name__, error)
        return respond(FailedError("the engine failed; its log says why"), dialect)

    return {EngineError: refused, HTTPException: unrouted, Exception: broken}
