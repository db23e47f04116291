"""Chat: the one route whose model the gateway may choose, and whose body a profile may complete."""

from collections.abc import Callable

from synapse_gateway.api.language.pass_through import LIMIT
from synapse_gateway.api.models.profile_defaults import shaped
from synapse_gateway.api.models.profile_store import Profiles
from synapse_gateway.api.schema import Chat, with_fields
from synapse_gateway.routing import auto_model
from synapse_gateway.routing.forward import UpstreamCall, forward
from synapse_gateway.routing.registry import Target
from synapse_gateway.routing.relay import EVENTS
from synapse_gateway.server.call import Call, parse
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream


async def chat(call: Call) -> Response | Stream:
    """Hand a conversation on to the backend that serves its model.

    Raises NotFoundError for a model that nobody has, and what `forward` raises.
    """
    gateway, data = call.gateway, await call.body()
    asked = parse(data, Chat)
    model = asked.model
    if auto_model.is_auto(model) and model not in gateway.registry.routes:
        model = call.model = auto_model.choice(gateway.registry, gateway.settings, asked.messages)
    targets = gateway.registry.resolve(model, "chat")
    body = completed(data, asked.model, gateway.profiles)
    return await forward(
        call, UpstreamCall(operation="chat", timeout_s=gateway.settings.timeouts["llm"], body=body), targets
    )


def completed(data: bytes, model: str | None, profiles: Profiles) -> Callable[[Target], bytes]:
    """*data*, which names *model*, for each target: as it came, but for the target's name and the model's profile."""

    def body(target: Target) -> bytes:
        own = None if target.model == model else target.model
        if values := profiles.of(target.model or model or ""):
            return shaped(data, values, own)
        return data if own is None else with_fields(data, model=own)

    return body


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/chat/completions",
        handler=chat,
        body_limit=LIMIT,
        doc=Doc(summary="Answer a conversation", tag="language", body=Chat, also=(EVENTS,)),
        operations=("chat",),
    ),
)
