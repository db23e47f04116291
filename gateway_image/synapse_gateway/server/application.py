"""Application: dispatch of requests to endpoints, authentication, and conversion of errors to the JSON envelope."""

import asyncio
import logging
import traceback
from time import perf_counter, time

from synapse_gateway.errors import GatewayError, InternalError, RefusedError, envelope
from synapse_gateway.gateway import Gateway
from synapse_gateway.observe.logs import AccessRecord
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Table
from synapse_gateway.server.http import ClientLeftError, Response, Stream
from synapse_gateway.server.http.exchange import Exchange

CLIENT_LEFT = 499
"""Status in logs and metrics for a client that disconnected before the response (nginx's convention)."""
log = logging.getLogger("synapse_gateway.server.application")


class Application:
    """Handler of every request of a server."""

    def __init__(self, gateway: Gateway, table: Table) -> None:
        self._gateway = gateway
        self._table = table

    async def handle(self, exchange: Exchange) -> Response | Stream:
        """Answer a request; raises nothing but cancellation."""
        call = Call(self._gateway, exchange)
        if self._gateway.tracer:
            call.span = self._gateway.tracer.begin(call.request.method, call.request.headers)
        try:
            response = await self._answer(call)
        except asyncio.CancelledError:
            self._record(call, CLIENT_LEFT)
            raise
        self._record(call, response.status)
        return response

    async def _answer(self, call: Call) -> Response | Stream:
        try:
            return await self._dispatch(call)
        except GatewayError as error:
            if error.status in {429, 503}:
                self._gateway.metrics.rejected.labels(error.code).inc()
            return call.failure(error)
        except ClientLeftError:
            raise asyncio.CancelledError from None
        except Exception as error:  # noqa: BLE001 - a bug must not show the client our internals
            log.error(  # noqa: TRY400 - a traceback shows values, which may be a prompt
                "%s in %s: %s", type(error).__name__, call.route, _frames(error), extra={"request_id": call.id}
            )
            return call.failure(InternalError("internal error; search the gateway's log for the request id"))

    async def _dispatch(self, call: Call) -> Response | Stream:
        request = call.request
        try:
            endpoint, call.parameters = self._table.find(request.method, request.path)
        except GatewayError:
            self._gateway.identify(request.headers, "user")  # clients without a key must not learn which routes exist
            raise
        call.route, call.body_limit = endpoint.template, endpoint.body_limit
        call.identity = identity = self._gateway.identify(request.headers, endpoint.access)
        with identity.quota:
            return await endpoint.handler(call)

    def _record(self, call: Call, status: int) -> None:
        seconds, method = perf_counter() - call.started, call.request.method
        self._gateway.metrics.request(call.route, method, status)(seconds)
        if self._gateway.access_log.is_logged(call.route, status):
            ms = round(seconds * 1000, 1)
            record = AccessRecord(time(), call.id, method, call.route, status, ms, call.backend, call.identity.name)
            self._gateway.access_log.write(record)
        if call.span:
            call.span.end(call.route, status, _span_attributes(call))


def _span_attributes(call: Call) -> dict[str, str | bool | int | None]:
    return {
        "synapse.backend": call.backend,
        "synapse.fallback": call.is_fallback or None,
        "synapse.request_id": call.id,
    }


def refuse(status: int, message: str) -> Response:
    """Return the response to data that is not a valid request, before there is a call."""
    error = RefusedError(status, message, code="bad_request")
    return Response(envelope(error), status, {"content-type": "application/json"})


def _frames(error: BaseException) -> str:
    """Return the functions and lines of the traceback, without the message: it may hold a prompt."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
