"""Relays of embeddings from an OpenAI backend to a client of Ollama's API."""

from collections.abc import Mapping
from time import perf_counter_ns

from synapse_gateway.api.ollama.openai import EmbeddingsResponse, decode
from synapse_gateway.errors import BadGatewayError
from synapse_gateway.routing.relay import Usage, count, whole
from synapse_gateway.server.call import Call
from synapse_gateway.server.http import Response
from synapse_gateway.upstream.http import UpstreamResponse
from synapse_gateway.upstream.upstream import Upstream


class EmbedRelay:
    """Relays the response to one request in the format of /api/embed; for the field `relay` of a call."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._started = perf_counter_ns()

    async def __call__(
        self, call: Call, upstream: Upstream, answer: UpstreamResponse, _: Mapping[str, str]
    ) -> Response:
        response = await _embeddings(upstream, answer)
        return call.answer(
            {
                "model": self._model,
                "embeddings": [item.embedding for item in response.data],
                "total_duration": perf_counter_ns() - self._started,
                "load_duration": 0,
                "prompt_eval_count": (response.usage or Usage()).prompt_tokens,
            }
        )


async def relay_first(call: Call, upstream: Upstream, answer: UpstreamResponse, _: Mapping[str, str]) -> Response:
    """Relay the first vector in the format of /api/embeddings."""
    response = await _embeddings(upstream, answer)
    return call.answer({"embedding": response.data[0].embedding})


async def _embeddings(upstream: Upstream, answer: UpstreamResponse) -> EmbeddingsResponse:
    """Return the embeddings in the order of the inputs."""
    data = await whole(upstream, answer)
    count(upstream, data)
    response = decode(data, EmbeddingsResponse)
    if not response.data:
        raise BadGatewayError(f"{upstream.name} sent a response without vectors", code="backend_bad_response")
    response.data.sort(key=lambda item: item.index)
    return response
