"""Error responses in the formats of the upstream servers: FastAPI's `detail`, or OpenAI's `error` object."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines.errors import EngineError, FailedError, InvalidError, NotFoundError

log = logging.getLogger("synapse_engines.web")
ErrorFormat = Callable[[EngineError], Any]


def fastapi_format(error: EngineError) -> Any:  # noqa: ANN401 - JSON
    """Return FastAPI's body: a string, or for an invalid field a list that names the field."""
    if isinstance(error, InvalidError):
        return {"detail": [{"type": "value_error", "loc": ["body", error.field], "msg": error.message}]}
    return {"detail": error.message}


def openai_format(error: EngineError) -> Any:  # noqa: ANN401 - JSON
    """Return OpenAI's body."""
    field = error.field if isinstance(error, InvalidError) else None
    return {"error": {"message": error.message, "type": error.type, "param": field, "code": None}}


def respond(error: EngineError, error_format: ErrorFormat) -> Response:
    return JSONResponse(error_format(error), status_code=error.status)


def handlers(error_format: ErrorFormat) -> Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """Return the exception handlers of an application, by exception class."""

    async def engine_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, EngineError)  # noqa: S101 - it is registered for this class
        return respond(error, error_format)

    async def http_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for this class
        content = NotFoundError("Not Found") if error.status_code == 404 else EngineError(error.detail)
        return JSONResponse(error_format(content), status_code=error.status_code, headers=error.headers)

    async def unexpected_error(request: Request, error: Exception) -> Response:
        log.error("%s failed: %s: %s", request.url.path, type(error).__name__, error)
        return respond(FailedError("the engine failed; see its log for the reason"), error_format)

    return {EngineError: engine_error, HTTPException: http_error, Exception: unexpected_error}
