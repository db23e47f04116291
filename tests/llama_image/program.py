"""llama.cpp's server as the image has it, taken out of the built archive, once for each build."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from infra.settings.model import ROOT
from tools import paths
from tools.images.build import Images
from tools.locks import exclusive
from tools.offline.toolchain import keep
from tools.progress import say

SOURCE = "llama_image"
PROGRAM = "app/llama-server"


def llama_server() -> Path:
    """Return the executable, built first where the image is missing, which takes minutes."""
    built = Images().build(ROOT / SOURCE)
    digest = built.reference.rpartition(":")[2][:16]
    folder = paths.cache() / "built" / f"llama-server-{digest}"
    with exclusive(paths.cache() / "locks/llama-server", lambda: say("another process takes llama-server out ...")):
        if not folder.exists():
            keep(folder, lambda target: _extract(built.archive, target))
    return folder / "llama-server"


def _extract(archive: Path, folder: Path) -> None:
    """Write the program of the uppermost layer that has it."""
    with tarfile.open(archive) as image:
        manifest = _json(image, _json(image, "index.json")["manifests"][0]["digest"])
        for layer in reversed(manifest["layers"]):
            with tarfile.open(fileobj=io.BytesIO(_read(image, _blob(layer["digest"])))) as content:
                if PROGRAM in content.getnames():
                    file = content.extractfile(PROGRAM)
                    assert file
                    target = folder / Path(PROGRAM).name
                    target.write_bytes(file.read())
                    target.chmod(0o755)
                    return
    raise LookupError(f"{archive}: no layer has {PROGRAM}")


def _json(image: tarfile.TarFile, name: str) -> Any:
    return json.loads(_read(image, _blob(name)))


def _read(image: tarfile.TarFile, name: str) -> bytes:
    member = next(each for each in image if each.name.removeprefix("./") == name)
    content = image.extractfile(member)
    assert content
    return content.read()


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}" if digest.startswith("sha256:") else digest
