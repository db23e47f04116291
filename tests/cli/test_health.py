"""`synapse health` where no cluster is at hand: what the gateway at an address says."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_commands import project, synapse
from tests.conftest import Config, forge_config
from tests.ops.models.serving import Files, serving

Health = Callable[[str], tuple[int, dict[str, Any]]]


@pytest.fixture
def server() -> Iterator[Files]:
    with serving() as found:
        yield found


@pytest.fixture
def health(tmp_path: Path) -> Health:
    config: Config = forge_config()
    folder = project(tmp_path, config)

    def run(url: str) -> tuple[int, dict[str, Any]]:
        done = synapse(folder, "health", "--stack", "mine", "--url", url, "--json")
        return done.returncode, json.loads(done.stdout)

    return run


@pytest.mark.parametrize(("status", "code"), [("healthy", 0), ("degraded", 1)])
def test_the_exit_code_is_the_gateways_word(server: Files, health: Health, status: str, code: int) -> None:
    backends = {"ollama": {"status": "healthy", "code": 200}, "vllm": {"status": "unreachable", "error": "refused"}}
    server.documents["/health"] = {"status": status, "backends": backends}
    found = health(server.url)
    assert found[0] == code
    assert found[1] == {
        "healthy": code == 0,
        "pods": None,
        "gateway": {"status": status, "backends": backends},
        "fault": None,
    }


def test_what_is_no_gateway_is_told(server: Files, health: Health) -> None:
    code, found = health(server.url)
    assert (code, found["gateway"]) == (1, None)
    assert "does not tell its health" in found["fault"]
    server.documents["/health"] = {"ok": True}
    assert "is no Synapse gateway: its /health cannot be read" in health(server.url)[1]["fault"]
    assert "does not tell its health" in health("http://127.0.0.1:9")[1]["fault"]
