"""A fake Docker: its store is a folder, and an image is a JSON file with the files of its context."""

import hashlib
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

SCRIPT = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[3])!r})
from tests.tools.images.fake_docker import main
sys.exit(main(__import__("pathlib").Path(__file__).parent, sys.argv[1:]))
"""


def install(folder: Path, *, base: str | None = None, name: str = "docker") -> Path:
    """Install the fake into *folder*, with the image *base* in its store; return the file with a line for each call."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(SCRIPT)
    (folder / name).chmod(0o755)
    if base:
        _write(folder, base, {"base": ""})
    return folder / "calls.txt"


def main(folder: Path, arguments: list[str]) -> int:
    with (folder / "calls.txt").open("a") as calls:
        calls.write(f"{json.dumps(arguments)}\n")
    options = [argument for argument in arguments if argument.startswith("--")]
    plain = [argument for argument in arguments if not argument.startswith("--")]
    return _run(folder, plain, dict(option.partition("=")[::2] for option in options))


def _run(folder: Path, plain: list[str], options: dict[str, str]) -> int:
    match plain:
        case ["version" | "info"] | ["rmi", _]:
            done = True
        case ["image", "inspect", name] if done := _file(folder, name).exists():
            image = json.loads(_file(folder, name).read_text())
            sys.stdout.write(json.dumps([f"{name.rpartition(':')[0]}@{_digest(image)}"]))
        case ["build", context]:
            done = _build(folder, Path(context), options)
        case ["save", name]:
            done = _save(json.loads(_file(folder, name).read_text()), Path(options["--output"]))
        case ["tag", name, target]:
            done = bool(_file(folder, target).write_text(_file(folder, name).read_text()))
        case ["push", name]:
            done = _file(folder, name).exists()
        case _:
            done = False
    return 0 if done else 1


def _build(folder: Path, context: Path, options: dict[str, str]) -> bool:
    files = {str(path.relative_to(context)): path.read_text() for path in context.rglob("*") if path.is_file()}
    if "FAIL" in files["Dockerfile"]:
        sys.stdout.write("step 3 of 7: no such package\n")
        return False
    _write(folder, options["--tag"], files)
    return True


def _save(files: dict[str, str], target: Path) -> bool:
    scratch = target.with_suffix(".index")
    manifest: dict[str, Any] = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": _digest(files)}
    manifests = [] if "EMPTY" in files["Dockerfile"] else [manifest]
    if "TWO" in files["Dockerfile"]:
        manifests.append({**manifest, "digest": "sha256:" + 64 * "b"})
    scratch.write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    with tarfile.open(target, "w") as archive:
        archive.add(scratch, "OLD" if "OLD" in files["Dockerfile"] else "index.json")
    return True


def _write(folder: Path, name: str, files: dict[str, str]) -> None:
    _file(folder, name).write_text(json.dumps(files))


def _digest(files: dict[str, str]) -> str:
    return f"sha256:{hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()}"


def _file(folder: Path, name: str) -> Path:
    return folder / f"image-{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"
