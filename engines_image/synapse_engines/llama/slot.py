"""Loaded model with its request queue: llama.cpp's server with `--parallel 1`."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from synapse_engines.errors import EngineError, UnavailableError
from synapse_engines.llama.generation import Generation
from synapse_engines.llama.llama_model import LlamaModel
from synapse_engines.llama.metrics import LlamaMetrics
from synapse_engines.llama.responses import DONE, ResponseBuilder
from synapse_engines.llama.task import GenerationTask
from synapse_engines.web.error_responses import llama_format
from synapse_engines.web.work_queue import CancelEvent, WorkQueue, cancel_on_disconnect


class Slot:
    """Slot that serves one request at a time with *model*."""

    def __init__(self, model: LlamaModel) -> None:
        self.model = model
        self.queue = WorkQueue("llama")
        self.metrics = LlamaMetrics()
        self._is_closing = False

    async def respond(self, request: Request, task: GenerationTask, builder: ResponseBuilder) -> Response:
        """Return the response, whole or as a stream. A disconnected client cancels the generation."""
        if task.body.stream:
            return StreamingResponse(self._events(task, builder), media_type="text/event-stream")
        generation = await cancel_on_disconnect(
            request, self.queue.run(lambda cancel: self._generate_all(task, cancel))
        )
        return JSONResponse(builder.whole(generation))

    def metrics_text(self) -> str:
        return self.metrics.text(self.queue.running, self.queue.waiting)

    def close(self) -> None:
        """Cancel all requests, wait for their end, and free the memory."""
        self._is_closing = True
        self.queue.close(wait=True)
        self.model.close()

    def _generate_all(self, task: GenerationTask, cancel: CancelEvent) -> Generation:
        generation = Generation(prompt_tokens=len(task.prompt))
        for _ in self._generate(task, generation, cancel):
            pass
        return generation

    async def _events(self, task: GenerationTask, builder: ResponseBuilder) -> AsyncIterator[str]:
        """Yield the response as events; an error is an event too, because the status is already sent."""
        try:
            async for chunk in self._chunks(task, builder):
                yield _event(chunk)
            yield DONE
        except EngineError as error:
            yield _event(llama_format(error))

    async def _chunks(self, task: GenerationTask, builder: ResponseBuilder) -> AsyncIterator[Any]:
        generation = Generation(prompt_tokens=len(task.prompt))
        for chunk in builder.first_chunks():
            yield chunk
        async with aclosing(self.queue.stream(lambda cancel: self._generate(task, generation, cancel))) as parts:
            async for part in parts:
                yield builder.text_chunk(part)
        for chunk in builder.last_chunks(generation, has_usage=task.body.has_usage):
            yield chunk

    def _generate(self, task: GenerationTask, generation: Generation, cancel: CancelEvent) -> Iterator[str]:
        """Yield the generated text. Raises UnavailableError if the model is unloaded meanwhile."""
        try:
            yield from self.model.generate(task, generation, cancel)
        finally:
            self.metrics.add(generation)
        if self._is_closing:
            raise UnavailableError("the model was unloaded before the response was complete")


def _event(content: object) -> str:
    return f"data: {msgspec.json.encode(content).decode()}\n\n"
