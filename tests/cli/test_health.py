"""`synapse health` with the address of a gateway, without a cluster."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_commands import project, synapse
from tests.conftest import Config, forge_config
from tests.ops.models.file_server import FileServer, serving

Health = Callable[[str], tuple[int, dict[str, Any]]]


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as files:
        yield files


@pytest.fixture
def health(tmp_path: Path) -> Health:
    config: Config = forge_config()
    folder = project(tmp_path, config)

    def run(url: str) -> tuple[int, dict[str, Any]]:
        done = synapse(folder, "health", "--stack", "mine", "--url", url, "--json")
        return done.returncode, json.loads(done.stdout)

    return run


@pytest.mark.parametrize(("status", "code"), [("healthy", 0), ("degraded", 1)])
def test_the_exit_code_follows_the_gateways_status(server: FileServer, health: Health, status: str, code: int) -> None:
    backends = {"ollama": {"status": "healthy", "code": 200}, "vllm": {"status": "unreachable", "error": "refused"}}
    server.documents["/health"] = {"status": status, "backends": backends}
    exit_code, document = health(server.url)
    assert exit_code == code
    assert document == {
        "healthy": code == 0,
        "pods": None,
        "gateway": {"status": status, "backends": backends},
        "fault": None,
    }


def test_a_server_that_is_no_gateway_is_reported(server: FileServer, health: Health) -> None:
    code, document = health(server.url)
    assert (code, document["gateway"]) == (1, None)
    assert "does not report its health" in document["fault"]
    server.documents["/health"] = {"ok": True}
    assert "is not a Synapse gateway: its /health cannot be read" in health(server.url)[1]["fault"]
    assert "does not report its health" in health("http://127.0.0.1:9")[1]["fault"]
