"""Holder of a model that is loaded at its first use and leaves memory when it is idle."""

import ctypes
import gc
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import RLock, Timer
from typing import Generic, TypeVar

T = TypeVar("T")
LOG = logging.getLogger(__name__)


class ModelHolder(Generic[T]):
    """A model for several threads. *load* returns it; *idle_s* seconds after its last use it is unloaded (0: never)."""

    def __init__(self, name: str, load: Callable[[], T], idle_s: float = 0) -> None:
        self.name = name
        self._load, self._idle_s = load, idle_s
        self._lock = RLock()
        self._model: T | None = None
        self._users = 0
        self._timer: Timer | None = None

    @property
    def is_loaded(self) -> bool:
        return self._model is not None

    @contextmanager
    def use(self) -> Iterator[T]:
        """Lend the model, loaded first where it is not; other threads wait for the same loading."""
        model = self._take()
        try:
            yield model
        finally:
            self._give_back()

    def unload(self) -> bool:
        """Release the model; return False where it is in use or not loaded."""
        with self._lock:
            if self._model is None or self._users:
                return False
            self._stop_timer()
            self._model = None
        release_memory()
        LOG.info("%s: unloaded", self.name)
        return True

    def close(self) -> None:
        """Stop the timer, so that the process can end."""
        with self._lock:
            self._stop_timer()

    def _take(self) -> T:
        with self._lock:
            self._stop_timer()
            if self._model is None:
                start = time.monotonic()
                self._model = self._load()
                LOG.info("%s: loaded in %.1f s", self.name, time.monotonic() - start)
            self._users += 1
            return self._model

    def _give_back(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users and self._idle_s:
                self._timer = Timer(self._idle_s, self.unload)
                self._timer.daemon = True
                self._timer.start()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def release_memory() -> None:
    """Return freed memory to the system: the C library would keep it for the next allocation."""
    gc.collect()
    with suppress(OSError, AttributeError):  # no glibc
        ctypes.CDLL(None).malloc_trim(0)
