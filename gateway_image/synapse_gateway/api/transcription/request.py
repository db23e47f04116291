"""Asking for a transcript: as it is where the backend has the client's API, else by way of the other one's."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

from synapse_gateway.api.transcription.dialects import DIALECTS, Dialect, Fields, Wanted
from synapse_gateway.api.transcription.formats import Written
from synapse_gateway.api.transcription.transcript import Transcript
from synapse_gateway.routing.forward import UpstreamCall, forward
from synapse_gateway.routing.registry import Registry, Target
from synapse_gateway.routing.relay import pass_on, whole
from synapse_gateway.server.call import Call
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.server.multipart import OCTETS, Form
from synapse_gateway.server.spool import Upload
from synapse_gateway.server.uploads import FormLimits, UploadedForm, form
from synapse_gateway.upstream.adapters import Operation
from synapse_gateway.upstream.http import UpstreamResponse
from synapse_gateway.upstream.upstream import Upstream

passed_on = partial(pass_on, fault=b"event: error\ndata: ")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A client's wish, in its own API (*native*, with *fields* for a target) and in a form for the other one."""

    operation: Operation
    native: Dialect
    fields: Callable[[Target], Fields]
    wanted: Wanted
    write: Callable[[Transcript], Written]  # for the client, what the other API answered

    def body(self, file: Upload, target: Target) -> Form:
        fields = self.fields(target)
        if (dialect := dialect_of(target.upstream, self.operation)) is not self.native:
            fields = dialect.fields(replace(self.wanted, model=target.model or self.wanted.model))
        return Form(fields=fields, files=[("file", file)])

    async def relay(
        self, call: Call, backend: Upstream, answer: UpstreamResponse, headers: Mapping[str, str]
    ) -> Response | Stream:
        dialect = dialect_of(backend, self.operation)
        if dialect is self.native:
            return await passed_on(call, backend, answer, headers)
        data, media = self.write(dialect.read(await whole(backend, answer)))
        return call.respond(data, media, headers=headers)


async def ask(call: Call, asking: Asking, file: Upload, targets: tuple[Target, ...]) -> Response | Stream:
    """Raises what `forward` raises, and BadGatewayError for a transcript that cannot be read."""
    timeout_s = call.gateway.settings.timeouts["stt"]
    order = UpstreamCall(
        operation=asking.operation, timeout_s=timeout_s, body=partial(asking.body, file), relay=asking.relay
    )
    return await forward(call, order, targets)


@asynccontextmanager
async def recording(call: Call) -> AsyncIterator[tuple[UploadedForm, Upload]]:
    """The form, and the file in it; whatever it is, it is only passed on. Raises as `form` does."""
    async with form(call, FormLimits(files={"file": 1}, file_bytes=call.gateway.settings.max_upload)) as sent:
        yield sent, named(sent.file("file"), "audio.wav")


def named(file: Upload, name: str) -> Upload:
    """*file*, called *name* and a WAV where its client left that open."""
    media = "audio/wav" if file.content_type == OCTETS else file.content_type
    return replace(file, name=file.name or name, content_type=media)


def by_default(registry: Registry, operation: Operation, native: Dialect) -> tuple[Target, ...]:
    """Where a request goes that names no model: to a backend that has its API, else where the first fitting route goes.

    Raises UnavailableError.
    """
    offering = registry.offering(operation)
    if found := tuple(target for target in offering if dialect_of(target.upstream, operation) is native):
        return found[:1]
    for route in registry.routes.values():
        if found := tuple(target for target in route if target.upstream.path(operation)):
            return found
    return offering[:1]


def dialect_of(backend: Upstream, operation: Operation) -> Dialect:
    return DIALECTS[backend.path(operation) or ""]
