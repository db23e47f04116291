"""What is sent into the cluster runs where Python is and nothing else."""

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from infra.plan.stack import plan
from infra.settings.loader import load
from infra.settings.model import ROOT
from ops.models import worker_bundle
from ops.models.fetching import Item, Order
from ops.models.worker import PYTHON, Work, manifest
from ops.models.worker_bundle import FETCHING, READING
from tests.infra.sizing.gguf_bytes import STORED, whole
from tests.ops.models.serving import Files
from tests.policies.run_pack import judge

MOST_ENVIRONMENT = 128 * 1024
"""Bytes of one variable, by Linux."""


def carried(module: str, order: object, folder: Path) -> tuple[int, list[dict[str, Any]]]:
    """Run as a container does, by an interpreter that sees no package: its exit code, and what it told."""
    _, *rest = worker_bundle.command(module)
    environment = {**worker_bundle.environment(json.dumps(order)), "TMPDIR": str(folder), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-I", "-S", *rest], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_a_file_is_fetched(server: Files, tmp_path: Path) -> None:
    server.files["/m"] = b"model"
    order = Order(root=str(tmp_path / "disk"), items=[Item(url=f"{server.url}/m", path="m", size=5)])
    code, told = carried(FETCHING, asdict(order), tmp_path)
    assert (code, told[-1]["state"], (tmp_path / "disk/m").read_bytes()) == (0, "fetched", b"model")


def test_a_fault_is_told(server: Files, tmp_path: Path) -> None:
    order = Order(root=str(tmp_path / "disk"), items=[Item(url=f"{server.url}/m", path="m", size=5)])
    assert carried(FETCHING, asdict(order), tmp_path) == (1, [{"fault": f"{server.url}/m: 404 Not Found"}])


def test_headers_are_read_where_they_lie(tmp_path: Path) -> None:
    blob = tmp_path / "blobs/sha256-abc"
    blob.parent.mkdir()
    blob.write_bytes(whole())
    store = tmp_path / "manifests/registry.ollama.ai/library/tiny"
    store.mkdir(parents=True)
    layers = [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:abc"}]
    (store / "latest").write_text(json.dumps({"layers": layers}))
    wanted = [
        {"kind": "ollama", "path": str(tmp_path), "name": "tiny"},
        {"kind": "file", "path": str(blob), "name": "file"},
        {"kind": "file", "path": str(tmp_path / "none.gguf"), "name": "none"},
        {"kind": "ollama", "path": str(tmp_path), "name": "owner/other:8b"},
    ]
    code, told = carried(READING, {"models": wanted}, tmp_path)
    assert code == 0
    assert [(event["model"], event.get("stored")) for event in told] == [
        ("tiny", STORED),
        ("file", STORED),
        ("none", None),
        ("owner/other:8b", None),
    ]
    assert told[0]["model_spec"]["layers"] == 2
    assert told[2]["fault"].endswith("No such file or directory; fetch it first: synapse models pull none")


def test_the_archive_is_the_same_every_time_and_fits() -> None:
    assert worker_bundle.archive() == worker_bundle.archive()
    assert len(worker_bundle.archive()) < MOST_ENVIRONMENT // 2


def test_the_pod_keeps_every_rule_of_the_pack() -> None:
    (service,) = [service for service in plan(load("forge")).services if service.name == "vllm"]
    work = Work(module=FETCHING, order="{}", disk=service.volumes[0], user=10_000, token=("vllm-hf-token", "token"))
    pod = manifest(work)
    assert judge([("kubernetes:core/v1:Pod", pod)]) == []
    pod["spec"]["containers"][0]["securityContext"] = {}
    assert judge([("kubernetes:core/v1:Pod", pod)]) != []


def test_its_image_is_the_base_of_the_gateways() -> None:
    recipe = (ROOT / "gateway_image/Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^ARG BASE=(\S+)$", recipe, re.MULTILINE) == [PYTHON]
