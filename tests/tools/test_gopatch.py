"""A patched Go module is built with the added files, and the module cache stays unchanged."""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tools.offline.gopatch import patched
from tools.offline.pins import GoPackage, Patch

MODULE, VERSION = "example.test/page", "v1.0.0"
PAGE = 'package page\n\nimport _ "embed"\n\n//go:embed dist/index.html\nvar Text string\n'
MAIN = f'package main\n\nimport "{MODULE}"\n\nfunc main() {{ print(page.Text) }}\n'
GO = shutil.which("go")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GoPackage:
    """Return a program whose one dependency embeds a page that it lacks."""
    _publish(tmp_path / f"proxy/{MODULE}/@v")
    for name, value in {
        "GOPROXY": f"file://{tmp_path}/proxy",
        "GONOSUMDB": "*",
        "GOFLAGS": "-modcacherw",
        "GOMODCACHE": str(tmp_path / "modules"),
        "GOWORK": "off",
    }.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "main.go").write_text(MAIN)
    (folder / "go.mod").write_text(f"module example.test/program\n\ngo 1.21\n\nrequire {MODULE} {VERSION}\n")
    subprocess.run([GO or "go", "mod", "download", MODULE], cwd=folder, check=True)
    (folder / "go.sum").write_text(_sums(folder))
    return GoPackage(module=folder, package=".", minutes=1, patch=Patch(module=MODULE, files={"dist/index.html": "in"}))


def _publish(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / f"{VERSION}.mod").write_text(f"module {MODULE}\n")
    (folder / f"{VERSION}.info").write_text(json.dumps({"Version": VERSION}))
    with zipfile.ZipFile(folder / f"{VERSION}.zip", "w") as packed:
        packed.writestr(f"{MODULE}@{VERSION}/go.mod", f"module {MODULE}\n")
        packed.writestr(f"{MODULE}@{VERSION}/page.go", PAGE)


def _sums(folder: Path) -> str:
    command = ["go", "mod", "download", "-json", MODULE]
    module = json.loads(subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout)
    return f"{MODULE} {VERSION} {module['Sum']}\n{MODULE} {VERSION}/go.mod {module['GoModSum']}\n"


def _build(source: GoPackage, target: Path, *flags: str) -> "subprocess.CompletedProcess[str]":
    command = ["go", "build", "-mod=readonly", *flags, "-o", str(target), source.package]
    return subprocess.run(command, cwd=source.module, capture_output=True, text=True, check=False)


@pytest.mark.skipif(GO is None, reason="Go is not installed; https://go.dev/dl has it")
def test_a_missing_file_of_a_module_is_added_for_one_build(source: GoPackage, tmp_path: Path) -> None:
    program = tmp_path / "program.out"
    before = (source.module / "go.mod").read_text()
    assert "no matching files" in _build(source, program).stderr
    with patched("go", source) as flags:
        assert _build(source, program, *flags).returncode == 0
    assert subprocess.run([program], capture_output=True, text=True, check=True).stderr == "in"
    assert (source.module / "go.mod").read_text() == before
    assert not list((Path(os.environ["GOMODCACHE"]) / f"{MODULE}@{VERSION}").rglob("dist"))
