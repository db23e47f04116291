"""Buildah leaves no mounts and containers on the machine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.processes import has_name
from tools.cluster.packages import programs
from tools.images.builder import QUERY_S, Build, Buildah
from tools.images.subprocesses import END_S, output_of
from tools.offline import debian

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="Buildah mounts on its own only as root: run the tests as root"
)
DEADLINE_S = 300.0
POLL_S = 0.05
BASE = "localhost/base:1"
COMMAND = """
import sys
import cli
from tools.images import build
from tools.images.builder import Buildah
path = sys.argv.pop()
build.find = lambda store: Buildah(path, store)
cli.main()
"""
"""Program that runs `synapse` with Buildah as the builder; its path is the last argument."""


def mounted(folder: Path, process: str = "self") -> list[str]:
    """Return the mounts below *folder* in the mount namespace of a process."""
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


def test_a_killed_build_leaves_nothing_mounted(builder: Buildah, context: Path, tmp_path: Path) -> None:
    (context / "Dockerfile").write_text('FROM scratch\nCOPY sleep /\nRUN ["/sleep", "600"]\n')
    options = Build(context=context, name="localhost/tiny:2").options
    with killed_at_end([*builder.command, "build", *options], builder.environment) as process:
        wait_for_the_step(process)
        assert any("merged" in line for line in mounted(tmp_path, str(process.pid)))
        family = descendants(process)
    _, alive = psutil.wait_procs(family, timeout=DEADLINE_S)
    assert alive == []
    assert mounted(tmp_path) == []
    assert containers(builder)  # removed by the next build
    (context / "Dockerfile").write_text("FROM scratch\nCOPY sleep /\n")
    builder.build(Build(context=context, name="localhost/tiny:3"), tmp_path / "log")
    assert containers(builder) == []


@contextmanager
def killed_at_end(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* with more variables; kill it at the end, also when the test fails."""
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def containers(builder: Buildah) -> list[str]:
    """Return the working containers of builds."""
    listed = output_of([*builder.command, "containers", "--all", "--quiet"], QUERY_S, builder.environment)
    assert listed is not None
    return listed.splitlines()


def descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def wait_for_the_step(process: subprocess.Popen[bytes]) -> None:
    """Wait until the RUN step of the Dockerfile runs."""
    deadline = time.monotonic() + DEADLINE_S
    while not any(has_name(each, "sleep") for each in descendants(process)):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(POLL_S)


@pytest.fixture
def folder(tmp_path: Path, context: Path) -> Path:
    """Return the folder of an image with a step of ten minutes; its base is in the store of the test's cache."""
    (context / "Dockerfile").write_text("FROM scratch\nCOPY sleep /\n")
    Buildah(str(debian.program("buildah")), tmp_path / "cache/images/store").build(
        Build(context=context, name=BASE), tmp_path / "log"
    )
    made = tmp_path / "slow_image"
    made.mkdir()
    (made / "Dockerfile").write_text(f'ARG BASE={BASE}\nFROM ${{BASE}}\nRUN ["/sleep", "600"]\n')
    (tmp_path / "scratch").mkdir()
    return made


@contextmanager
def building(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `synapse image build` with its own cache and temporary folder beside *folder*."""
    beside = folder.parent
    arguments = ["image", "build", str(folder), "--archive", str(beside / "slow.tar"), str(debian.program("buildah"))]
    variables = {"SYNAPSE_CACHE": str(beside / "cache"), "TMPDIR": str(beside / "scratch")}
    with killed_at_end([sys.executable, "-c", COMMAND, *arguments], variables) as process:
        yield process


def test_a_terminated_build_leaves_nothing_and_the_next_one_succeeds(folder: Path, tmp_path: Path) -> None:
    with building(folder) as process:
        wait_for_the_step(process)
        family = descendants(process)
        process.terminate()
        assert process.wait(END_S) == 128 + signal.SIGTERM
        _, alive = psutil.wait_procs(family, timeout=0)
    assert alive == []
    assert mounted(tmp_path) == []
    assert list((tmp_path / "scratch").iterdir()) == []
    assert containers(Buildah(str(debian.program("buildah")), tmp_path / "cache/images/store")) == []
    (folder / "Dockerfile").write_text(f'ARG BASE={BASE}\nFROM ${{BASE}}\nRUN ["/sleep", "0"]\n')
    with building(folder) as process:
        assert process.wait(DEADLINE_S) == 0
    assert (tmp_path / "slow.tar").is_file()
