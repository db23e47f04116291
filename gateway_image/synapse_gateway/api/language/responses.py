"""Responses, where a backend has them. Those that a backend stores stay with it: they are not to be had here."""

from functools import partial
from typing import Annotated

import msgspec
from msgspec import UNSET

from synapse_gateway.api.language.pass_through import LIMIT, pass_through
from synapse_gateway.api.schema import Anything, Body, Raw, Share, Temperature, Tokens
from synapse_gateway.routing.relay import EVENTS
from synapse_gateway.server.endpoint import Doc, Endpoint


class Responses(Body, kw_only=True):
    """`POST /v1/responses`."""

    input: Raw
    instructions: str | None = None
    stream: bool | None = None
    stream_options: Anything = UNSET
    store: bool | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    max_output_tokens: Tokens | None = None
    max_tool_calls: Tokens | None = None
    tools: Anything = UNSET
    tool_choice: Anything = UNSET
    parallel_tool_calls: bool | None = None
    text: Anything = UNSET
    reasoning: Anything = UNSET
    include: Anything = UNSET
    truncation: str | None = None
    previous_response_id: str | None = None
    metadata: Anything = UNSET
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    service_tier: str | None = None


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/responses",
        handler=partial(pass_through, "responses", Responses, "llm"),
        body_limit=LIMIT,
        doc=Doc(summary="Answer in OpenAI's newer shape", tag="language", body=Responses, also=(EVENTS,)),
        operations=("responses",),
    ),
)
