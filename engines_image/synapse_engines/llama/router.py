"""The contract of llama.cpp's server as a router: `--models-dir`, `--models-max 1`, `--no-models-autoload`."""

from collections.abc import Callable
from functools import partial
from time import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from synapse_engines.llama.embed import properties
from synapse_engines.llama.engine import Engine
from synapse_engines.llama.models import Model, Models
from synapse_engines.llama.prompt import prompt
from synapse_engines.llama.requests import Chat, Completion, Named, Sampling
from synapse_engines.llama.shapes import Shape
from synapse_engines.llama.slot import Slot
from synapse_engines.llama.task import task
from synapse_engines.settings import Settings
from synapse_engines.web.application import application, get, post
from synapse_engines.web.bodies import json
from synapse_engines.web.refusals import llama


class Router:
    """Answers for whichever of its models a request names."""

    def __init__(self, models: Models, settings: Settings) -> None:
        self._models = models
        self._settings = settings

    # Text

    async def chat(self, request: Request) -> Response:
        asked = await json(request, Chat)
        return await self._respond(request, asked, Shape(model=asked.model or "", api="chat"), partial(_chat, asked))

    async def completions(self, request: Request) -> Response:
        asked = await json(request, Completion)
        return await self._respond(request, asked, Shape(model=asked.model or "", api="text"), partial(_text, asked))

    async def _respond(
        self, request: Request, asked: Sampling, shape: Shape, read: Callable[[Engine], list[int]]
    ) -> Response:
        slot = self._models.slot(asked.model)
        ready = await slot.turns.take(lambda _: task(read(slot.engine), asked))
        return await slot.respond(request, ready, shape)

    # Models

    async def listing(self, request: Request) -> Response:
        if request.query_params.get("reload"):
            self._models.rescan()
        return JSONResponse({"data": [self._entry(model) for model in self._models.all()], "object": "list"})

    async def load(self, request: Request) -> Response:
        self._models.order((await json(request, Named)).model)
        return JSONResponse({"success": True})

    async def unload(self, request: Request) -> Response:
        self._models.dismiss((await json(request, Named)).model)
        return JSONResponse({"success": True})

    # About itself

    async def props(self, request: Request) -> Response:
        name = request.query_params.get("model")
        if name:
            return JSONResponse(properties(name, self._models.slot(name)))
        own = {"role": "router", "max_instances": self._models.most, "models_autoload": False}
        return JSONResponse({**own, "model_alias": "llama-server", "model_path": "none"})

    async def metrics(self, request: Request) -> Response:
        return PlainTextResponse(self._models.slot(request.query_params.get("model")).metrics())

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def _entry(self, model: Model) -> dict[str, Any]:
        status: dict[str, Any] = {"value": model.state, "args": self._arguments(model)}
        if model.is_failed:
            status |= {"failed": True, "exit_code": 1}
        head = {"id": model.name, "object": "model", "owned_by": "llamacpp", "created": int(time())}
        about = {"meta": model.slot.engine.about()} if model.state == "loaded" and model.slot else {}
        return {**head, "status": status, **about}

    def _arguments(self, model: Model) -> list[str]:
        """What llama.cpp's server would be started with."""
        context, threads = str(self._settings.context), str(self._settings.threads)
        return ["llama-server", "--model", str(model.path), "--ctx-size", context, "--threads", threads]


def _chat(asked: Chat, engine: Engine) -> list[int]:
    return prompt(engine, asked)


def _text(asked: Completion, engine: Engine) -> list[int]:
    return engine.checked(engine.tokens(asked.prompt) if isinstance(asked.prompt, str) else asked.prompt)


def build(settings: Settings) -> Starlette:
    models = Models(settings.models / "chat", lambda path: Slot(Engine(path, settings)))
    server = Router(models, settings)
    routes = (
        post("/v1/chat/completions", server.chat),
        post("/v1/completions", server.completions),
        get("/models", server.listing),
        get("/v1/models", server.listing),
        post("/models/load", server.load),
        post("/models/unload", server.unload),
        get("/props", server.props),
        get("/metrics", server.metrics),
        get("/health", server.health),
    )
    return application(routes, llama, models.close)
