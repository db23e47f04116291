"""OpenAI's Responses API. Stored responses stay on the backend and cannot be fetched through the gateway."""

from functools import partial
from typing import Annotated

import msgspec
from msgspec import UNSET

from synapse_gateway.api.language.pass_through import LIMIT, pass_through
from synapse_gateway.api.schema import ModelRequest, OptionalRaw, Probability, Raw, Temperature, Tokens
from synapse_gateway.routing.relay import EVENTS
from synapse_gateway.server.endpoint import Doc, Endpoint


class ResponsesRequest(ModelRequest, kw_only=True):
    """Body of `POST /v1/responses`."""

    input: Raw
    instructions: str | None = None
    stream: bool | None = None
    stream_options: OptionalRaw = UNSET
    store: bool | None = None
    temperature: Temperature | None = None
    top_p: Probability | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    max_output_tokens: Tokens | None = None
    max_tool_calls: Tokens | None = None
    tools: OptionalRaw = UNSET
    tool_choice: OptionalRaw = UNSET
    parallel_tool_calls: bool | None = None
    text: OptionalRaw = UNSET
    reasoning: OptionalRaw = UNSET
    include: OptionalRaw = UNSET
    truncation: str | None = None
    previous_response_id: str | None = None
    metadata: OptionalRaw = UNSET
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    service_tier: str | None = None


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/responses",
        handler=partial(pass_through, "responses", ResponsesRequest, "llm"),
        body_limit=LIMIT,
        doc=Doc(summary="Answer a request of the Responses API", tag="language", body=ResponsesRequest, also=(EVENTS,)),
        operations=("responses",),
    ),
)
