"""The reader of headers runs where there is only Python."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ops.models import worker_bundle
from tests.infra.sizing.gguf_bytes import STORED, whole

VARIABLE_LIMIT = 128 * 1024
"""Bytes of one variable on Linux."""


def run(request: object, folder: Path) -> list[dict[str, Any]]:
    """Run the reader like a container, with an interpreter that sees no package; return its events."""
    _, *arguments = worker_bundle.command()
    environment = {**worker_bundle.environment(json.dumps(request)), "TMPDIR": str(folder), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-I", "-S", *arguments]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_headers_are_read_at_their_places(tmp_path: Path) -> None:
    blob = tmp_path / "blobs/sha256-abc"
    blob.parent.mkdir()
    blob.write_bytes(whole())
    store = tmp_path / "manifests/registry.ollama.ai/library/tiny"
    store.mkdir(parents=True)
    layers = [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:abc"}]
    (store / "latest").write_text(json.dumps({"layers": layers}))
    models = [
        {"kind": "ollama", "path": str(tmp_path), "name": "tiny"},
        {"kind": "file", "path": str(blob), "name": "file"},
        {"kind": "file", "path": str(tmp_path / "none.gguf"), "name": "none"},
        {"kind": "ollama", "path": str(tmp_path), "name": "owner/other:8b"},
    ]
    events = run({"models": models}, tmp_path)
    assert [(event["model"], event.get("stored")) for event in events] == [
        ("tiny", STORED),
        ("file", STORED),
        ("none", None),
        ("owner/other:8b", None),
    ]
    assert [group["layers"] for group in events[0]["spec"]["groups"]] == [2]
    assert events[2]["fault"].endswith("No such file or directory; download it first: synapse models pull none")


def test_the_archive_is_the_same_every_time_and_fits() -> None:
    assert worker_bundle.archive() == worker_bundle.archive()
    assert len(worker_bundle.archive()) < VARIABLE_LIMIT // 2
