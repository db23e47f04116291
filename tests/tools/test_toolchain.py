"""Sources of a pinned program: PATH, cache, checked release, Go module; and refusals."""

import hashlib
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.tools import app
from tests.tools.fakes import ReleaseServer, archive, install_go, release_server, write_program
from tools.errors import ChecksumError, ToolchainError
from tools.offline import gobuild, release
from tools.offline.pins import PINS, PULUMI, GoPackage, Patch, Pin, Release
from tools.offline.toolchain import Origin, Toolchain

PROGRAM = b"#!/bin/sh\necho hello v1.2.3\n"
HERE = platform.machine()
DEADLINE_S = 300.0
POLL_S = 0.01
GO = shutil.which("go")  # before a test changes PATH


@pytest.fixture
def releases() -> Iterator[ReleaseServer]:
    with release_server() as server:
        yield server


@pytest.fixture(autouse=True)
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """First folder on PATH, before those with the programs of shell scripts."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.fixture
def go(bin_folder: Path) -> Path:
    return install_go(bin_folder)


@pytest.fixture
def pin(tmp_path: Path) -> Pin:
    """Return the pin of a program `hello` without a release."""
    module = tmp_path / "module"
    module.mkdir()
    (module / "go.mod").write_text("module example.test/hello\n\ngo 1.21\n")
    (module / "go.sum").write_text("")
    return Pin(
        name="hello",
        version="1.2.3",
        at_least=(1, 2),
        below=(1, 3),
        release=Release(url="http://127.0.0.1:9/hello", arch={HERE: "amd64"}),
        source=GoPackage(module=module, package="example.test/hello", variables={"main.version": "v1.2.3"}, minutes=1),
    )


def released(pin: Pin, releases: ReleaseServer, content: bytes = PROGRAM, checksum: str | None = None) -> Pin:
    """Return the pin with a release of this content and, by default, its checksum."""
    releases.files["/hello-amd64"] = content
    pinned = checksum or hashlib.sha256(content).hexdigest()
    published = Release(url=f"{releases.url}/hello-{{arch}}", arch={HERE: "amd64"}, checksum={HERE: pinned})
    return replace(pin, release=published)


def chain(tmp_path: Path, pin: Pin) -> Toolchain:
    return Toolchain(tmp_path / "cache", {pin.name: pin})


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("printed", ["hello v1.2.0", "1.2.99 (build 4.5.6)"])
def test_an_acceptable_program_on_path_is_used_as_it_is(
    tmp_path: Path, bin_folder: Path, pin: Pin, printed: str
) -> None:
    write_program(bin_folder / "hello", f"#!/bin/sh\necho '{printed}'\n")
    program = chain(tmp_path, pin).resolve("hello")
    assert (program.origin, program.path) == (Origin.PATH, bin_folder / "hello")
    assert program.version in printed
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("body", ["echo v1.1.9", "echo v1.3.0", "echo v0.0.0", "echo development build", "exit 3"])
@pytest.mark.usefixtures("go")
def test_any_other_program_on_path_is_passed_over(tmp_path: Path, bin_folder: Path, pin: Pin, body: str) -> None:
    write_program(bin_folder / "hello", f"#!/bin/sh\n{body}\n")
    assert chain(tmp_path, pin).resolve("hello").origin is Origin.BUILT


def test_a_release_is_downloaded_once_and_can_be_run(tmp_path: Path, pin: Pin, releases: ReleaseServer) -> None:
    tools = chain(tmp_path, released(pin, releases))
    first, second = tools.resolve("hello"), tools.resolve("hello")
    assert first == second
    assert first.origin is Origin.RELEASE
    assert first.path.read_bytes() == PROGRAM
    assert os.access(first.path, os.X_OK)
    assert releases.requests == ["/hello-amd64"]


def test_only_the_needed_members_of_an_archive_are_kept(tmp_path: Path, pin: Pin, releases: ReleaseServer) -> None:
    content = archive({"hello-amd64/bin/hello": PROGRAM, "hello-amd64/image.tar": b"large", "hello-amd64/bin/x": b""})
    member = "hello-{arch}/bin/hello"
    published = released(pin, releases, content)
    tools = chain(tmp_path, replace(published, release=replace(published.release, program=member, only=(member,))))
    hello = tools.resolve("hello")
    assert hello.path.read_bytes() == PROGRAM
    assert files(tmp_path / "cache") == {"hello"}


def test_an_archive_cannot_write_outside_its_folder(tmp_path: Path, pin: Pin, releases: ReleaseServer) -> None:
    content = archive({"hello": PROGRAM, "../outside": b"x", str(tmp_path / "absolute"): b"x"})
    published = released(pin, releases, content)
    tools = chain(tmp_path, replace(published, release=replace(published.release, program="hello")))
    assert tools.resolve("hello").path.read_bytes() == PROGRAM
    assert files(tmp_path) & {"outside", "absolute"} == set()


def test_a_sha512_is_recognized_by_its_length(tmp_path: Path, pin: Pin, releases: ReleaseServer) -> None:
    checksum = hashlib.sha512(PROGRAM).hexdigest()
    assert chain(tmp_path, released(pin, releases, checksum=checksum)).resolve("hello").origin is Origin.RELEASE


@pytest.mark.parametrize("digits", [64, 128])
def test_a_wrong_checksum_stops_everything(
    tmp_path: Path, pin: Pin, releases: ReleaseServer, go: Path, digits: int
) -> None:
    tools = chain(tmp_path, released(pin, releases, checksum=digits * "0"))
    with pytest.raises(ChecksumError) as error:
        tools.resolve("hello")
    digest = hashlib.new(release.ALGORITHMS[digits], PROGRAM).hexdigest()
    assert digest in str(error.value)
    assert digits * "0" in str(error.value)
    assert files(tmp_path / "cache") == set()
    assert not go.exists(), "fell through to a build"


def refuse(releases: ReleaseServer, pin: Pin) -> Pin:
    """Use a port that refuses connections."""
    return replace(pin, release=replace(pin.release, url="http://127.0.0.1:9/hello"))


def lose(releases: ReleaseServer, pin: Pin) -> Pin:
    releases.files.clear()
    return pin


def cut(releases: ReleaseServer, pin: Pin) -> Pin:
    releases.missing_bytes = 10
    return pin


@pytest.mark.parametrize("break_it", [refuse, lose, cut])
def test_a_release_that_does_not_arrive_is_built_instead(
    tmp_path: Path, pin: Pin, releases: ReleaseServer, go: Path, break_it: Callable[[ReleaseServer, Pin], Pin]
) -> None:
    started = time.monotonic()
    program = chain(tmp_path, break_it(releases, released(pin, releases))).resolve("hello")
    assert program.origin is Origin.BUILT
    assert len(go.read_text().splitlines()) == 1
    assert time.monotonic() - started < release.SILENCE_S


@pytest.mark.usefixtures("go")
def test_a_release_without_a_pinned_checksum_is_never_downloaded(
    tmp_path: Path, pin: Pin, releases: ReleaseServer
) -> None:
    published = released(pin, releases)
    unchecked = replace(published, release=replace(published.release, checksum={"another-machine": 64 * "0"}))
    assert chain(tmp_path, unchecked).resolve("hello").origin is Origin.BUILT
    assert releases.requests == []


def test_a_build_is_read_only_and_happens_once(tmp_path: Path, pin: Pin, go: Path) -> None:
    tools = chain(tmp_path, pin)
    assert tools.resolve("hello") == tools.resolve("hello")
    (call,) = go.read_text().splitlines()
    assert call.startswith(f"-mod=readonly 0 off {pin.source.module} build -v -trimpath")
    assert "-X main.version=v1.2.3" in call
    assert files(tmp_path / "cache") == {"hello"}


def test_two_threads_that_need_a_program_make_it_once(
    tmp_path: Path, bin_folder: Path, pin: Pin, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr("tools.offline.toolchain.say", lines.append)  # capfd loses lines of other threads
    may_end = tmp_path / "may-end"
    calls = install_go(bin_folder, wait=f'while [ ! -e "{may_end}" ]; do :; done')
    tools = chain(tmp_path, pin)
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(tools.resolve, "hello") for _ in range(2)]
        deadline = time.monotonic() + DEADLINE_S
        while not lines and time.monotonic() < deadline:
            time.sleep(POLL_S)
        may_end.touch()
        assert both[0].result() == both[1].result()
    assert ["another process is making hello" in line for line in lines] == [True]
    assert len(calls.read_text().splitlines()) == 1


def test_a_failed_build_shows_the_end_of_its_log(tmp_path: Path, bin_folder: Path, pin: Pin) -> None:
    write_program(bin_folder / "go", "#!/bin/sh\nseq 1 40\necho 'no such package'\nexit 1\n")
    with pytest.raises(ToolchainError, match="no such package") as error:
        chain(tmp_path, pin).resolve("hello")
    (log,) = (tmp_path / "cache").rglob("*.log")
    assert str(log) in str(error.value)
    assert "\n40\n" in str(error.value)
    assert "\n20\n" not in str(error.value)
    assert files(tmp_path / "cache") == {log.name}


def test_without_go_the_error_says_what_to_install(
    tmp_path: Path, bin_folder: Path, pin: Pin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(bin_folder))
    with pytest.raises(ToolchainError, match=r"install hello, or Go 1\.21 or newer"):
        chain(tmp_path, pin).resolve("hello")


def test_a_real_build_sets_the_version(tmp_path: Path, pin: Pin, monkeypatch: pytest.MonkeyPatch) -> None:
    if GO is None:
        pytest.skip("Go is not installed; https://go.dev/dl has it")
    monkeypatch.setenv("PATH", f"{Path(GO).parent}:{os.environ['PATH']}")
    main = 'package main\n\nvar version = "none"\n\nfunc main() { println(version) }\n'
    (pin.source.module / "main.go").write_text(main)
    program = chain(tmp_path, pin).resolve("hello")
    assert program.origin is Origin.BUILT
    assert b"v1.2.3" in program.path.read_bytes()


def test_the_key_of_a_build_has_everything_it_depends_on(pin: Pin) -> None:
    source = pin.source
    keys = {gobuild.key(source)}
    keys.add(gobuild.key(replace(source, package="example.test/other")))
    keys.add(gobuild.key(replace(source, variables={"main.version": "v1.2.4"})))
    keys.add(gobuild.key(replace(source, patch=Patch(module="example.test/page", files={"page.html": "one"}))))
    keys.add(gobuild.key(replace(source, patch=Patch(module="example.test/page", files={"page.html": "two"}))))
    for name in ("go.mod", "go.sum"):
        (source.module / name).write_text(f"// another {name}\n")
        keys.add(gobuild.key(source))
    assert len(keys) == 7


def test_an_error_for_an_unknown_name_lists_the_pinned_ones(tmp_path: Path, pin: Pin) -> None:
    with pytest.raises(ToolchainError, match="no pinned program is called helo; accepted: hello"):
        chain(tmp_path, pin).resolve("helo")


@pytest.mark.parametrize("pin", PINS.values(), ids=PINS)
def test_every_pin_is_one_version(pin: Pin) -> None:
    numbers = tuple(int(part) for part in pin.version.split("."))
    assert pin.at_least <= numbers < pin.below
    assert f" v{pin.source.version or pin.version}" in (pin.source.module / "go.mod").read_text()
    assert pin.source.package in (pin.source.module / "go.mod").read_text()
    assert {len(checksum) for checksum in pin.release.checksum.values()} <= release.ALGORITHMS.keys()
    assert pin.release.checksum.keys() <= pin.release.arch.keys()


def test_the_engine_and_its_python_library_are_of_one_version() -> None:
    assert metadata.version("pulumi") == PULUMI


def test_the_list_shows_every_tool_and_makes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNAPSE_CACHE", str(tmp_path / "cache"))
    result = CliRunner().invoke(app, ["list"])
    assert result.exit_code == 0
    assert all(name in result.output for name in PINS)
    assert not (tmp_path / "cache").exists()
