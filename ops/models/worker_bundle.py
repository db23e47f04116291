"""The reader of model headers for a pod that has Python but not our packages: a zip file in a variable."""

import base64
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SPECS: Final = (
    "__init__",
    "config_spec",
    "ggml_types",
    "gguf",
    "gguf_layers",
    "gguf_spec",
    "layer_reader",
    "layers",
    "model_config",
    "model_files",
    "model_spec",
    "recurrent_state",
    "safetensors",
)
MODULES: Final = (
    "infra/__init__",
    "infra/errors",
    "infra/sizing/__init__",
    *(f"infra/sizing/specs/{name}" for name in SPECS),
    "ops/__init__",
    "ops/models/__init__",
    "ops/models/headers",
)
"""All that the reader imports beside the standard library."""
ARCHIVE: Final = "SYNAPSE_BUNDLE"
LOADER: Final = f"""
import base64, os, runpy, sys, tempfile
path = os.path.join(tempfile.mkdtemp(), "bundle.zip")
with open(path, "wb") as file:
    file.write(base64.b64decode(os.environ["{ARCHIVE}"]))
sys.path.insert(0, path)
runpy.run_module("ops.models.headers", run_name="__main__")
"""


def command() -> Sequence[str]:
    """Return the command of a container with the variables of `environment()`."""
    return ("python3", "-c", LOADER)


def environment(request: str) -> Mapping[str, str]:
    """Return the variables for *request*, the JSON that the reader takes."""
    return {ARCHIVE: archive(), "REQUEST": request, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def archive() -> str:
    """Return the modules as a zip file in base64; the same sources give the same text."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for module in MODULES:
            name = zipfile.ZipInfo(f"{module}.py")
            name.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(name, (ROOT / f"{module}.py").read_bytes())
    return base64.b64encode(content.getvalue()).decode()
