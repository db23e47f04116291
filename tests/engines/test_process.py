"""The processes: how they begin, and how they end."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient

from infra.catalog.kinds import CATALOG
from synapse_engines.kinds import KINDS
from tests.engines.chatting import ENDLESS, asking, loaded
from tests.engines.process import Engine, launch
from tests.engines.sounds import speech, upload

pytestmark = pytest.mark.anyio
POD_GRACE_S = 30
"""What Kubernetes gives a pod to end before it is killed; what is under way here would never end by itself."""


@pytest.mark.parametrize("kind", list(KINDS))
async def test_the_probes_of_the_catalogue_are_answered(start: Any, kind: str) -> None:
    engine = await start(kind)
    probes = CATALOG[kind].probes
    for probe in (probes.startup, probes.readiness, probes.liveness):
        assert (await engine.http.get(probe.path)).status_code == 200


@pytest.mark.parametrize("kind", ["llama-router", "piper"])
async def test_a_path_that_is_not_there_is_said_in_the_dialect(start: Any, kind: str) -> None:
    answer = await (await start(kind)).http.get("/nothing")
    assert answer.status_code == 404
    expected = {"error": {"code": 404, "message": "Not Found", "type": "not_found_error"}}
    assert answer.json() == (expected if kind == "llama-router" else {"detail": "Not Found"})
    wrong = await (await start(kind)).http.get("/v1/audio/speech" if kind == "piper" else "/v1/chat/completions")
    assert wrong.status_code == 405


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"input":' * 500, b"\xff"])
async def test_what_is_no_request_is_refused(start: Any, body: bytes) -> None:
    answer = await (await start("piper")).http.post("/v1/audio/speech", content=body)
    assert answer.status_code in {400, 422}
    assert answer.json()["detail"]


async def test_it_ends_soon_when_it_is_told_to_whatever_is_under_way(models: Path, tmp_path: Path) -> None:
    process = launch("llama-router", tmp_path, {"SYNAPSE_ENGINES_MODELS": str(models)})
    async with AsyncClient(base_url=process.url, timeout=60) as http:
        await loaded(Engine(process, http))
        streaming = asyncio.create_task(http.post("/v1/chat/completions", json=asking(**ENDLESS)))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        assert await asyncio.to_thread(process.end) == 0
        assert time.monotonic() - began < POD_GRACE_S
        streaming.cancel()


async def test_it_writes_to_its_temporary_folder_alone_and_leaves_nothing(tmp_path: Path) -> None:
    """What it may write is where the pod has room: a form that is served is gone afterwards."""
    process = launch("whisper", tmp_path, {"SYNAPSE_ENGINES_GRAMMAR": "digits"})
    async with AsyncClient(base_url=process.url, timeout=60) as http:
        answer = await http.post("/transcribe", files=upload(await speech("one two")))
        assert answer.status_code == 200
    assert process.end() == 0
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - in an async function


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("SYNAPSE_ENGINES_GRAMMAR", "klingon", "accepted: digits, or empty"),
        ("SYNAPSE_ENGINES_THREADS", "many", "accepted: a whole number from 1"),
    ],
)
async def test_a_setting_that_cannot_be_used_is_one_line(variable: str, value: str, words: str) -> None:
    done = command("whisper", variable, value)
    assert done.returncode == 2
    assert f"{variable}: got '{value}'" in done.stderr
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


async def test_a_folder_without_models_says_how_to_make_some(tmp_path: Path) -> None:
    done = command("llama-embed", "SYNAPSE_ENGINES_MODELS", str(tmp_path))
    assert done.returncode == 2
    assert "synapse-engines models FOLDER" in done.stderr


def command(kind: str, variable: str, value: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", "synapse_engines", kind, "--port", "0"]
    environment = {"PATH": os.environ["PATH"], variable: value}
    return subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)
