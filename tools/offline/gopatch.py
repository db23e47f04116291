"""Build a Go program with a patched dependency: a copy of the module with other files, for one build."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.offline.pins import GoPackage, Patch


@contextmanager
def patched(go: str, source: GoPackage) -> Iterator[tuple[str, ...]]:
    """Yield the flags to build *source* with. Raises subprocess.CalledProcessError where the module is missing."""
    if source.patch is None:
        yield ()
        return
    with tempfile.TemporaryDirectory(prefix="synapse-go-") as scratch:
        folder = Path(scratch)
        for name in ("go.mod", "go.sum"):
            shutil.copy2(source.module / name, folder / name)
        _copy(go, source, source.patch, folder / "copy")
        _run(go, folder, "mod", "edit", f"-replace={source.patch.module}={folder / 'copy'}")
        yield (f"-modfile={folder / 'go.mod'}",)


def _copy(go: str, source: GoPackage, patch: Patch, target: Path) -> None:
    _run(go, source.module, "mod", "download", patch.module)
    original = _run(go, source.module, "list", "-m", "-f", "{{.Dir}}", patch.module).strip()
    shutil.copytree(original, target, copy_function=shutil.copyfile)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)  # folders of the module cache are read-only
    for path, content in patch.files.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(content)


def _run(go: str, folder: Path, *arguments: str) -> str:
    return subprocess.run([go, *arguments], cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout
