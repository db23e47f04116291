"""API of llama.cpp's server with `--embedding`: one model, loaded at the start."""

import base64
from time import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from synapse_engines.errors import BadInputError, FailedError
from synapse_engines.llama.generation import Generation
from synapse_engines.llama.gguf_files import gguf_files
from synapse_engines.llama.llama_model import MAX_EMBEDDING_TOKENS, LlamaModel
from synapse_engines.llama.requests import EmbeddingsRequest
from synapse_engines.llama.slot import Slot
from synapse_engines.settings import SettingError, Settings
from synapse_engines.web.application import application, get, health, post
from synapse_engines.web.error_responses import llama_format
from synapse_engines.web.requests import read_json
from synapse_engines.web.work_queue import CancelEvent, cancel_on_disconnect

Vector = NDArray[np.float32]


class EmbedServer:
    """Handlers of the API, for one model."""

    def __init__(self, name: str, slot: Slot) -> None:
        self._name = name
        self._slot = slot

    async def embeddings(self, request: Request) -> Response:
        body = await read_json(request, EmbeddingsRequest)
        texts = await self._slot.queue.run(lambda _: self._tokens(body))
        vectors = await cancel_on_disconnect(request, self._slot.queue.run(lambda cancel: self._vectors(texts, cancel)))
        count = sum(len(text) for text in texts)
        data = [_embedding_entry(number, vector, body.encoding_format) for number, vector in enumerate(vectors)]
        usage = {"prompt_tokens": count, "total_tokens": count}
        return JSONResponse({"model": body.model or self._name, "object": "list", "usage": usage, "data": data})

    def _tokens(self, body: EmbeddingsRequest) -> list[list[int]]:
        """Return the tokens of each input. Raises BadInputError, and as upstream FailedError for a long input."""
        inputs = body.inputs
        if not inputs or not all(inputs):
            raise BadInputError('"input" cannot be an empty string or list')
        model = self._slot.model
        texts = [model.tokens(each) if isinstance(each, str) else model.check_prompt(each) for each in inputs]
        longest = max(len(text) for text in texts)
        if longest > MAX_EMBEDDING_TOKENS:
            raise FailedError(
                f"input ({longest} tokens) is too large to process; accepted: at most {MAX_EMBEDDING_TOKENS}"
            )
        return texts

    def _vectors(self, texts: list[list[int]], cancel: CancelEvent) -> list[Vector]:
        vectors = []
        for text in texts:
            if cancel.is_set():
                break
            generation = Generation(prompt_tokens=len(text))
            vectors.append(self._slot.model.embed(text))
            generation.count_token()
            self._slot.metrics.add(generation)
        return vectors

    async def list_models(self, _: Request) -> Response:
        head = {"id": self._name, "object": "model", "created": int(time()), "owned_by": "llamacpp"}
        return JSONResponse({"object": "list", "data": [{**head, "meta": self._slot.model.metadata()}]})

    async def metrics(self, _: Request) -> Response:
        return PlainTextResponse(self._slot.metrics_text())

    async def props(self, _: Request) -> Response:
        return JSONResponse(properties(self._name, self._slot))


def properties(name: str, slot: Slot) -> dict[str, Any]:
    """Return the body of `GET /props` for a loaded model."""
    return {
        "default_generation_settings": {"n_ctx": slot.model.context},
        "total_slots": 1,
        "model_alias": name,
        "model_path": str(slot.model.path),
        "chat_template": slot.model.llama.metadata.get("tokenizer.chat_template", ""),
    }


def _embedding_entry(number: int, vector: Vector, encoding: str) -> dict[str, Any]:
    if encoding == "base64":
        text = base64.b64encode(vector.astype("<f4").tobytes()).decode()
        return {"object": "embedding", "index": number, "embedding": text, "encoding_format": "base64"}
    return {"object": "embedding", "index": number, "embedding": vector.tolist()}


def build(settings: Settings) -> Starlette:
    """Return the application. Raises SettingError if the folder has no model."""
    files = gguf_files(settings.models / "embeddings")
    if not files:
        raise SettingError(
            f"{settings.models}/embeddings has no .gguf file; build one with `synapse-engines models FOLDER`"
        )
    name, path = next(iter(files.items()))
    slot = Slot(LlamaModel(path, settings, is_embedding=True))
    server = EmbedServer(name, slot)
    routes = (
        post("/v1/embeddings", server.embeddings),
        get("/v1/models", server.list_models),
        get("/metrics", server.metrics),
        get("/props", server.props),
        get("/health", health),
    )
    return application(routes, llama_format, slot.close)
