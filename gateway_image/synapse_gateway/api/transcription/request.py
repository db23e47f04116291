"""Transcription request: passed on unchanged if the backend has the client's API, translated otherwise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from synapse_gateway.api.recording_form import FormFields
from synapse_gateway.api.transcription.dialects import DIALECTS, TranscriptionDialect, TranscriptionOptions
from synapse_gateway.api.transcription.formats import Encoded
from synapse_gateway.api.transcription.transcript import Transcript
from synapse_gateway.routing.forward import UpstreamCall, forward
from synapse_gateway.routing.registry import Registry, Target
from synapse_gateway.routing.relay import pass_on, whole
from synapse_gateway.server.call import Call
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.server.multipart import Form
from synapse_gateway.server.spool import Upload
from synapse_gateway.upstream.adapters import Operation
from synapse_gateway.upstream.http import UpstreamResponse
from synapse_gateway.upstream.upstream import Upstream

pass_on_events = partial(pass_on, fault=b"event: error\ndata: ")


@dataclass(frozen=True, kw_only=True)
class TranscriptionRequest:
    """Request in the client's API (*native*, with *fields* for a target), and its *options* for the other API."""

    operation: Operation
    native: TranscriptionDialect
    fields: Callable[[Target], FormFields]
    options: TranscriptionOptions
    encode: Callable[[Transcript], Encoded]  # for the client, a response in the other API

    def body(self, file: Upload, target: Target) -> Form:
        """Return the form for *target*, in the API that it has."""
        fields = self.fields(target)
        if (dialect := dialect_of(target.upstream, self.operation)) is not self.native:
            fields = dialect.fields(replace(self.options, model=target.model or self.options.model))
        return Form(fields=fields, files=[("file", file)])

    async def relay(
        self, call: Call, upstream: Upstream, answer: UpstreamResponse, headers: Mapping[str, str]
    ) -> Response | Stream:
        """Send the response to the client, in the client's API."""
        dialect = dialect_of(upstream, self.operation)
        if dialect is self.native:
            return await pass_on_events(call, upstream, answer, headers)
        data, media = self.encode(dialect.read(await whole(upstream, answer)))
        return call.respond(data, media, headers=headers)


async def forward_transcription(
    call: Call, request: TranscriptionRequest, file: Upload, targets: tuple[Target, ...]
) -> Response | Stream:
    """Forward *request*. Raises the errors of `forward`, and BadGatewayError for a transcript that cannot be read."""
    timeout_s = call.gateway.settings.timeouts["stt"]
    upstream_call = UpstreamCall(
        operation=request.operation, timeout_s=timeout_s, body=partial(request.body, file), relay=request.relay
    )
    return await forward(call, upstream_call, targets)


def default_targets(registry: Registry, operation: Operation, native: TranscriptionDialect) -> tuple[Target, ...]:
    """Return the targets of a request without a model: a backend with its API, else those of the first route.

    Raises UnavailableError.
    """
    offering = registry.offering(operation)
    if same_api := tuple(target for target in offering if dialect_of(target.upstream, operation) is native):
        return same_api[:1]
    for route in registry.routes.values():
        if targets := tuple(target for target in route if target.upstream.path(operation)):
            return targets
    return offering[:1]


def dialect_of(upstream: Upstream, operation: Operation) -> TranscriptionDialect:
    return DIALECTS[upstream.path(operation) or ""]
