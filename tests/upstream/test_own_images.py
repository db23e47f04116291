"""Images of this repository: the gateway and the CPU engines, installed from this checkout as their Dockerfiles do."""

import os
import subprocess
import sys
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest

from infra.catalog.cpu import ENGINES, MODELS, SPEECH_SOURCE
from infra.catalog.gateway import FEED_URL
from infra.catalog.kinds import CATALOG
from infra.settings.api_keys import hashed
from infra.settings.model import ROOT
from tests.engines_image.packaged_models import packaged_models
from tests.upstream.container import Container
from tests.upstream.image import Image, python
from tests.upstream.images import configured
from tests.upstream.running import started
from tests.upstream.stack import engine, everything, of_kind
from tools.offline.debian import program

pytestmark = pytest.mark.usefixtures("privileged")
API_KEYS = "SYNAPSE_API_KEYS"
KEY = "a-key-of-the-test"
KEYED = {"Authorization": f"Bearer {KEY}"}
UV = ROOT / "tools/uv"
EXTRAS = {"gateway_image": ("--extra", "models", "--extra", "otlp"), "engines_image": ("--extra", "cpu")}


def installed(folder: str, target: Path) -> Path:
    """Install the package of *folder* at *target*, without an editable link to the checkout; return the environment."""
    environment = {"UV_PROJECT_ENVIRONMENT": str(target)}
    subprocess.run([UV, "venv", "--quiet", "--relocatable", "--python", sys.executable, target], check=True)
    command = [str(UV), "sync", "--quiet", "--locked", "--no-dev", *EXTRAS[folder], "--no-editable"]
    package = f"synapse-{folder.removesuffix('_image')}"
    command += ["--python", sys.executable, "--reinstall-package", package]
    subprocess.run(command, cwd=ROOT / folder, env={**os.environ, **environment}, check=True)
    return target


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return configured("gateway", python(installed("gateway_image", tmp_path_factory.mktemp("gateway") / "venv")))


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Image:
    folder = tmp_path_factory.mktemp("engines")
    program("ffmpeg")
    made = python(installed("engines_image", folder / "venv"))
    image = replace(made, files={**made.files, MODELS: packaged_models()})
    return configured("engines", image)


def reading_models(kind: str) -> Container:
    """Return the container of a CPU engine, whose volume of models is a read-only folder of the image."""
    pod = engine(kind)
    (volume,) = [mount for mount in pod.mounts if mount.path == MODELS]
    assert volume.read_only
    return replace(pod, mounts=tuple(mount for mount in pod.mounts if mount is not volume))


def test_the_gateway_answers(gateway: Image, tmp_path: Path) -> None:
    secrets = {API_KEYS: hashed(KEY), FEED_URL: "redis://127.0.0.1:6379/0"}
    container = of_kind("gateway", **secrets)
    with started(container, gateway, tmp_path) as running:
        running.wait_until_ready()
        names = [service.name for service in everything().services if service.backend.tasks]
        assert sorted(running.get("/health", headers=KEYED).json()["backends"]) == sorted(names)
        assert running.get("/v1/models", headers=KEYED).json()["error"]["code"] == "backend_unavailable"
        assert running.get("/v1/models").status_code == HTTPStatus.UNAUTHORIZED
        assert running.stop() == 0


@pytest.mark.parametrize("kind", [kind for kind, each in ENGINES.items() if each.source == SPEECH_SOURCE])
def test_a_cpu_engine_answers_its_probes(engines: Image, kind: str, tmp_path: Path) -> None:
    probes = CATALOG[kind].probes
    with started(reading_models(kind), engines, tmp_path) as running:
        running.wait_until_ready()
        for probe in (probes.startup, probes.readiness, probes.liveness):
            assert probe.path
            assert running.get(probe.path).status_code == 200
        assert running.stop() == 0
