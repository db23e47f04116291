"""Start, errors and shutdown of the engine processes."""

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
from synapse_engines.models.gpu import driver_gpus
from tests.engines_image.engine_process import launch
from tests.engines_image.recordings import upload
from tests.engines_image.speech import Say
from tests.server_process import REQUEST_S

pytestmark = pytest.mark.anyio
NO_GPU = pytest.mark.skipif(driver_gpus() > 0, reason="this machine has a GPU")
POD_GRACE_S = 30
"""Termination grace period of a pod; the running request of the test does not end before."""


@pytest.mark.parametrize("kind", list(KINDS))
async def test_the_probes_of_the_catalogue_succeed(start: Any, kind: str) -> None:
    engine = await start(kind)
    probes = CATALOG[kind].probes
    for probe in (probes.startup, probes.readiness, probes.liveness):
        assert (await engine.http.get(probe.path)).status_code == 200


async def test_an_unknown_path_is_an_error_in_the_format_of_the_upstream(start: Any) -> None:
    engine = await start("piper")
    response = await engine.http.get("/nothing")
    assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})
    assert (await engine.http.get("/v1/audio/speech")).status_code == 405


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"input":' * 500, b"\xff"])
async def test_an_invalid_body_is_refused(start: Any, body: bytes) -> None:
    response = await (await start("piper")).http.post("/v1/audio/speech", content=body)
    assert response.status_code in {400, 422}
    assert response.json()["detail"]


async def test_sigterm_ends_the_process_within_the_grace_period_of_a_pod(models: Path, tmp_path: Path) -> None:
    process = launch("piper", tmp_path, {"SYNAPSE_ENGINES_MODELS": str(models)})
    async with AsyncClient(base_url=process.url, timeout=REQUEST_S) as http:
        body = {"input": "This is one of very many sentences. " * 500, "response_format": "pcm"}
        async with http.stream("POST", "/v1/audio/speech", json=body) as response:
            assert response.status_code == 200
            await anext(response.aiter_bytes())
            started = time.monotonic()
            assert await asyncio.to_thread(process.terminate) == 0
            assert time.monotonic() - started < POD_GRACE_S


async def test_no_file_of_a_request_remains(models: Path, tmp_path: Path, say: Say) -> None:
    """The temporary folder is a small volume of the pod, so an uploaded form is deleted after the response."""
    process = launch("whisper", tmp_path, {"SYNAPSE_ENGINES_MODELS": str(models)})
    async with AsyncClient(base_url=process.url, timeout=REQUEST_S) as http:
        response = await http.post("/transcribe", files=upload(say("One two three.")))
        assert response.status_code == 200
    assert process.terminate() == 0
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - in an async function


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SYNAPSE_ENGINES_DEVICE", "abacus", "accepted: cpu, cuda"),
        pytest.param("SYNAPSE_ENGINES_DEVICE", "cuda", "accepted: cpu, or a machine with them", marks=NO_GPU),
        ("SYNAPSE_ENGINES_IDLE_UNLOAD_S", "-1", "accepted: a whole number from 0"),
        ("SYNAPSE_ENGINES_COMPUTE_TYPE", "int3", "accepted: int8, int8_float32, "),
        ("SYNAPSE_ENGINES_THREADS", "many", "accepted: a whole number from 1"),
    ],
)
async def test_an_invalid_setting_is_reported_in_one_line(variable: str, value: str, message: str) -> None:
    result = command("whisper", variable, value)
    assert result.returncode == 2
    assert f"{variable}: got '{value}'" in result.stderr
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("kind", list(KINDS))
async def test_a_missing_model_is_reported_in_one_line(kind: str, tmp_path: Path) -> None:
    result = command(kind, "SYNAPSE_ENGINES_MODELS", str(tmp_path))
    assert result.returncode == 2, result.stderr
    assert str(tmp_path) in result.stderr
    assert len(result.stderr.splitlines()) == 1


def command(kind: str, variable: str, value: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", "synapse_engines", kind, "--port", "0"]
    environment = {"PATH": os.environ["PATH"], variable: value}
    return subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=600, check=False)
