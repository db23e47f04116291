"""The contract of llama.cpp's server with `--embedding`: one model, loaded from the start."""

import base64
from time import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from synapse_engines.errors import BadInputError, FailedError
from synapse_engines.llama.answer import Answer
from synapse_engines.llama.engine import MOST_EMBEDDED, Engine
from synapse_engines.llama.folder import models
from synapse_engines.llama.requests import Embeddings
from synapse_engines.llama.slot import Slot
from synapse_engines.settings import SettingError, Settings
from synapse_engines.web.application import application, get, post
from synapse_engines.web.bodies import json
from synapse_engines.web.refusals import llama
from synapse_engines.web.turns import Stop, unless_left

Vector = NDArray[np.float32]


class Embed:
    """One model."""

    def __init__(self, name: str, slot: Slot) -> None:
        self._name = name
        self._slot = slot

    async def embeddings(self, request: Request) -> Response:
        asked = await json(request, Embeddings)
        texts = await self._slot.turns.take(lambda _: self._tokens(asked))
        vectors = await unless_left(request, self._slot.turns.take(lambda stop: self._vectors(texts, stop)))
        count = sum(len(text) for text in texts)
        data = [_entry(number, vector, asked.encoding_format) for number, vector in enumerate(vectors)]
        usage = {"prompt_tokens": count, "total_tokens": count}
        return JSONResponse({"model": asked.model or self._name, "object": "list", "usage": usage, "data": data})

    def _tokens(self, asked: Embeddings) -> list[list[int]]:
        """Raises BadInputError, and FailedError for what is too long, as upstream."""
        inputs = asked.inputs
        if not inputs or not all(inputs):
            raise BadInputError('"input" cannot be an empty string or list')
        engine = self._slot.engine
        texts = [engine.tokens(each) if isinstance(each, str) else engine.checked(each) for each in inputs]
        longest = max(len(text) for text in texts)
        if longest > MOST_EMBEDDED:
            raise FailedError(f"input ({longest} tokens) is too large to process; accepted: at most {MOST_EMBEDDED}")
        return texts

    def _vectors(self, texts: list[list[int]], stop: Stop) -> list[Vector]:
        found = []
        for text in texts:
            if stop.is_set():
                break
            answer = Answer(prompt_tokens=len(text))
            found.append(self._slot.engine.embed(text))
            answer.count()
            self._slot.stats.add(answer)
        return found

    async def listing(self, _: Request) -> Response:
        head = {"id": self._name, "object": "model", "created": int(time()), "owned_by": "llamacpp"}
        return JSONResponse({"object": "list", "data": [{**head, "meta": self._slot.engine.about()}]})

    async def metrics(self, _: Request) -> Response:
        return PlainTextResponse(self._slot.metrics())

    async def props(self, _: Request) -> Response:
        return JSONResponse(properties(self._name, self._slot))

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})


def properties(name: str, slot: Slot) -> dict[str, Any]:
    """`GET /props` of one model."""
    return {
        "default_generation_settings": {"n_ctx": slot.engine.context},
        "total_slots": 1,
        "model_alias": name,
        "model_path": str(slot.engine.path),
        "chat_template": slot.engine.llama.metadata.get("tokenizer.chat_template", ""),
    }


def _entry(number: int, vector: Vector, encoding: str) -> dict[str, Any]:
    if encoding == "base64":
        text = base64.b64encode(vector.astype("<f4").tobytes()).decode()
        return {"object": "embedding", "index": number, "embedding": text, "encoding_format": "base64"}
    return {"object": "embedding", "index": number, "embedding": vector.tolist()}


def build(settings: Settings) -> Starlette:
    """Raises SettingError where there is no model."""
    found = models(settings.models / "embeddings")
    if not found:
        raise SettingError(
            f"{settings.models}/embeddings has no .gguf file; `synapse-engines models FOLDER` makes some"
        )
    name, path = next(iter(found.items()))
    slot = Slot(Engine(path, settings, is_embedding=True))
    server = Embed(name, slot)
    routes = (
        post("/v1/embeddings", server.embeddings),
        get("/v1/models", server.listing),
        get("/metrics", server.metrics),
        get("/props", server.props),
        get("/health", server.health),
    )
    return application(routes, llama, slot.close)
