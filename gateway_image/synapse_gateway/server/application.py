"""The application: finds the endpoint of a request, asks who calls, and turns every failure into the one envelope."""

import asyncio
import logging
import traceback
from time import perf_counter

from synapse_gateway.errors import GatewayError, InternalError, RefusedError, envelope
from synapse_gateway.gateway import Gateway
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Table
from synapse_gateway.server.http import ClientLeftError, Response, Stream
from synapse_gateway.server.http.exchange import Exchange

CLIENT_LEFT = 499
"""The status that logs and metrics show for a client that did not wait for its answer (nginx's custom)."""
log = logging.getLogger("synapse_gateway.server.application")


class Application:
    """Handles each request of a server."""

    def __init__(self, gateway: Gateway, table: Table) -> None:
        self._gateway = gateway
        self._table = table

    async def handle(self, exchange: Exchange) -> Response | Stream:
        """Answer a request; raises nothing but cancellation."""
        call = Call(self._gateway, exchange)
        if self._gateway.tracer:
            call.span = self._gateway.tracer.begin(call)
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
        except Exception as error:  # noqa: BLE001 - a bug must not show the client our insides
            log.error(  # noqa: TRY400 - a traceback shows values, which may be a prompt
                "%s in %s: %s", type(error).__name__, call.route, _frames(error), extra={"request_id": call.id}
            )
            return call.failure(InternalError("the gateway failed; its log has the request's id"))

    async def _dispatch(self, call: Call) -> Response | Stream:
        request = call.request
        try:
            endpoint, call.parameters = self._table.find(request.method, request.path)
        except GatewayError:
            self._gateway.identify(request.headers, "user")  # strangers do not learn what there is
            raise
        call.endpoint = endpoint
        call.identity = identity = self._gateway.identify(request.headers, endpoint.access)
        with identity.quota:
            return await endpoint.handler(call)

    def _record(self, call: Call, status: int) -> None:
        seconds = perf_counter() - call.started
        self._gateway.metrics.request(call.route, call.request.method, status)(seconds)
        self._gateway.access_log.write(call, status, seconds)
        if call.span:
            call.span.end(call, status)


def refuse(status: int, message: str) -> Response:
    """The answer to what is no request, before there is a call."""
    error = RefusedError(status, message, code="bad_request")
    return Response(envelope(error), status, {"content-type": "application/json"})


def _frames(error: BaseException) -> str:
    """Where it happened, without what it said: that may hold a prompt."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
