"""Who says a wish: the targets in the order they are tried."""

from collections.abc import Iterator, Sequence

from synapse_gateway.api.speech.cloning import clone
from synapse_gateway.api.speech.dialects import can_clone, order
from synapse_gateway.api.speech.request import Wish
from synapse_gateway.errors import BadRequestError
from synapse_gateway.routing.forward import send, with_fallback
from synapse_gateway.routing.registry import Registry, Target
from synapse_gateway.server.call import Call
from synapse_gateway.server.http import Response, Stream

Targets = Sequence[Target]


async def say(call: Call, wish: Wish, targets: Targets) -> Response | Stream:
    """Have the first of *targets* that can say *wish*.

    Raises BadRequestError when a voice is to be cloned that none of them can clone, and what `clone` raises.
    """
    timeout_s = call.gateway.settings.timeouts["tts"]
    voice_id = wish.voice_id
    if voice_id is None:
        return await with_fallback(
            call, targets, lambda target: send(call, order(target.upstream, wish, None, timeout_s), target)
        )
    return await with_fallback(call, cloning(targets), lambda target: clone(call, wish, voice_id, target))


def cloning(targets: Targets) -> Targets:
    """Those of *targets* that can clone a voice. Raises BadRequestError."""
    if found := [target for target in targets if can_clone(target.upstream)]:
        return found
    raise BadRequestError(
        f"{targets[0].upstream.name} cannot clone voices; leave the voice out, or configure a backend that can",
        code="cloning_not_supported",
        param="voice_id",
    )


def speakers(registry: Registry) -> Targets:
    """Who speaks when no model is named: whoever clones, else the first route for speech, with its fallbacks.

    Raises UnavailableError when there is no such backend.
    """
    chains = list(_chains(registry))
    return next((chain for chain in chains if can_clone(chain[0].upstream)), chains[0])


def _chains(registry: Registry) -> Iterator[Targets]:
    """The routes for speech, then each backend by itself."""
    alone = registry.offering("speech")
    for route in registry.routes.values():
        if speaking := [target for target in route if target.upstream.path("speech")]:
            yield speaking
    for target in alone:
        yield [target]
