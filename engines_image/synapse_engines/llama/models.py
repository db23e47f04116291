"""The models of a router and their states: loaded when they are ordered, at most so many at a time."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from synapse_engines.errors import BadInputError, EngineError, NotFoundError, UnavailableError
from synapse_engines.llama.folder import models
from synapse_engines.llama.slot import Slot

log = logging.getLogger("synapse_engines.llama")
State = Literal["unloaded", "loading", "loaded", "unloading"]
Load = Callable[[Path], Slot]
"""Reads a file; it blocks, and raises EngineError."""


@dataclass
class Model:
    """One file. *slot* is there while it is loaded."""

    name: str
    path: Path
    state: State = "unloaded"
    is_failed: bool = False
    slot: Slot | None = None
    used: float = field(default_factory=monotonic)

    @property
    def is_running(self) -> bool:
        return self.state in {"loading", "loaded"}


class Models:
    """The models of *folder*. Orders are carried out one after the other."""

    def __init__(self, folder: Path, load: Load, most: int = 1) -> None:
        self._folder = folder
        self._load = load
        self.most = most
        self._found: dict[str, Model] = {}
        self._change = asyncio.Lock()
        self._orders: set[asyncio.Task[None]] = set()
        self.rescan()

    def rescan(self) -> None:
        """See what the folder has now; what runs stays."""
        found = {name: Model(name, path) for name, path in models(self._folder).items()}
        running = {name: model for name, model in self._found.items() if model.state != "unloaded"}
        self._found = {**found, **running}

    def all(self) -> list[Model]:
        return list(self._found.values())

    def slot(self, name: str | None) -> Slot:
        """The loaded model *name*. Raises BadInputError, and UnavailableError while it is on its way."""
        if not name:
            raise BadInputError("model name is missing from the request")
        model = self._found.get(name)
        if model is None:
            raise BadInputError(f"model '{name[:128]}' not found")
        if model.state == "loading":
            raise UnavailableError("Loading model")
        if model.slot is None or model.state != "loaded":
            raise BadInputError("model is not loaded")
        model.used = monotonic()
        return model.slot

    def order(self, name: str) -> None:
        """Begin to load *name*. Raises NotFoundError, and BadInputError for one that runs."""
        model = self._found.get(name)
        if model is None:
            raise NotFoundError("model is not found")
        if model.is_running:
            raise BadInputError("model is already running")
        model.state, model.is_failed = "loading", False
        self._begin(model, self._start)

    def dismiss(self, name: str) -> None:
        """Begin to unload *name*. Raises BadInputError."""
        model = self._found.get(name)
        if model is None:
            raise BadInputError("model is not found")
        if not model.is_running:
            raise BadInputError("model is not running")
        model.state = "unloading"
        self._begin(model, self._stop)

    def close(self) -> None:
        for order in self._orders:
            order.cancel()
        for model in self._found.values():
            if model.slot is not None:
                model.slot.close()

    def _begin(self, model: Model, change: Callable[[Model], Any]) -> None:
        order = asyncio.get_running_loop().create_task(change(model))
        self._orders.add(order)
        order.add_done_callback(self._orders.discard)

    async def _start(self, model: Model) -> None:
        async with self._change:
            await self._make_room(model)
            if model.state != "loading":  # it was dismissed meanwhile
                return
            try:
                model.slot = await asyncio.to_thread(self._load, model.path)
            except EngineError as error:
                log.error("%s", error.message)  # noqa: TRY400 - the message says it all
                model.state, model.is_failed = "unloaded", True
                return
            if model.state == "loading":
                model.state, model.used = "loaded", monotonic()

    async def _make_room(self, model: Model) -> None:
        """Unload those that were used longest ago."""
        others = sorted((each for each in self.all() if each.slot and each is not model), key=lambda each: each.used)
        for other in others[: max(len(others) - self.most + 1, 0)]:
            await self._end(other)

    async def _stop(self, model: Model) -> None:
        async with self._change:
            await self._end(model)

    async def _end(self, model: Model) -> None:
        model.state, slot, model.slot = "unloading", model.slot, None
        if slot is not None:
            await asyncio.to_thread(slot.close)
        model.state = "unloaded"
