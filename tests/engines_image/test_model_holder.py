"""A model is loaded once at its first use, and leaves memory when it is idle."""

import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from synapse_engines.models.holder import ModelHolder, release_memory
from synapse_engines.models.memory import peak_bytes, resident_bytes

WAIT_S = 300
SIZE, BLOCK = 100_000_000, 1000


class Model:
    pass


class Loader:
    """Function that returns a new model, and counts."""

    def __init__(self) -> None:
        self.count = 0
        self.unloaded = Event()

    def __call__(self) -> Model:
        self.count += 1
        model = Model()
        weakref.finalize(model, self.unloaded.set)
        return model


def blocks(after: list[bytes]) -> list[bytes]:
    """Return many small blocks; one more in *after* keeps the C library from shrinking its heap by itself."""
    model = [bytes(BLOCK) for _ in range(SIZE // BLOCK)]
    after.append(bytes(BLOCK))
    return model


def test_a_model_is_loaded_at_its_first_use_and_then_kept() -> None:
    load = Loader()
    holder = ModelHolder("m", load)
    assert (holder.is_loaded, load.count) == (False, 0)
    with holder.use() as first:
        assert holder.is_loaded
    with holder.use() as second:
        assert second is first
    assert load.count == 1


def test_threads_that_come_at_once_wait_for_one_load() -> None:
    started, finish = Event(), Event()

    def load() -> object:
        started.set()
        assert finish.wait(WAIT_S)
        return object()

    holder = ModelHolder("m", load)

    def use() -> object:
        with holder.use() as model:
            return model

    with ThreadPoolExecutor(4) as threads:
        results = [threads.submit(use) for _ in range(4)]
        assert started.wait(WAIT_S)
        finish.set()
        assert len({id(result.result(WAIT_S)) for result in results}) == 1


def test_an_idle_model_leaves_memory_and_is_loaded_again() -> None:
    load = Loader()
    holder = ModelHolder("m", load, idle_s=0.01)
    with holder.use():
        pass
    assert load.unloaded.wait(WAIT_S)
    assert not holder.is_loaded
    with holder.use():
        assert load.count == 2
    holder.close()


def test_a_model_in_use_is_not_unloaded() -> None:
    load = Loader()
    holder = ModelHolder("m", load, idle_s=0.01)
    with holder.use(), holder.use():
        assert holder.unload() is False
    with holder.use():
        assert not load.unloaded.wait(0.1)
    assert load.unloaded.wait(WAIT_S)
    assert holder.unload() is False


def test_a_closed_holder_does_not_unload() -> None:
    load = Loader()
    holder = ModelHolder("m", load, idle_s=0.05)
    with holder.use():
        pass
    holder.close()
    assert not load.unloaded.wait(0.2)


def test_a_failed_load_is_tried_again() -> None:
    attempts = iter([OSError("not yet"), None])

    def load() -> str:
        if error := next(attempts):
            raise error
        return "model"

    holder = ModelHolder("m", load)
    with pytest.raises(OSError, match="not yet"), holder.use():
        pass
    assert not holder.is_loaded
    with holder.use() as model:
        assert model == "model"


def test_unloading_returns_memory_to_the_system() -> None:
    release_memory()  # of other tests
    before = resident_bytes()
    after: list[bytes] = []
    holder = ModelHolder("m", lambda: blocks(after))
    with holder.use():
        pass
    assert resident_bytes() > before + 0.9 * SIZE
    assert holder.unload()
    assert resident_bytes() < before + 0.1 * SIZE
    assert peak_bytes() > before + 0.9 * SIZE
