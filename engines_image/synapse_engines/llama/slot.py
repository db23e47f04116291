"""One loaded model and those who wait for it: llama.cpp's server with `--parallel 1`."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from synapse_engines.errors import EngineError, UnavailableError
from synapse_engines.llama.answer import Answer
from synapse_engines.llama.engine import Engine
from synapse_engines.llama.shapes import DONE, Shape
from synapse_engines.llama.stats import Stats
from synapse_engines.llama.task import Task
from synapse_engines.web.refusals import llama
from synapse_engines.web.turns import Stop, Turns, unless_left


class Slot:
    """Answers one request at a time with its *engine*."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.turns = Turns("llama")
        self.stats = Stats()
        self._is_closing = False

    async def respond(self, request: Request, task: Task, shape: Shape) -> Response:
        """The answer, whole or in frames. The model stops once the client leaves."""
        if task.asked.stream:
            return StreamingResponse(self._frames(task, shape), media_type="text/event-stream")
        answer = await unless_left(request, self.turns.take(lambda stop: self._answer(task, stop)))
        return JSONResponse(shape.whole(answer))

    def metrics(self) -> str:
        return self.stats.text(self.turns.running, self.turns.waiting)

    def close(self) -> None:
        """End what is under way, and free the memory once that is over."""
        self._is_closing = True
        self.turns.close(is_patient=True)
        self.engine.close()

    def _answer(self, task: Task, stop: Stop) -> Answer:
        answer = Answer(prompt_tokens=len(task.prompt))
        for _ in self._said(task, answer, stop):
            pass
        return answer

    async def _frames(self, task: Task, shape: Shape) -> AsyncIterator[str]:
        """Raises nothing: the head of the answer is out, so what goes wrong is a frame too."""
        try:
            async for frame in self._told(task, shape):
                yield _frame(frame)
            yield DONE
        except EngineError as error:
            yield _frame(llama(error))

    async def _told(self, task: Task, shape: Shape) -> AsyncIterator[Any]:
        answer = Answer(prompt_tokens=len(task.prompt))
        for frame in shape.first():
            yield frame
        async with aclosing(self.turns.stream(lambda stop: self._said(task, answer, stop))) as parts:
            async for part in parts:
                yield shape.part(part)
        for frame in shape.last(answer, has_usage=task.asked.has_usage):
            yield frame

    def _said(self, task: Task, answer: Answer, stop: Stop) -> Iterator[str]:
        """Raises UnavailableError once the model is to go."""
        try:
            yield from self.engine.generate(task, answer, stop)
        finally:
            self.stats.add(answer)
        if self._is_closing:
            raise UnavailableError("the model was unloaded before its answer was done")


def _frame(content: object) -> str:
    return f"data: {msgspec.json.encode(content).decode()}\n\n"
