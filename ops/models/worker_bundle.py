"""Programs of this package for a pod that has Python and nothing of ours: sources in an archive, in a variable."""

import base64
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parents[2]
MODULES: Final = (
    "infra/__init__",
    "infra/errors",
    "infra/sizing/__init__",
    "infra/sizing/ggml_types",
    "infra/sizing/gguf",
    "infra/sizing/gguf_spec",
    "infra/sizing/model_files",
    "infra/sizing/model_specs",
    "infra/sizing/safetensors",
    "ops/__init__",
    "ops/models/__init__",
    "ops/models/fetching",
    "ops/models/headers",
)
"""These and their imports, which are of the standard library alone."""
FETCHING: Final = "ops.models.fetching"
READING: Final = "ops.models.headers"
ARCHIVE: Final = "SYNAPSE_CARRIED"
FOLDER: Final = "/tmp"  # noqa: S108 - inside the container, for the archive
LOADER: Final = f"""
import base64, os, runpy, sys, tempfile
path = os.path.join(tempfile.mkdtemp(), "carried.zip")
with open(path, "wb") as file:
    file.write(base64.b64decode(os.environ["{ARCHIVE}"]))
sys.path.insert(0, path)
runpy.run_module(sys.argv[1], run_name="__main__")
"""


def command(module: str) -> list[str]:
    """What a container runs whose environment has `environment()`."""
    return ["python3", "-c", LOADER, module]


def environment(order: str) -> Mapping[str, str]:
    """*order* is the JSON that the program reads."""
    return {ARCHIVE: archive(), "ORDER": order, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def archive() -> str:
    """The modules as a zip file in base64; the same sources give the same text."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for module in MODULES:
            name = zipfile.ZipInfo(f"{module}.py")
            name.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(name, (HERE / f"{module}.py").read_bytes())
    return base64.b64encode(content.getvalue()).decode()
