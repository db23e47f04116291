"""API of llama.cpp's server as a router: `--models-dir`, `--models-max 1`, `--no-models-autoload`."""

from collections.abc import Callable
from functools import partial
from time import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from synapse_engines.llama.embed_server import properties
from synapse_engines.llama.llama_model import LlamaModel
from synapse_engines.llama.prompt import prompt_tokens
from synapse_engines.llama.registry import ModelRegistry, RouterModel
from synapse_engines.llama.requests import ChatRequest, CompletionRequest, GenerationRequest, ModelRequest
from synapse_engines.llama.responses import ResponseBuilder
from synapse_engines.llama.slot import Slot
from synapse_engines.llama.task import build_task
from synapse_engines.settings import Settings
from synapse_engines.web.application import application, get, health, post
from synapse_engines.web.error_responses import llama_format
from synapse_engines.web.requests import read_json


class RouterServer:
    """Handlers of the API; each request names its model."""

    def __init__(self, models: ModelRegistry, settings: Settings) -> None:
        self._models = models
        self._settings = settings

    # Text

    async def chat(self, request: Request) -> Response:
        body = await read_json(request, ChatRequest)
        builder = ResponseBuilder(model=body.model or "", api="chat")
        return await self._respond(request, body, builder, partial(_chat_prompt, body))

    async def completions(self, request: Request) -> Response:
        body = await read_json(request, CompletionRequest)
        builder = ResponseBuilder(model=body.model or "", api="text")
        return await self._respond(request, body, builder, partial(_completion_prompt, body))

    async def _respond(
        self,
        request: Request,
        body: GenerationRequest,
        builder: ResponseBuilder,
        prompt: Callable[[LlamaModel], list[int]],
    ) -> Response:
        slot = self._models.slot(body.model)
        task = await slot.queue.run(lambda _: build_task(prompt(slot.model), body))
        return await slot.respond(request, task, builder)

    # Models

    async def list_models(self, request: Request) -> Response:
        if request.query_params.get("reload"):
            self._models.rescan()
        return JSONResponse({"data": [self._entry(model) for model in self._models.all()], "object": "list"})

    async def load(self, request: Request) -> Response:
        self._models.load((await read_json(request, ModelRequest)).model)
        return JSONResponse({"success": True})

    async def unload(self, request: Request) -> Response:
        self._models.unload((await read_json(request, ModelRequest)).model)
        return JSONResponse({"success": True})

    # Properties and metrics

    async def props(self, request: Request) -> Response:
        name = request.query_params.get("model")
        if name:
            return JSONResponse(properties(name, self._models.slot(name)))
        router = {"role": "router", "max_instances": self._models.max_loaded, "models_autoload": False}
        return JSONResponse({**router, "model_alias": "llama-server", "model_path": "none"})

    async def metrics(self, request: Request) -> Response:
        return PlainTextResponse(self._models.slot(request.query_params.get("model")).metrics_text())

    def _entry(self, model: RouterModel) -> dict[str, Any]:
        status: dict[str, Any] = {"value": model.state, "args": self._arguments(model)}
        if model.is_failed:
            status |= {"failed": True, "exit_code": 1}
        head = {"id": model.name, "object": "model", "owned_by": "llamacpp", "created": int(time())}
        meta = {"meta": model.slot.model.metadata()} if model.state == "loaded" and model.slot else {}
        return {**head, "status": status, **meta}

    def _arguments(self, model: RouterModel) -> list[str]:
        """Return the command line of the equivalent llama.cpp server."""
        context, threads = str(self._settings.context), str(self._settings.threads)
        return ["llama-server", "--model", str(model.path), "--ctx-size", context, "--threads", threads]


def _chat_prompt(body: ChatRequest, model: LlamaModel) -> list[int]:
    return prompt_tokens(model, body)


def _completion_prompt(body: CompletionRequest, model: LlamaModel) -> list[int]:
    return model.check_prompt(model.tokens(body.prompt) if isinstance(body.prompt, str) else body.prompt)


def build(settings: Settings) -> Starlette:
    models = ModelRegistry(settings.models / "chat", lambda path: Slot(LlamaModel(path, settings)))
    server = RouterServer(models, settings)
    routes = (
        post("/v1/chat/completions", server.chat),
        post("/v1/completions", server.completions),
        get("/models", server.list_models),
        get("/v1/models", server.list_models),
        post("/models/load", server.load),
        post("/models/unload", server.unload),
        get("/props", server.props),
        get("/metrics", server.metrics),
        get("/health", health),
    )
    return application(routes, llama_format, models.close)
