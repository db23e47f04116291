"""Vectors in Ollama's shape."""

from collections.abc import Mapping
from time import perf_counter_ns

from synapse_gateway.api.ollama.openai import Usage, Vectors, read
from synapse_gateway.errors import BadGatewayError
from synapse_gateway.routing.relay import count, whole
from synapse_gateway.server.call import Call
from synapse_gateway.server.http import Response
from synapse_gateway.upstream.http import UpstreamResponse
from synapse_gateway.upstream.upstream import Upstream


class Embedded:
    """Gives vectors in the shape of /api/embed; made for each request, given to `forward`."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._started = perf_counter_ns()

    async def __call__(self, call: Call, backend: Upstream, answer: UpstreamResponse, _: Mapping[str, str]) -> Response:
        found = await _vectors(backend, answer)
        return call.answer(
            {
                "model": self._model,
                "embeddings": [vector.embedding for vector in found.data],
                "total_duration": perf_counter_ns() - self._started,
                "load_duration": 0,
                "prompt_eval_count": (found.usage or Usage()).prompt_tokens,
            }
        )


async def first_only(call: Call, backend: Upstream, answer: UpstreamResponse, _: Mapping[str, str]) -> Response:
    """The one vector, in the shape of /api/embeddings."""
    found = await _vectors(backend, answer)
    return call.answer({"embedding": found.data[0].embedding})


async def _vectors(backend: Upstream, answer: UpstreamResponse) -> Vectors:
    """In the order of what was asked."""
    data = await whole(backend, answer)
    count(backend, data)
    found = read(data, Vectors)
    if not found.data:
        raise BadGatewayError(f"{backend.name} gave no vectors", code="backend_bad_response")
    found.data.sort(key=lambda vector: vector.index)
    return found
