"""Models of a router and their states: loaded on request, with a limit of loaded models."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from synapse_engines.errors import BadInputError, EngineError, NotFoundError, UnavailableError
from synapse_engines.llama.gguf_files import gguf_files
from synapse_engines.llama.slot import Slot

log = logging.getLogger("synapse_engines.llama")
State = Literal["unloaded", "loading", "loaded", "unloading"]
Load = Callable[[Path], Slot]
"""Load a model file; blocks, and raises EngineError."""


@dataclass
class RouterModel:
    """Model file, its state, and its *slot* while it is loaded."""

    name: str
    path: Path
    state: State = "unloaded"
    is_failed: bool = False
    slot: Slot | None = None
    last_used: float = field(default_factory=monotonic)

    @property
    def is_running(self) -> bool:
        return self.state in {"loading", "loaded"}


class ModelRegistry:
    """Models of *folder*; loads and unloads run one after the other."""

    def __init__(self, folder: Path, load: Load, max_loaded: int = 1) -> None:
        self._folder = folder
        self._load = load
        self.max_loaded = max_loaded
        self._models: dict[str, RouterModel] = {}
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.rescan()

    def rescan(self) -> None:
        """Read the folder again; models that are not unloaded stay in the list."""
        files = {name: RouterModel(name, path) for name, path in gguf_files(self._folder).items()}
        running = {name: model for name, model in self._models.items() if model.state != "unloaded"}
        self._models = {**files, **running}

    def all(self) -> list[RouterModel]:
        return list(self._models.values())

    def slot(self, name: str | None) -> Slot:
        """Return the slot of the model *name*. Raises BadInputError, and UnavailableError while it is loading."""
        if not name:
            raise BadInputError("model name is missing from the request")
        model = self._models.get(name)
        if model is None:
            raise BadInputError(f"model '{name[:128]}' not found")
        if model.state == "loading":
            raise UnavailableError("Loading model")
        if model.slot is None or model.state != "loaded":
            raise BadInputError("model is not loaded")
        model.last_used = monotonic()
        return model.slot

    def load(self, name: str) -> None:
        """Start to load *name*. Raises NotFoundError, and BadInputError if it is loaded or loading."""
        model = self._models.get(name)
        if model is None:
            raise NotFoundError("model is not found")
        if model.is_running:
            raise BadInputError("model is already running")
        model.state, model.is_failed = "loading", False
        self._start(model, self._load_model)

    def unload(self, name: str) -> None:
        """Start to unload *name*. Raises BadInputError."""
        model = self._models.get(name)
        if model is None:
            raise BadInputError("model is not found")
        if not model.is_running:
            raise BadInputError("model is not running")
        model.state = "unloading"
        self._start(model, self._unload_model)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for model in self._models.values():
            if model.slot is not None:
                model.slot.close()

    def _start(self, model: RouterModel, change: Callable[[RouterModel], Any]) -> None:
        task = asyncio.get_running_loop().create_task(change(model))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load_model(self, model: RouterModel) -> None:
        async with self._lock:
            await self._unload_oldest(model)
            if model.state != "loading":  # unloaded while it was waiting
                return
            try:
                model.slot = await asyncio.to_thread(self._load, model.path)
            except EngineError as error:
                log.error("%s", error.message)  # noqa: TRY400 - a traceback would add nothing
                model.state, model.is_failed = "unloaded", True
                return
            if model.state == "loading":
                model.state, model.last_used = "loaded", monotonic()

    async def _unload_oldest(self, model: RouterModel) -> None:
        """Unload the least recently used models, so that one more fits the limit."""
        others = sorted(
            (each for each in self.all() if each.slot and each is not model), key=lambda each: each.last_used
        )
        for other in others[: max(len(others) - self.max_loaded + 1, 0)]:
            await self._close_slot(other)

    async def _unload_model(self, model: RouterModel) -> None:
        async with self._lock:
            await self._close_slot(model)

    async def _close_slot(self, model: RouterModel) -> None:
        model.state, slot, model.slot = "unloading", model.slot, None
        if slot is not None:
            await asyncio.to_thread(slot.close)
        model.state = "unloaded"
