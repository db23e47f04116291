"""Engine processes on the libraries for a GPU, with the CPU as their device."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.engines_cuda.environments import environment, install_source
from tests.engines_image.conftest import models, programs  # noqa: F401 - fixtures
from tests.engines_image.engine_process import launch
from tests.engines_image.speech import say  # noqa: F401 - a fixture
from tests.server_process import REQUEST_S, ServerProcess

Serve = Callable[..., httpx.Client]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the package of the engines, which the environments lack."""
    return install_source(tmp_path_factory.mktemp("synapse-engines"))


@pytest.fixture(scope="session")
def serve(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """`serve("whisper", "speaches", models)`: a client of the kind, in that environment, with further settings.

    Each process is shared by the tests, and must end without an error.
    """
    processes: dict[object, ServerProcess] = {}
    clients: list[httpx.Client] = []

    def get(name: str, kind: str, folder: Path, **variables: str) -> httpx.Client:
        key = (name, kind, folder, *sorted(variables.items()))
        if key not in processes:
            scratch = tmp_path_factory.mktemp(kind)
            settings = {
                "SYNAPSE_ENGINES_DEVICE": "cpu",
                "SYNAPSE_ENGINES_MODELS": str(folder),
                "SYNAPSE_ENGINES_THREADS": "1",
            }
            home = {"HOME": str(scratch), "PYTHONPATH": str(source)}
            python = environment(name) / "bin/python"
            processes[key] = launch(kind, scratch, {**home, **settings, **variables}, python)
        clients.append(httpx.Client(base_url=processes[key].url, timeout=REQUEST_S))
        return clients[-1]

    yield get
    for client in clients:
        client.close()
    codes = {process.kind: process.terminate() for process in processes.values()}
    assert set(codes.values()) <= {0}, codes


@pytest.fixture
def variables(source: Path, tmp_path: Path) -> dict[str, str]:
    """Environment variables of a program that uses the package of the engines."""
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONPATH": str(source)}
