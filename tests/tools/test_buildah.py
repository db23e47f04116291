"""Buildah itself: what it leaves on the machine."""

import os
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tools import debian
from tools.cluster.packages import programs
from tools.images.builder import Build, Buildah

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="Buildah mounts on its own only as root: run the tests as root"
)
DEADLINE_S = 60.0
POLL_S = 0.05


def mounted(folder: Path, process: str = "self") -> list[str]:
    """What is mounted below *folder*, as that process sees it."""
    lines = Path(f"/proc/{process}/mountinfo").read_text().splitlines()
    return [line for line in lines if str(folder) in line]


@pytest.fixture
def builder(tmp_path: Path) -> Buildah:
    return Buildah(str(debian.program("buildah")), tmp_path / "store")


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "sleep").write_bytes(programs().program("busybox").read_bytes())
    (folder / "sleep").chmod(0o755)
    return folder


def test_a_build_leaves_nothing_mounted(builder: Buildah, context: Path, tmp_path: Path) -> None:
    (context / "Dockerfile").write_text('FROM scratch\nCOPY sleep /\nRUN ["/sleep", "0"]\n')
    builder.build(Build(context=context, name="localhost/tiny:1"), tmp_path / "log")
    assert builder.has("localhost/tiny:1")
    assert mounted(tmp_path) == []


def test_a_build_that_was_killed_leaves_nothing_mounted(builder: Buildah, context: Path, tmp_path: Path) -> None:
    (context / "Dockerfile").write_text('FROM scratch\nCOPY sleep /\nRUN ["/sleep", "600"]\n')
    options = Build(context=context, name="localhost/tiny:2").options
    process = subprocess.Popen(
        [*builder.command, "build", *options],
        env=os.environ | builder.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + DEADLINE_S
    while not (family := [each for each in descendants(process) if each.name() == "sleep"]):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(POLL_S)
    assert any("merged" in line for line in mounted(tmp_path, str(process.pid)))
    family = descendants(process)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=DEADLINE_S)
    assert alive == []
    assert mounted(tmp_path) == []


def descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)
