"""What a model's own files say of it, read where they are: its model spec, and the bytes of its weights.

It runs wherever Python is: `carrying.py` takes it, and the readers that it uses, into the cluster.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from infra.errors import ModelFileError
from infra.sizing import model_files
from infra.sizing.model_specs import ModelSpec

REGISTRY: Final = "registry.ollama.ai"
WEIGHTS: Final = "application/vnd.ollama.image.model"


def locate(kind: str, path: Path, name: str) -> Path:
    """The file or folder to read of the model *name*, which lives at *path*. Raises ModelFileError and OSError."""
    if kind == "ollama":
        return _of_ollama(path, name)
    return _of_snapshot(path) if kind == "snapshot" else path


def read(kind: str, path: Path, name: str) -> tuple[ModelSpec, int]:
    """The model spec, and the bytes of the weights. Raises ModelFileError."""
    try:
        found = locate(kind, path, name)
        found.stat()
    except OSError as error:
        raise ModelFileError(
            f"{error.filename or path}: {error.strerror}; fetch it first: synapse models pull {name}"
        ) from error
    return model_files.model_spec(found)


def _of_snapshot(path: Path) -> Path:
    """The hub's own layout: a branch names a commit, and the commit's folder has the files."""
    commit = (path / "refs/main").read_text(encoding="utf-8").strip()
    return path / "snapshots" / commit


def _of_ollama(root: Path, name: str) -> Path:
    """Ollama keeps a manifest for each model, which names the blob of its weights."""
    model, _, tag = name.partition(":")
    owner = model if "/" in model else f"library/{model}"
    manifest = root / "manifests" / REGISTRY / owner / (tag or "latest")
    try:
        layers = json.loads(manifest.read_bytes())["layers"]
        (digest,) = [layer["digest"] for layer in layers if layer["mediaType"] == WEIGHTS]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{manifest}: no manifest of Ollama: {error}") from error
    return root / "blobs" / str(digest).replace(":", "-")


def main() -> int:
    """Read every model of the order in the environment; one that cannot be read is told, and the next is read."""
    for wanted in json.loads(os.environ["ORDER"])["models"]:
        print(json.dumps(_told(wanted)), flush=True)  # noqa: T201 - this is how it tells
    return 0


def _told(wanted: dict[str, str]) -> dict[str, Any]:
    try:
        model_spec, stored = read(wanted["kind"], Path(wanted["path"]), wanted["name"])
    except ModelFileError as error:
        return {"model": wanted["name"], "fault": str(error)}
    return {"model": wanted["name"], "model_spec": dataclasses.asdict(model_spec), "stored": stored}


if __name__ == "__main__":
    sys.exit(main())
