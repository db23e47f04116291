"""Synthesis of a speech request by the first available target, and the choice of targets."""

from collections.abc import Iterator, Sequence

from synapse_gateway.api.speech.cloning import clone
from synapse_gateway.api.speech.dialects import SpeechRequest, can_clone, upstream_call
from synapse_gateway.errors import BadRequestError
from synapse_gateway.routing.forward import send, with_fallback
from synapse_gateway.routing.registry import Registry, Target
from synapse_gateway.server.call import Call
from synapse_gateway.server.http import Response, Stream

Targets = Sequence[Target]


async def synthesize(call: Call, request: SpeechRequest, targets: Targets) -> Response | Stream:
    """Return the response of the first available of *targets*.

    Raises BadRequestError if none of them can clone the voice of the request, and the errors of `clone`.
    """
    timeout_s = call.gateway.settings.timeouts["tts"]
    voice_id = request.voice_id
    if voice_id is None:
        return await with_fallback(
            call, targets, lambda target: send(call, upstream_call(target.upstream, request, None, timeout_s), target)
        )
    return await with_fallback(call, cloning_targets(targets), lambda target: clone(call, request, voice_id, target))


def cloning_targets(targets: Targets) -> Targets:
    """Return those of *targets* that can clone a voice. Raises BadRequestError."""
    if cloning := [target for target in targets if can_clone(target.upstream)]:
        return cloning
    raise BadRequestError(
        f"{targets[0].upstream.name} cannot clone voices; leave voice_id out, or configure a Chatterbox backend",
        code="cloning_not_supported",
        param="voice_id",
    )


def default_targets(registry: Registry) -> Targets:
    """Return the targets of a request without a model: those that clone, else the first route for speech.

    Raises UnavailableError if no backend offers speech.
    """
    routes = list(_speech_routes(registry))
    return next((route for route in routes if can_clone(route[0].upstream)), routes[0])


def _speech_routes(registry: Registry) -> Iterator[Targets]:
    """Yield the targets of each route for speech, then each backend alone."""
    single = registry.offering("speech")
    for route in registry.routes.values():
        if targets := [target for target in route if target.upstream.path("speech")]:
            yield targets
    for target in single:
        yield [target]
