"""Read the model spec and the bytes of the weights from the files of a model.

As a script it needs only Python: `worker_bundle.py` sends it, with the readers that it imports, to a pod.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from infra.errors import ModelFileError
from infra.sizing.specs import model_files
from infra.sizing.specs.model_spec import ModelSpec

REGISTRY: Final = "registry.ollama.ai"
WEIGHTS: Final = "application/vnd.ollama.image.model"


def locate(kind: str, path: Path, name: str) -> Path:
    """Return the file or folder of the model *name* at *path*. Raises ModelFileError and OSError."""
    if kind == "ollama":
        return _ollama_blob(path, name)
    return _snapshot_folder(path) if kind == "snapshot" else path


def read(kind: str, path: Path, name: str) -> tuple[ModelSpec, int]:
    """Return the model spec and the bytes of the weights. Raises ModelFileError."""
    try:
        file = locate(kind, path, name)
        file.stat()
    except OSError as error:
        raise ModelFileError(
            f"{error.filename or path}: {error.strerror}; download it first: synapse models pull {name}"
        ) from error
    return model_files.model_spec(file)


def _snapshot_folder(path: Path) -> Path:
    """Return the folder of a commit in the layout of the hub's cache, in which a branch names a commit."""
    commit = (path / "refs/main").read_text(encoding="utf-8").strip()
    return path / "snapshots" / commit


def _ollama_blob(root: Path, name: str) -> Path:
    """Return the weights that Ollama's manifest of the model names."""
    model, _, tag = name.partition(":")
    owner = model if "/" in model else f"library/{model}"
    manifest = root / "manifests" / REGISTRY / owner / (tag or "latest")
    try:
        layers = json.loads(manifest.read_bytes())["layers"]
        (digest,) = [layer["digest"] for layer in layers if layer["mediaType"] == WEIGHTS]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{manifest}: not a manifest of Ollama: {error}") from error
    return root / "blobs" / str(digest).replace(":", "-")


def main() -> int:
    """Print one line of JSON for each model of the request; a model that cannot be read gets a fault."""
    for model in json.loads(os.environ["REQUEST"])["models"]:
        print(json.dumps(_event(model)), flush=True)  # noqa: T201 - the output of the script
    return 0


def _event(model: dict[str, str]) -> dict[str, Any]:
    try:
        spec, stored = read(model["kind"], Path(model["path"]), model["name"])
    except ModelFileError as error:
        return {"model": model["name"], "fault": str(error)}
    return {"model": model["name"], "spec": dataclasses.asdict(spec), "stored": stored}


if __name__ == "__main__":
    sys.exit(main())
