"""Chat completions: the one route whose model the gateway may choose, and whose body gets the defaults of a profile."""

from collections.abc import Callable

from synapse_gateway.api.language.pass_through import LIMIT
from synapse_gateway.api.models.profile_defaults import with_defaults
from synapse_gateway.api.models.profile_store import ProfileStore
from synapse_gateway.api.schema import ChatRequest, with_fields
from synapse_gateway.routing import auto_model
from synapse_gateway.routing.forward import UpstreamCall, forward
from synapse_gateway.routing.registry import Target
from synapse_gateway.routing.relay import EVENTS
from synapse_gateway.server.call import Call, parse
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream


async def chat(call: Call) -> Response | Stream:
    """Forward a conversation to the backend that serves its model.

    Raises NotFoundError for a model that no backend serves, and the errors of `forward`.
    """
    gateway, data = call.gateway, await call.body()
    request = parse(data, ChatRequest)
    model = request.model
    if auto_model.is_auto(model) and model not in gateway.registry.routes:
        model = call.model = auto_model.choice(gateway.registry, gateway.settings, request.messages)
    targets = gateway.registry.resolve(model, "chat")
    body = with_profile(data, request.model, gateway.profiles)
    return await forward(
        call, UpstreamCall(operation="chat", timeout_s=gateway.settings.timeouts["llm"], body=body), targets
    )


def with_profile(data: bytes, model: str | None, profiles: ProfileStore) -> Callable[[Target], bytes]:
    """Return a function that makes the body for a target.

    It takes *data*, which names *model*, sets the target's name of the model, and adds the defaults of its profile.
    """

    def body(target: Target) -> bytes:
        target_model = None if target.model == model else target.model
        if values := profiles.of(target.model or model or ""):
            return with_defaults(data, values, target_model)
        return data if target_model is None else with_fields(data, model=target_model)

    return body


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/chat/completions",
        handler=chat,
        body_limit=LIMIT,
        doc=Doc(summary="Answer a conversation", tag="language", body=ChatRequest, also=(EVENTS,)),
        operations=("chat",),
    ),
)
